"""A start looks at its database first: it waits for one that comes, and not for one that never will."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from creditbot.bootstrap import prepare_database
from creditbot.store import health
from creditbot.store.database import Database
from creditbot.store.tables import SCHEMA_VERSION
from tests.postgres import PostgresServer

WAITS = "The database does not answer; trying again"


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """For a test that stops it."""
    server = PostgresServer(Path(tempfile.mkdtemp(prefix="creditbot-")), durable=True)
    yield server
    server.close()


async def test_a_database_that_does_not_exist_is_not_waited_for(postgres: PostgresServer) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(OperationalError, match="does not exist"):
        await prepare_database(postgres.driver_url("nowhere"), patience=5)

    assert logs == []


async def test_a_server_that_is_away_is_waited_for(own_server: PostgresServer) -> None:
    url = own_server.driver_url(await asyncio.to_thread(own_server.create))
    await asyncio.to_thread(own_server.stop)

    with structlog.testing.capture_logs() as logs:
        preparing = asyncio.create_task(prepare_database(url))
        async with asyncio.timeout(60):
            while WAITS not in [entry["event"] for entry in logs]:  # noqa: ASYNC110 - it tells nobody else
                await asyncio.sleep(0.02)
        assert not preparing.done()
        await asyncio.to_thread(own_server.start)
        await preparing

    database = Database(url)
    async with database.read() as connection:
        assert await health.schema_version(connection) == SCHEMA_VERSION
    await database.close()
