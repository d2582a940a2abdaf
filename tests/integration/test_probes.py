"""What /readyz sees: a database, a queue and a token that the work could not do without."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from creditbot.probes import Probe, Probes
from creditbot.sandbox.slack import SlackSandbox
from creditbot.slack.connection import TokenCheck
from creditbot.store import room
from creditbot.store.database import Database
from creditbot.store.deliveries import leave_no_trace
from creditbot.store.room import Room
from tests.postgres import PostgresServer, Standby

from .conftest import on_postgres, on_sqlite
from .test_queue import Noted, runner_of
from .test_runner import running


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.close()


async def ready(database: Database, *checks: Probe) -> tuple[int, str]:
    return await Probes(database, checks).ready()


def run(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


WRITTEN = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_xact_id_if_assigned()"}
"""What tells that somebody has written."""


async def test_a_database_with_room_is_ready_and_nothing_is_written(url: str, database: Database) -> None:
    check = Room(url, database)
    assert await ready(database, check) == (200, "ready\n")
    async with database.read() as connection:
        before = await connection.scalar(text(WRITTEN[connection.dialect.name]))
    assert await ready(database, check) == (200, "ready\n")
    async with database.read() as connection:
        assert await connection.scalar(text(WRITTEN[connection.dialect.name])) == before


@on_sqlite
async def test_a_full_disk_is_seen_before_anything_is_written(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LEAST", 2**62)
    assert await ready(database, Room(url, database)) == (503, "the disk with the database is full\n")


FULL = "could not extend file: No space left on device"

RAISE = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{FULL}' USING ERRCODE = '53100'; END $$"
)

AT_EACH_WRITE = "CREATE TRIGGER full_disk BEFORE INSERT ON deliveries EXECUTE FUNCTION full_disk()"


@on_postgres
async def test_a_server_without_room_makes_it_unready_until_a_write_goes_through(
    url: str, database: Database
) -> None:
    clock = Monotonic()
    check = Room(url, database, clock)
    run(url, RAISE, AT_EACH_WRITE)
    with pytest.raises(DBAPIError):
        async with database.write() as transaction:
            await leave_no_trace(transaction)

    assert await ready(database, check) == (503, f"the database can't be written to: {FULL}\n")
    run(url, "DROP TRIGGER full_disk ON deliveries")
    assert (await ready(database, check))[0] == 503  # it is not tried again at once
    clock.now += 6
    assert await ready(database, check) == (200, "ready\n")
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM deliveries")) == 0


@on_sqlite
async def test_a_file_without_room_is_noticed_at_the_write_that_fails(url: str, database: Database) -> None:
    async with database.write() as transaction:  # the one connection that writes keeps what it is told
        pages = await transaction.connection.scalar(text("PRAGMA page_count"))
        await transaction.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DBAPIError):
        async with database.write() as transaction:
            await transaction.connection.execute(
                text("INSERT INTO deliveries (id, at) VALUES (:id, 0)"), {"id": "x" * 100_000}
            )

    assert database.unwritable == "database or disk is full"
    assert await ready(database, Room(url, database)) == (200, "ready\n")
    assert database.unwritable is None


@on_postgres
async def test_a_standby_is_not_ready(postgres: PostgresServer, url: str) -> None:
    standby = await asyncio.to_thread(Standby, postgres)
    database = Database(standby.driver_url(str(make_url(url).database)))
    try:
        assert await ready(database) == (503, "the database is read-only\n")
    finally:
        await database.close()
        await asyncio.to_thread(standby.close)


@on_postgres
async def test_a_queue_whose_tables_are_not_there_is_not_ready(url: str, database: Database) -> None:
    run(url, "ALTER TABLE procrastinate_jobs RENAME TO elsewhere")
    assert await ready(database) == (503, "the job queue can't be reached\n")


@on_postgres
async def test_a_queue_that_only_the_workers_cannot_reach_is_not_ready(url: str, database: Database) -> None:
    nowhere = make_url(url).update_query_dict({"host": "/nowhere"}).render_as_string(hide_password=False)
    runner = runner_of(nowhere, Noted())
    async with running(runner):
        assert await ready(database, runner.trouble) == (503, "the job queue can't be reached\n")


@on_postgres
async def test_a_queue_that_answers_is_ready(url: str, database: Database) -> None:
    runner = runner_of(url, Noted())
    async with running(runner), asyncio.timeout(30):
        while await ready(database, runner.trouble) != (200, "ready\n"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


async def test_a_bot_token_that_slack_refuses_is_seen_once_a_minute() -> None:
    clock = Monotonic()
    async with SlackSandbox() as slack:
        check = TokenCheck(AsyncWebClient(token=slack.bot_token, base_url=slack.api_url), clock)
        assert (await check(), slack.calls) == (None, [])  # the start has just asked
        clock.now += 61
        slack.faults.fail("auth.test", error="token_revoked")
        with structlog.testing.capture_logs() as logs:
            assert await check() == "Slack refuses SLACK_BOT_TOKEN (token_revoked)"
            assert await check() == "Slack refuses SLACK_BOT_TOKEN (token_revoked)"
        assert len(slack.calls) == 1
        [entry] = logs
        assert entry["event"].startswith("SLACK_BOT_TOKEN is wrong: Slack says token_revoked.")
        clock.now += 61
        slack.faults.fail("auth.test", error="internal_error")
        assert await check() == "Slack refuses SLACK_BOT_TOKEN (token_revoked)"  # it did not say otherwise
        clock.now += 61
        assert await check() is None
