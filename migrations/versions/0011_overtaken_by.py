"""Which change the figures of a request that waits do not have yet."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("requests", sa.Column("overtaken_by", sa.Integer(), nullable=True))
