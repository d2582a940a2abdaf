"""Where deliveries end, where a card has moved from, and of which workspace a requester is."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

UNTOLD = "sent_at IS NULL AND given_up_at IS NULL"


def upgrade() -> None:
    words = sa.Text().with_variant(sa.String(length=64), "sqlite")
    op.add_column("requests", sa.Column("requester_team", words, nullable=True))
    for table in ("cards", "notices", "bulletins"):
        op.add_column(table, sa.Column("failing_since", sa.BigInteger(), nullable=True))
        op.add_column(table, sa.Column("given_up_at", sa.BigInteger(), nullable=True))
    op.add_column("cards", sa.Column("moved_at", sa.BigInteger(), nullable=True))
    op.drop_index("unsent_notices", "notices")
    op.create_index(
        "unsent_notices",
        "notices",
        ["id"],
        unique=False,
        sqlite_where=sa.text(UNTOLD),
        postgresql_where=sa.text(UNTOLD),
    )
