"""A Slack and a SendGrid on this machine, and the bot as a process of its own between them."""

import shutil
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from creditbot.sandbox.bot import environment
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from creditbot.sandbox.world import furnish_sendgrid, furnish_slack
from tests.processes import Bot
from tests.sqlite import migrated

from .company import Company


@pytest.fixture
def ack_window() -> float:
    """Seconds that Slack waits for an ack."""
    return 3.0


@pytest.fixture
async def slack(ack_window: float) -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox(ack_window=ack_window) as slack:
        furnish_slack(slack)
        yield slack


@pytest.fixture
async def sendgrid() -> AsyncIterator[SendGridSandbox]:
    async with SendGridSandbox() as sendgrid:
        furnish_sendgrid(sendgrid, date(2026, 11, 22))
        yield sendgrid


@pytest.fixture
def settings(slack: SlackSandbox, sendgrid: SendGridSandbox, tmp_path: Path) -> dict[str, str]:
    """The bot's environment, with a database that has its tables.

    A test may change it before it asks for `company`.
    """
    shutil.copy(migrated(), tmp_path)
    return environment(slack, sendgrid, tmp_path)


@pytest.fixture(params=["socket", "http"])
async def company(
    request: pytest.FixtureRequest,
    slack: SlackSandbox,
    sendgrid: SendGridSandbox,
    settings: dict[str, str],
    tmp_path: Path,
) -> AsyncIterator[Company]:
    """Everything running, once over Socket Mode and once over signed HTTP."""
    if request.param == "http":
        del settings["SLACK_APP_TOKEN"]
        slack.events_url = f"http://127.0.0.1:{settings['PORT']}/slack/events"
    bot = Bot(settings, tmp_path)
    await bot.start()
    sendgrid.calls.clear()  # its first question
    yield Company(slack, sendgrid, bot)
    await bot.stop()


over_socket = pytest.mark.parametrize("company", ["socket"], indirect=True)
over_http = pytest.mark.parametrize("company", ["http"], indirect=True)
