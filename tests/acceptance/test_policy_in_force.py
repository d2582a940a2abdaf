"""Nothing is taken before the ledger says which policy is in force."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from creditbot.sandbox.bot import UP
from tests.processes import Bot, creditbot

WAITS = "The policy could not be recorded; trying again"
REFUSES_POLICIES = """
CREATE TRIGGER no_policy BEFORE INSERT ON events WHEN NEW.kind = 'policy'
BEGIN SELECT RAISE(ABORT, 'not today'); END
"""


@pytest.fixture
def database(settings: dict[str, str], tmp_path: Path) -> str:
    """The path of a database with its tables, and nothing in them."""
    assert creditbot("migrate", env=settings, cwd=tmp_path).returncode == 0
    return settings["DATABASE_URL"].removeprefix("sqlite:///")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def waiting(bot: Bot, database: str) -> AsyncIterator[tuple["asyncio.Task[None]", sqlite3.Connection]]:
    """The bot is being started, and waits for another writer, who is given too."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        starting = asyncio.create_task(bot.start())
        await until(lambda: bot.log_file.exists() and WAITS in bot.log_file.read_text())
        yield starting, other


async def test_a_process_waits_for_a_database_that_cannot_be_written(
    settings: dict[str, str], database: str, tmp_path: Path
) -> None:
    bot = Bot(settings, tmp_path)
    async with waiting(bot, database) as (starting, other):
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"{bot.url}/healthz")
        other.execute("COMMIT")
        await starting
        assert other.execute("SELECT kind FROM events").fetchall() == [("policy",)]
    assert await bot.stop() == 0


async def test_a_process_that_waits_so_can_be_stopped(
    settings: dict[str, str], database: str, tmp_path: Path
) -> None:
    bot = Bot(settings, tmp_path)
    async with waiting(bot, database) as (starting, _):
        starting.cancel()
        assert await bot.stop() == 0
    assert UP.decode() not in bot.log_file.read_text()
    assert "Traceback" not in bot.log_file.read_text()


async def test_a_policy_that_cannot_be_written_down_ends_the_process(
    settings: dict[str, str], database: str, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(database)) as behind_its_back:
        behind_its_back.execute(REFUSES_POLICIES)
    done = await asyncio.to_thread(creditbot, "serve", env=settings, cwd=tmp_path)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "The policy could not be recorded, so nothing can be decided here" in said
    assert "not today" in said.splitlines()[-1]
    assert UP.decode() not in said
