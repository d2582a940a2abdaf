"""Readings of every subuser's credits, by which changes from outside are found."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subuser", sa.Text().with_variant(sa.String(length=128), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("credits_type", sa.Text().with_variant(sa.String(length=40), "sqlite"), nullable=True),
        sa.Column("remain", sa.BigInteger(), nullable=True),
        sa.Column("last_reset", sa.Text().with_variant(sa.String(length=40), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("snapshots_by_subuser", "snapshots", ["subuser", "at"])
    op.create_index("snapshots_by_age", "snapshots", ["at"])
