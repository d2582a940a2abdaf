"""What is delivered again, asked for again and posted again is known for it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_by_age", "deliveries", ["at"], unique=False)
    # Without foreign keys: SQLite can't add one to a table that is there.
    op.add_column("requests", sa.Column("again_of", sa.Integer(), nullable=True))
    op.add_column("requests", sa.Column("asked_again_as", sa.Integer(), nullable=True))
    op.add_column("requests", sa.Column("contradicted_at", sa.BigInteger(), nullable=True))
    op.add_column("cards", sa.Column("posts", sa.Integer(), server_default="0", nullable=False))
    op.execute("UPDATE cards SET posts = 1 WHERE ts IS NOT NULL")
