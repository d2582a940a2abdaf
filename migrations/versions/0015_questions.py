"""What is asked back when somebody asks for the very same again, and what was asked of a subuser lately."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    def words(length: int) -> sa.types.TypeEngine[str]:
        return sa.Text().with_variant(sa.String(length=length), "sqlite")

    op.create_table(
        "questions",
        sa.Column("token", words(32), nullable=False),
        sa.Column("origin", words(200), nullable=False),
        sa.Column("person", words(64), nullable=False),
        sa.Column("subuser", words(128), nullable=False),
        sa.Column("allocation_update", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("same_as", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token"),
        sa.UniqueConstraint("origin"),
    )
    op.create_index("questions_by_age", "questions", ["at"], unique=False)
    op.create_index("requests_lately", "requests", ["subuser_key", "requested_at"], unique=False)
