"""Real SQLite files, laid by the migrations, and a SendGrid on real sockets."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import structlog

from creditbot.domain.policy import Policy
from creditbot.migrate import migrate
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser

from .adapters import POLICY, Bot, Clock, database_url

StartBot = Callable[..., Bot]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are kept from the screen; a drawn traceback would take longer than the test."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, laid once and copied for each test."""
    path = tmp_path_factory.mktemp("migrated") / "creditbot.db"
    migrate(database_url(path))
    return path


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path / "creditbot.db"))


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
async def start(path: Path, sandbox: SendGridSandbox, clock: Clock) -> AsyncIterator[StartBot]:
    """Starts as many processes' worth of creditbot on one database as a test wants."""
    bots: list[Bot] = []

    def start_one(policy: Policy = POLICY, timeout: float = 10.0, api_key: str | None = None) -> Bot:
        bots.append(Bot(path, sandbox, clock, policy=policy, timeout=timeout, api_key=api_key))
        return bots[-1]

    yield start_one
    for bot in bots:
        await bot.assert_sound()
        await bot.close()


@pytest.fixture
async def bot(start: StartBot) -> Bot:
    return start()
