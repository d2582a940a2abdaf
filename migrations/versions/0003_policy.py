"""The policy that applied to a request, emergency approvals, and reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column(
        "requests",
        sa.Column("policy_hash", sa.Text().with_variant(sa.String(length=64), "sqlite"), nullable=True),
    )
    op.add_column("requests", sa.Column("break_glass_reason", sa.Text(), nullable=True))
    op.add_column("requests", sa.Column("remind_at", sa.BigInteger(), nullable=True))
    op.add_column("requests", sa.Column("reminded", sa.Integer(), server_default="0", nullable=False))
    op.create_index("requests_by_end", "requests", ["finished_at"], unique=False)
    op.create_index("events_by_kind", "events", ["kind", "id"], unique=False)
