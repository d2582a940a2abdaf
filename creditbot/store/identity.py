"""Whose tables a database has: ours and of which version, another program's, or nobody's.

Looked at before anything is laid or changed, so that whatever belongs to others is left as it is.
"""

import re

from sqlalchemy import Connection, inspect, text

from creditbot.domain.errors import UnfitDatabase

from .tables import SCHEMA_VERSION, VERSION_TABLE, metadata

ALEMBICS = "alembic_version"
"""Alembic's own name for the table of the version. Ours was called so up to 0008, and others' are."""

FIRST_TABLES = frozenset({"requests", "approvals", "attempts", "events"})
"""What every database of ours has, from its first version on."""

ELSEWHERE = "Set DATABASE_URL to creditbot's own database. Nothing was changed in this one."


def version_of(connection: Connection) -> str | None:
    """The migration that our tables are at, or None if there is nothing yet.

    Raises:
        UnfitDatabase: there are tables of another program.
    """
    found = inspect(connection)
    there = {*found.get_table_names(), *found.get_view_names()}
    if VERSION_TABLE in there:
        return _version(connection, VERSION_TABLE)
    if ALEMBICS in there:
        version = _version(connection, ALEMBICS) if there >= FIRST_TABLES else None
        if version is None or re.fullmatch("[0-9]{4}", version) is None:
            raise _anothers(ALEMBICS)
        return version
    taken = sorted(there & metadata.tables.keys())
    if not taken and connection.dialect.name == "sqlite":
        taken = sorted(there)  # a file is one program's; a PostgreSQL may be shared
    if taken:
        raise _anothers(taken[0])
    return None


def _anothers(table: str) -> UnfitDatabase:
    return UnfitDatabase(
        f"this is the database of another program: its table {table} is not creditbot's. {ELSEWHERE}"
    )


def check(version: str | None) -> None:
    """Raise UnfitDatabase unless our tables are there, as this version of creditbot knows them."""
    check_not_newer(version)
    if version is None:
        raise UnfitDatabase("the database has no tables of creditbot yet. `creditbot migrate` creates them.")
    if version != SCHEMA_VERSION:
        raise UnfitDatabase(
            f"the database has version {version}, and this creditbot needs version {SCHEMA_VERSION}. "
            "`creditbot migrate` updates it (for a read-only copy, make a writable one first)."
        )


def check_not_newer(version: str | None) -> None:
    """Raise UnfitDatabase if a later version of creditbot has laid the tables."""
    if version is not None and version > SCHEMA_VERSION:
        raise UnfitDatabase(
            f"the database has version {version}, and this creditbot knows only version {SCHEMA_VERSION}. "
            "Install the newer creditbot."
        )


def take_over(connection: Connection) -> None:
    """Give the table of the version its own name, where it still has Alembic's."""
    there = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in there and ALEMBICS in there and there >= FIRST_TABLES:
        connection.execute(text(f"ALTER TABLE {ALEMBICS} RENAME TO {VERSION_TABLE}"))
        if connection.dialect.name == "postgresql":  # or its index would be in the way of another's table
            key = f"RENAME CONSTRAINT {ALEMBICS}_pkc TO {VERSION_TABLE}_pkc"
            connection.execute(text(f"ALTER TABLE {VERSION_TABLE} {key}"))


def _version(connection: Connection, table: str) -> str | None:
    found = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608 - names of our own
    return None if found is None else str(found)
