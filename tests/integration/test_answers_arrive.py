"""Whoever does something is answered, also where the first way to them is closed; and once."""

from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from creditbot.domain.requests import Status
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox
from creditbot.slack.forms import DENY
from tests.authority import ROLES
from tests.ways_in import Way

from .conftest import on_sqlite
from .http_bot import HttpBot, opened

pytestmark = on_sqlite

OUTSIDER, APPROVER = ROLES["outsider"], ROLES["approver by name"]
APPROVE, DENY_BUTTON = Way("button", "approve", "approve"), Way("button", "deny", "deny", form="deny")
SHOW, FORM = Way("command", "history"), Way("command", "request")

CLOSED: dict[str, Callable[[SlackSandbox], None]] = {
    "has expired": lambda slack: slack.faults.fail("response_url", error="expired_url"),
    "is gone": lambda slack: slack.faults.http("response_url", status=404),
    "breaks": lambda slack: slack.faults.http("response_url", status=500),
    "is limited": lambda slack: slack.faults.http("response_url", status=429, headers={"Retry-After": "30"}),
}


def heard(bot: HttpBot, actor: str) -> list[tuple[str, str]]:
    """What the person was told, and where: privately in a channel, or in a direct message."""
    slack = bot._slack
    whispers = [(message.channel, message.plain()) for message in slack.ephemerals(actor)]
    return whispers + [("direct", message.plain()) for message in slack.dm(actor)]


@pytest.mark.parametrize("closed", CLOSED)
async def test_a_refused_click_is_answered_though_its_response_url_is_of_no_use(
    url: str, sandbox: SendGridSandbox, tmp_path: Path, closed: str
) -> None:
    async with opened(url, sandbox, tmp_path, OUTSIDER) as bot:
        await bot.prepare(Status.PENDING)
        CLOSED[closed](bot._slack)
        await bot.take(APPROVE)

        [(where, text)] = heard(bot, OUTSIDER.actor)
        assert where == bot._card.channel
        assert "Only an approver can decide this" in text


@pytest.mark.parametrize(
    "error", ["user_not_in_channel", "channel_not_found", "restricted_action", "internal_error"]
)
async def test_who_cannot_be_told_in_the_channel_gets_a_direct_message(
    url: str, sandbox: SendGridSandbox, tmp_path: Path, error: str
) -> None:
    async with opened(url, sandbox, tmp_path, OUTSIDER) as bot:
        await bot.prepare(Status.PENDING)
        bot._slack.faults.http("response_url", status=404)
        bot._slack.faults.fail("chat.postEphemeral", error=error)
        await bot.take(APPROVE)

        [(where, text)] = heard(bot, OUTSIDER.actor)
        assert (where, "Only an approver can decide this" in text) == ("direct", True)


async def test_a_command_is_answered_though_its_response_url_is_of_no_use(
    url: str, sandbox: SendGridSandbox, tmp_path: Path
) -> None:
    async with opened(url, sandbox, tmp_path, OUTSIDER) as bot:
        await bot.prepare(Status.PENDING)
        bot._slack.faults.http("response_url", status=404)
        await bot.take(SHOW)

        [(where, text)] = heard(bot, OUTSIDER.actor)
        assert (where, text != "") == ("C0GENERAL", True)


async def test_nobody_is_told_twice(url: str, sandbox: SendGridSandbox, tmp_path: Path) -> None:
    async with opened(url, sandbox, tmp_path, OUTSIDER) as bot:
        await bot.prepare(Status.PENDING)
        await bot.take(APPROVE)

        assert len(heard(bot, OUTSIDER.actor)) == 1
        assert [call.method for call in bot._slack.calls if call.method.startswith("chat.")] == []


async def test_an_answer_that_reaches_nobody_is_in_the_log(
    url: str, sandbox: SendGridSandbox, tmp_path: Path
) -> None:
    async with opened(url, sandbox, tmp_path, OUTSIDER) as bot:
        await bot.prepare(Status.PENDING)
        bot._slack.faults.down = True
        with structlog.testing.capture_logs() as logs:
            await bot.take(APPROVE)

        [entry] = [entry for entry in logs if entry["event"] == "Someone was left without an answer"]
        assert (entry["log_level"], entry["user"]) == ("warning", OUTSIDER.actor)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("expired_trigger_id", "Slack did not open the form. Press the button again."),
        ("missing_scope", "it says missing_scope. Tell whoever runs creditbot."),
        ("view_too_large", "it says view_too_large. Tell whoever runs creditbot."),
    ],
)
async def test_a_form_that_slack_does_not_open_is_said_and_why(
    url: str, sandbox: SendGridSandbox, tmp_path: Path, error: str, says: str
) -> None:
    async with opened(url, sandbox, tmp_path, APPROVER) as bot:
        await bot.prepare(Status.PENDING)
        for closed in ("response_url", "chat.postEphemeral"):
            bot._slack.faults.http(closed, status=500)
        bot._slack.faults.fail("views.open", error=error)
        await bot.take(DENY_BUTTON)

        [(where, text)] = heard(bot, APPROVER.actor)
        assert where == "direct"
        assert says in text.replace("`", "")
        assert bot._slack.open_views(APPROVER.actor) == []
        await bot.take(DENY_BUTTON)
        [form] = bot._slack.open_views(APPROVER.actor)
        assert form.view["callback_id"] == DENY


async def test_a_command_s_form_that_slack_does_not_open_says_how_to_type_it(
    url: str, sandbox: SendGridSandbox, tmp_path: Path
) -> None:
    async with opened(url, sandbox, tmp_path, APPROVER) as bot:
        await bot.prepare(Status.PENDING)
        bot._slack.faults.http("response_url", status=404)
        bot._slack.faults.fail("views.open", error="expired_trigger_id")
        await bot.take(FORM)

        [(_, text)] = heard(bot, APPROVER.actor)
        assert "Type it in full instead: " in text
