"""What a transaction on PostgreSQL may rely on, whatever the server's own settings are."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from creditbot.store.clock import ServerClock
from creditbot.store.database import Database

from .conftest import on_postgres


@on_postgres
async def test_a_commit_is_on_disk_and_sees_what_was_committed_before_its_turn(url: str) -> None:
    settings = ("synchronous_commit", "transaction_isolation", "lock_timeout")
    database = Database(url)
    async with database.write() as transaction:
        found = [await transaction.connection.scalar(text(f"SHOW {name}")) for name in settings]
    async with database.read() as connection:
        reading = await connection.scalar(text("SHOW transaction_isolation"))
    await database.close()

    assert found == ["on", "read committed", "1200ms"]  # the tests' server itself has it off
    assert reading == "repeatable read"


@on_postgres
async def test_a_clock_that_is_wrong_goes_by_the_servers(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(url)
    clock = ServerClock(database)
    monkeypatch.setattr(clock, "_ahead", timedelta(days=400))
    await clock.compare()
    async with database.read() as connection:
        there = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    await database.close()

    assert abs(clock() - there) < timedelta(minutes=1)
    assert clock().tzinfo is UTC
    assert isinstance(there, datetime)
