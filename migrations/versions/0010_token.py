"""What proves to which request a card belongs."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    words = sa.Text().with_variant(sa.String(length=32), "sqlite")
    op.add_column("requests", sa.Column("token", words, nullable=True))
