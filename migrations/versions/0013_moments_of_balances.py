"""When a request's balances were read, and what was used in between."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for name in ("remain_before_at", "remain_after_at", "used_before", "used_since"):
        op.add_column("requests", sa.Column(name, sa.BigInteger(), nullable=True))
