"""A primary and its hot standby in one address: store and queue find the one that takes writes."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from creditbot.migrate import migrate
from creditbot.runners.procrastinate import ProcrastinateQueue
from creditbot.settings.environment import DatabaseSettings
from creditbot.store.database import Database
from tests.postgres import PostgresServer, Standby, new_server

from .adapters import wake_up
from .test_queue import Noted, defer, defer_until_taken, runner_of, until
from .test_runner import running


@pytest.fixture
def pair() -> Iterator[tuple[PostgresServer, Standby, str]]:
    """A primary, its standby, and the name of a database with all tables."""
    primary = new_server(durable=False)
    name = primary.create_migrated()
    standby = Standby(primary)
    yield primary, standby, name
    standby.close()
    primary.close()


async def test_jobs_run_on_a_failover_pair_before_and_after_it_fails_over(
    pair: tuple[PostgresServer, Standby, str],
) -> None:
    primary, standby, name = pair
    hosts = [quote(str(folder)) for folder in (standby.folder, primary.folder)]
    address = f"postgresql://postgres@/{name}?host={hosts[0]}&host={hosts[1]}"
    url = DatabaseSettings.from_environ({"DATABASE_URL": address}).database_url
    await asyncio.to_thread(migrate, url)
    database, work = Database(url, ProcrastinateQueue(url)), Noted()

    async with running(runner_of(url, work)):
        await defer(database, wake_up("apply", 1))
        await until(lambda: work.done[wake_up("apply", 1)])

        await asyncio.to_thread(primary.stop)
        await asyncio.to_thread(standby.promote)
        async with asyncio.timeout(60):
            await defer_until_taken(database, wake_up("apply", 2))
        await until(lambda: work.done[wake_up("apply", 2)])
    await database.close()
