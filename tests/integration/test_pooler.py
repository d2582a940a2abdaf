"""Behind a PgBouncer in transaction mode, whose server connections are another's after each transaction."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import product

import pytest
import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from creditbot.cli.database_errors import explanation
from creditbot.runners import procrastinate as queue
from creditbot.runners.procrastinate import ProcrastinateQueue
from creditbot.startup.database import prepare_database
from creditbot.store import identity
from creditbot.store.database import Database
from creditbot.store.tables import SCHEMA_VERSION, deliveries
from tests.pgbouncer import PgBouncer
from tests.postgres import PostgresServer

from .adapters import wake_up
from .test_queue import Noted, defer, runner_of, until
from .test_runner import running

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ENOUGH = 12
"""Times after which a driver would have prepared a statement long ago."""


@pytest.fixture(scope="module")
def pooler(postgres: PostgresServer) -> Iterator[PgBouncer]:
    started = PgBouncer(postgres, "transaction")
    yield started
    started.close()


@pytest.fixture
def pooled(pooler: PgBouncer, postgres: PostgresServer) -> Iterator[str]:
    """A database without tables, through the pooler."""
    name = postgres.create()
    yield pooler.driver_url(name)
    postgres.drop(name)


@pytest.fixture
async def databases(pooled: str) -> AsyncIterator[list[Database]]:
    """As several processes have it."""
    await prepare_database(pooled)
    found = [Database(pooled, ProcrastinateQueue(pooled)) for _ in range(3)]
    yield found
    for database in found:
        await database.close()


async def test_processes_take_turns_on_one_connection(databases: list[Database]) -> None:
    for number in range(ENOUGH):
        for process, database in enumerate(databases):
            async with database.write() as transaction:
                await transaction.connection.execute(
                    deliveries.insert().values(id=f"{process} {number}", at=EPOCH)
                )
    async with databases[0].read() as connection:
        assert await connection.run_sync(identity.version_of) == SCHEMA_VERSION


async def test_processes_work_side_by_side(databases: list[Database]) -> None:
    async def work(database: Database, process: int) -> None:
        for number in range(ENOUGH):
            async with database.write() as transaction:
                await transaction.connection.execute(
                    deliveries.insert().values(id=f"{process} {number}", at=EPOCH)
                )
            async with database.read() as connection:
                await connection.execute(select(deliveries.c.id))

    await asyncio.gather(*(work(database, process) for process, database in enumerate(databases)))
    async with databases[0].read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM deliveries")) == ENOUGH * len(databases)


@pytest.mark.people_wait
async def test_what_a_transaction_relies_on_ends_with_it(databases: list[Database]) -> None:
    """Else the next one on that connection, another process's, would have its settings or its lock."""
    async with databases[0].write() as transaction:
        assert await transaction.connection.scalar(text("SHOW lock_timeout")) == "1200ms"
    for _ in range(ENOUGH):
        async with databases[1].read() as connection:
            assert await connection.scalar(text("SHOW lock_timeout")) == "0"
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert await connection.scalar(text(locks)) == 0


async def test_a_pooler_in_statement_mode_comes_with_advice(postgres: PostgresServer) -> None:
    pooler = PgBouncer(postgres, "statement")
    try:
        with pytest.raises(DBAPIError) as caught:
            await prepare_database(pooler.driver_url("postgres"), patience=0)
    finally:
        pooler.close()
    assert explanation(pooler.driver_url("postgres"), caught.value).endswith(
        "Set the pooler's pool_mode to transaction or session."
    )


def has_done(work: Noted, number: int) -> bool:
    return work.done.total() == number


async def test_jobs_run_and_the_queue_is_never_away(
    databases: list[Database], pooled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "POLLING", 0.05)  # a worker behind a pooler is notified of nothing
    work = Noted()
    with structlog.testing.capture_logs() as logs:
        async with running(runner_of(pooled, work)):
            for number, (job, key) in enumerate(product(("apply", "deliver", "expire"), range(ENOUGH)), 1):
                await defer(databases[number % 3], wake_up(job, key))
                await until(partial(has_done, work, number))
            for database in databases:  # a connection that listens would stay so for whoever has it next
                async with database.read() as connection:
                    assert await connection.scalar(text("SELECT count(*) FROM pg_listening_channels()")) == 0
    assert work.begun.total() == 3 * ENOUGH
    assert [entry for entry in logs if "prepared statement" in str(entry)] == []
