"""Whose database it is: ours goes on, another program's is left as it is."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from creditbot.cli.database_errors import explanation
from creditbot.domain.errors import UnfitDatabase
from creditbot.migrate import migrate
from creditbot.startup.database import prepare_database
from creditbot.store import identity
from creditbot.store.database import Database, looking_at
from creditbot.store.engines import is_postgres
from creditbot.store.tables import SCHEMA_VERSION, VERSION_TABLE
from tests.postgres import PostgresServer

from .conftest import MakeDatabase
from .schemas import schema

OLD_NAME = f"ALTER TABLE {VERSION_TABLE} RENAME TO alembic_version"


def run(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def with_alembics_name(url: str) -> None:
    """As it was when Alembic gave the table of the version its own name."""
    run(url, OLD_NAME)
    if is_postgres(url):
        key = f"RENAME CONSTRAINT {VERSION_TABLE}_pkc TO alembic_version_pkc"
        run(url, f"ALTER TABLE alembic_version {key}")


def contents(url: str) -> object:
    """All that lies in a SQLite file and beside it; on a server, what was laid."""
    if is_postgres(url):
        return schema(url)
    folder = Path(make_url(url).database or "").parent
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def version(url: str) -> str | None:
    database = Database(url)
    try:
        async with database.read() as connection:
            return await connection.run_sync(identity.version_of)
    finally:
        await database.close()


async def test_the_version_of_ours_moves_to_a_table_of_our_own(url: str) -> None:
    fresh = schema(url).keys()
    with_alembics_name(url)
    assert await version(url) == SCHEMA_VERSION

    await asyncio.to_thread(migrate, url)

    assert schema(url).keys() == fresh
    assert await version(url) == SCHEMA_VERSION


async def test_another_programs_version_beside_ours_is_left_to_it(url: str) -> None:
    others = (
        "CREATE TABLE alembic_version (version_num VARCHAR(32) CONSTRAINT alembic_version_pkc PRIMARY KEY)",
    )
    run(url, *others, "INSERT INTO alembic_version VALUES ('27c6a30d7c24')")
    await asyncio.to_thread(migrate, url)
    await prepare_database(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "27c6a30d7c24"
    engine.dispose()


ANOTHERS = {
    "alembic_version": (
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('27c6a30d7c24')",
    ),
    "alembic_version with a number": (
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('0003')",
    ),
    "alembic_version without a row": ("CREATE TABLE alembic_version (version_num VARCHAR(32))",),
    "events": ("CREATE TABLE events (id INTEGER, what TEXT)",),
    "requests": ("CREATE TABLE requests (id INTEGER)", "CREATE TABLE users (id INTEGER)"),
    "snapshots": ("CREATE TABLE users (id INTEGER)", "CREATE VIEW snapshots AS SELECT id FROM users"),
}


async def looked_at(url: str) -> None:
    async with looking_at(url):
        pass


@pytest.mark.parametrize("anothers", ANOTHERS)
async def test_another_programs_database_is_called_that_and_not_touched(
    new_database: MakeDatabase, anothers: str
) -> None:
    url = new_database()
    run(url, *ANOTHERS[anothers])
    before = contents(url)
    for use in (prepare_database, looked_at, lambda url: asyncio.to_thread(migrate, url)):
        with pytest.raises(UnfitDatabase) as caught:
            await use(url)
        said = str(caught.value)
        assert said.startswith("DATABASE_URL: this is the database of another program: its table ")
        assert f" {anothers.partition(' ')[0]} " in said
        assert "\n" not in said
    assert contents(url) == before


async def test_a_file_of_another_program_is_left_alone_even_if_no_name_is_taken(
    new_database: MakeDatabase,
) -> None:
    url = new_database()
    run(url, "CREATE TABLE bookmarks (id INTEGER)")
    before = contents(url)
    if is_postgres(url):  # a database may be shared
        await prepare_database(url)
        assert await version(url) == SCHEMA_VERSION
        return
    with pytest.raises(UnfitDatabase, match="its table bookmarks is not creditbot's"):
        await prepare_database(url)
    assert contents(url) == before


async def test_a_database_without_tables_or_of_another_version_is_not_read(
    new_database: MakeDatabase,
) -> None:
    url = new_database()
    with pytest.raises(UnfitDatabase, match=r"no tables of creditbot yet\. `creditbot migrate`"):
        await looked_at(url)
    await asyncio.to_thread(migrate, url)
    run(url, "UPDATE creditbot_version SET version_num = '0001'")
    with pytest.raises(
        UnfitDatabase, match=f"version 0001, and this creditbot needs version {SCHEMA_VERSION}"
    ):
        await looked_at(url)
    run(url, "UPDATE creditbot_version SET version_num = '9999'")
    for use in (prepare_database, looked_at, lambda url: asyncio.to_thread(migrate, url)):
        with pytest.raises(UnfitDatabase, match=r"version 9999, and .* Install the newer creditbot\."):
            await use(url)


async def test_who_may_not_create_tables_is_told_what_to_run(postgres: PostgresServer) -> None:
    name = await asyncio.to_thread(postgres.create)
    url = postgres.driver_url(name).replace("postgres@", "newcomer@")
    run(postgres.driver_url(name), "CREATE ROLE newcomer LOGIN")
    try:
        with pytest.raises(Exception, match="permission denied for schema public") as caught:
            await prepare_database(url)
        said = explanation(url, caught.value)
        assert "GRANT CREATE ON SCHEMA public TO newcomer;" in said
        assert f"ALTER DATABASE {name} OWNER TO newcomer;" in said

        run(postgres.driver_url(name), "GRANT CREATE ON SCHEMA public TO newcomer")
        await prepare_database(url)
        assert await version(url) == SCHEMA_VERSION
    finally:
        await asyncio.to_thread(postgres.drop, name)
        run(postgres.driver_url("postgres"), "DROP ROLE newcomer")
