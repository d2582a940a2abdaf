"""A record that was seeded is one that the bot could have written."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from creditbot.store import append_only
from creditbot.store.compare import compare
from creditbot.store.database import looking_at
from creditbot.store.recount import recount
from tests.integration.adapters import database_url
from tests.postgres import PostgresServer, new_server

from . import seeding

REQUESTS = 30


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = new_server(durable=False)
    yield server
    server.close()


async def assert_holds(url: str, laid: seeding.Template) -> None:
    async with looking_at(url) as database, database.read() as connection:
        found, _ = await recount(connection)
        assert (found.count, found.broken_at) == (REQUESTS * len(laid.events), None)
        assert [difference async for difference in compare(connection)] == []
        assert await connection.run_sync(append_only.missing) == []


async def test_its_chain_and_its_tables_verify_on_both_databases(
    tmp_path: Path, server: PostgresServer
) -> None:
    laid = await seeding.template()
    path = tmp_path / "seeded.db"
    seeding.seed(path, laid, REQUESTS)
    await assert_holds(database_url(path), laid)
    name = server.create_migrated()
    seeding.to_postgres(path, server, name)
    await assert_holds(server.driver_url(name), laid)


async def test_on_postgresql_it_has_the_indexes_of_a_database_that_grew(
    tmp_path: Path, server: PostgresServer
) -> None:
    path = tmp_path / "seeded.db"
    seeding.seed(path, await seeding.template(), REQUESTS)
    grown, seeded = server.create_migrated(), server.create_migrated()
    seeding.to_postgres(path, server, seeded)
    assert indexes(server, seeded) == indexes(server, grown)


def indexes(server: PostgresServer, name: str) -> dict[str, str]:
    with psycopg.connect(server.url(name)) as connection:
        return dict(
            connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        )
