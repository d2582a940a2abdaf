"""Names of subusers that differ only in case count as one."""

import sqlalchemy as sa
from alembic import op

from creditbot.domain.errors import DomainError
from creditbot.domain.markup import literal

revision = "0007"
down_revision = "0006"

UNDER_WAY = "status IN ('applying', 'in_doubt')"


def upgrade() -> None:
    # With a default, since SQLite adds no column that is NOT NULL without one.
    words = sa.Text().with_variant(sa.String(length=128), "sqlite")
    op.add_column("requests", sa.Column("subuser_key", words, server_default=sa.text("''"), nullable=False))
    connection = op.get_bind()
    # By name and not by request: there are fewer, and the index that is dropped below finds them.
    names = connection.execute(sa.text("SELECT DISTINCT subuser FROM requests")).scalars().all()
    fill = sa.text("UPDATE requests SET subuser_key = :key WHERE subuser = :name")
    for name in names:
        connection.execute(fill, {"key": name.casefold(), "name": name})
    refuse_two_under_way(connection)
    op.drop_index("one_change_per_subuser", "requests")
    op.create_index(
        "one_change_per_subuser",
        "requests",
        ["subuser_key"],
        unique=True,
        sqlite_where=sa.text(UNDER_WAY),
        postgresql_where=sa.text(UNDER_WAY),
    )
    op.drop_index("requests_by_subuser", "requests")
    op.create_index("requests_by_subuser", "requests", ["subuser_key"], unique=False)


def refuse_two_under_way(connection: sa.Connection) -> None:
    """Changes of two spellings of a name may both be under way, which the new index does not let be.

    They may be changes of one subuser, so that the balance after one says nothing about the other. Only a
    person can end that: nothing is migrated, and the version that ran before goes on with them.
    """
    rows = connection.execute(
        sa.text(f"SELECT subuser_key, id, subuser FROM requests WHERE {UNDER_WAY} ORDER BY id")  # noqa: S608 - fixed text
    )
    under_way: dict[str, list[str]] = {}
    for key, id_, name in rows:
        under_way.setdefault(key, []).append(f"{id_} ({literal(name)})")
    for found in under_way.values():
        if len(found) > 1:
            raise DomainError(
                f"The database was left as it is: requests {' and '.join(found)} are under way or in doubt, "
                "and may be of one subuser, since their names differ only in case. Start the version of "
                "creditbot that ran before, and look at the subuser in SendGrid. Let it end what is being "
                "applied, and settle what is in doubt, on its card or with `creditbot requests settle`. "
                "Then migrate again."
            )
