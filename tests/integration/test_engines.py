"""What a transaction on PostgreSQL may rely on, whatever its settings are, and who may read SQLite's file."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from creditbot.migrate import migrate
from creditbot.startup.database import prepare_database
from creditbot.store.clock import ServerClock
from creditbot.store.database import Database

from .adapters import database_url
from .conftest import on_postgres


@pytest.fixture
def open_handed() -> Iterator[None]:
    """Files are readable by all unless somebody sees to it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.usefixtures("open_handed")
@pytest.mark.parametrize("first", ["migrate", "start"])
async def test_a_new_file_is_for_its_owner_only(tmp_path: Path, first: str) -> None:
    url = database_url(tmp_path / "creditbot.db")
    await (asyncio.to_thread(migrate, url) if first == "migrate" else prepare_database(url))
    database = Database(url)
    async with database.write() as transaction:
        await transaction.connection.execute(text("DELETE FROM timers"))
        found = modes(tmp_path)
    await database.close()

    assert found == {"creditbot.db": 0o600, "creditbot.db-wal": 0o600, "creditbot.db-shm": 0o600}


async def test_the_mode_of_a_file_that_is_there_is_its_owners_affair(tmp_path: Path) -> None:
    path = tmp_path / "creditbot.db"
    path.touch()
    path.chmod(0o640)
    await asyncio.to_thread(migrate, database_url(path))
    assert modes(tmp_path)["creditbot.db"] == 0o640


@on_postgres
@pytest.mark.people_wait
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
