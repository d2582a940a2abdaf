"""When a balance that speaks against a removal is read a second time."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("requests", sa.Column("read_again_at", sa.BigInteger(), nullable=True))
