"""How often a job has begun with something and got nowhere."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    for table in ("requests", "bulletins"):
        op.add_column(table, sa.Column("runs", sa.Integer(), server_default="0", nullable=False))
        op.add_column(table, sa.Column("run_after", sa.BigInteger(), nullable=True))
