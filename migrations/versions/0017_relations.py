"""That one request follows another is told in a table, by kind, and no longer in a column of either."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def words(usual: int) -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.String(length=usual), "sqlite")


def upgrade() -> None:
    op.create_table(
        "relations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("kind", words(20), nullable=False),
        sa.Column("of_request", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["of_request"], ["requests.id"]),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("of_request", "kind", name="one_follower"),
        sa.UniqueConstraint("request_id", "kind", name="follows_one"),
    )
    # Of one whose row says it twice, which nothing has written, the ledger tells the rest.
    op.execute(
        "INSERT INTO relations (request_id, kind, of_request) "
        "SELECT min(id), 'again', again_of FROM requests "
        "WHERE again_of IN (SELECT id FROM requests) GROUP BY again_of ORDER BY 1"
    )
    op.drop_column("requests", "asked_again_as")
    op.drop_column("requests", "again_of")
