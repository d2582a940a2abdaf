"""Real databases, laid by the migrations, and a SendGrid on real sockets.

Whatever asks for `bot`, `start` or `url` runs on SQLite and on PostgreSQL. What is about one of them only
says so: `on_sqlite`, `on_postgres`.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog

from creditbot.domain.policy import Policy
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.store import database
from tests import compiled
from tests.postgres import PostgresServer, new_server
from tests.sqlite import migrated

from .adapters import POLICY, Bot, Clock, database_url

StartBot = Callable[..., Bot]

EmptyDatabase = Callable[[], AbstractContextManager[str]]

MakeDatabase = Callable[[], str]

on_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True, scope="session")
def share_compiled() -> None:
    compiled.share()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are kept from the screen; a drawn traceback would take longer than the test."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(autouse=True)
def unhurried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is refused for want of a core, except where the time that people wait is what is tested."""
    if "people_wait" not in request.keywords:
        monkeypatch.setattr(database, "PATIENCE", 30)
        monkeypatch.setattr(database, "TURN_TIMEOUT", 30)
        let_wait_for_the_lock(monkeypatch, 30)


def let_wait_for_the_lock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for engines in ("sqlite", "postgres"):
        monkeypatch.setattr(f"creditbot.store.{engines}.BUSY_TIMEOUT", seconds)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of this process; a test that stops or kills one has `own_server`."""
    server = new_server(durable=False)
    yield server
    server.close()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """For a test that stops its server, or kills it: what it has committed, lasts."""
    server = new_server(durable=True)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest) -> EmptyDatabase:
    """Makes databases with all tables and nothing in them, on SQLite and on PostgreSQL."""

    @contextmanager
    def file() -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            yield database_url(Path(shutil.copy(migrated(), folder)))

    @contextmanager
    def on_server() -> Iterator[str]:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = server.create_migrated()
        yield server.driver_url(name)
        server.drop(name)

    return file if request.param == "sqlite" else on_server


@pytest.fixture
def url(empty_database: EmptyDatabase) -> Iterator[str]:
    """A database of this test's own."""
    with empty_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeDatabase]:
    """Makes databases without any tables."""
    if request.param == "sqlite":
        numbers = count(1)
        yield lambda: database_url(tmp_path / f"{next(numbers)}.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    names: list[str] = []

    def on_server() -> str:
        names.append(server.create())
        return server.driver_url(names[-1])

    yield on_server
    for name in names:
        server.drop(name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox() -> AsyncIterator[SendGridSandbox]:
    async with SendGridSandbox() as running:
        running.account.add_subuser(Subuser("acme", type="nonrecurring", remain=1000))
        running.account.add_subuser(Subuser("other", type="nonrecurring", remain=1000))
        yield running


@pytest.fixture
async def start(url: str, sandbox: SendGridSandbox, clock: Clock) -> AsyncIterator[StartBot]:
    """Starts as many processes' worth of creditbot on one database as a test wants."""
    bots: list[Bot] = []

    def start_one(policy: Policy = POLICY, **given: Any) -> Bot:
        bots.append(Bot(url, sandbox, clock, policy=policy, **given))
        return bots[-1]

    yield start_one
    try:
        for bot in bots:
            await bot.assert_sound()
    finally:
        for bot in bots:
            await bot.close()


@pytest.fixture
async def bot(start: StartBot) -> Bot:
    return start()
