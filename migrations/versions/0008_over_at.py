"""When an attempt is over, and one change at a time for versions that know no keys."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

UNDER_WAY = "status IN ('applying', 'in_doubt')"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("over_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "one_change_per_spelling",
        "requests",
        ["subuser"],
        unique=True,
        sqlite_where=sa.text(UNDER_WAY),
        postgresql_where=sa.text(UNDER_WAY),
    )
