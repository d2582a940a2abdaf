"""What a process asks when it is up: one warning for each thing that is not as it should be, and no more."""

from collections.abc import AsyncIterator

import pytest
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.policy import Policy
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.scopes import SCOPES
from creditbot.startup.self_check import self_check

from .adapters import ANN, ASKER, BEN, CHANNEL

GROUP = "S0FINANCE"


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as running:
        for person in (ASKER, ANN, BEN):
            running.workspace.add_person(Person(person, person.lower(), person))
        running.workspace.add_channel(CHANNEL, "approvals", {ASKER, ANN, running.bot_user_id})
        running.workspace.add_user_group(GROUP, "finance", {ANN})
        yield running


async def warnings(
    slack: SlackSandbox, sandbox: SendGridSandbox, *, key: str | None = None, works: bool = True
) -> list[str]:
    """What is warned of, by a process with a policy that names Ann and a group."""
    policy = Policy.one_tier([ANN, BEN, GROUP])
    sendgrid = SendGrid.connect(key or sandbox.api_key, sandbox.url, 5)
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    with structlog.testing.capture_logs() as logs:
        await self_check(sendgrid, client, policy, CHANNEL, works=works)
    await sendgrid.close()
    assert [entry["log_level"] for entry in logs if entry["log_level"] not in {"info", "warning"}] == []
    return [entry["event"] for entry in logs if entry["log_level"] == "warning"]


async def test_nothing_is_said_where_all_is_as_it_should_be(
    slack: SlackSandbox, sandbox: SendGridSandbox
) -> None:
    assert await warnings(slack, sandbox) == []


async def test_a_key_that_sendgrid_does_not_take_is_one_warning(
    slack: SlackSandbox, sandbox: SendGridSandbox
) -> None:
    [line] = await warnings(slack, sandbox, key="SG.revoked")
    assert line.startswith("SENDGRID_API_KEY is wrong: SendGrid answered 401")
    assert "must set SENDGRID_API_KEY to a valid key of the parent account" in line


@pytest.mark.parametrize("missing", SCOPES)
async def test_a_scope_that_the_key_lacks_is_named(
    slack: SlackSandbox, sandbox: SendGridSandbox, missing: str
) -> None:
    sandbox.scopes = set(SCOPES) - {missing}
    assert await warnings(slack, sandbox) == [
        f"SENDGRID_API_KEY lacks {missing}: give the key these scopes in SendGrid, under Settings, API Keys."
    ]


async def test_a_sendgrid_that_is_away_is_said_and_nothing_else_comes_of_it(
    slack: SlackSandbox, sandbox: SendGridSandbox
) -> None:
    sandbox.faults.down = True
    [line] = await warnings(slack, sandbox)
    assert line.startswith("SENDGRID_API_KEY could not be checked with SendGrid: SendGrid answered 503")


async def test_a_slack_that_is_away_keeps_nobody_from_anything(
    slack: SlackSandbox, sandbox: SendGridSandbox
) -> None:
    for method in ("conversations.info", "users.info", "usergroups.users.list"):
        slack.faults.fail(method, error="internal_error", times=5)
    said = await warnings(slack, sandbox)
    assert "A user group of the policy could not be read" in said


@pytest.mark.parametrize("more_scopes", [True, False])
async def test_a_channel_that_is_not_there_is_one_warning(
    slack: SlackSandbox, sandbox: SendGridSandbox, *, more_scopes: bool
) -> None:
    if not more_scopes:
        slack.scopes.discard("channels:read")
    del slack.workspace.channels[CHANNEL]
    assert await warnings(slack, sandbox) == [
        f"Slack does not show the bot a channel {CHANNEL}: correct its ID, or invite the bot with /invite."
    ]


async def test_a_channel_that_the_bot_is_not_in_is_told_of_as_far_as_its_scopes_show(
    slack: SlackSandbox, sandbox: SendGridSandbox
) -> None:
    slack.workspace.channels[CHANNEL].members.discard(slack.bot_user_id)
    slack.scopes.discard("chat:write.public")
    [line] = await warnings(slack, sandbox)
    assert line == f"The bot is not in channel {CHANNEL}: invite it there with /invite."
    slack.scopes.discard("channels:read")
    assert await warnings(slack, sandbox) == []


async def test_an_archived_channel_is_one_warning(slack: SlackSandbox, sandbox: SendGridSandbox) -> None:
    slack.workspace.channels[CHANNEL].archived = True
    assert await warnings(slack, sandbox) == [
        f"Channel {CHANNEL} is archived: unarchive it in Slack, or set another one."
    ]


async def test_people_and_groups_of_the_policy_are_looked_up(
    slack: SlackSandbox, sandbox: SendGridSandbox
) -> None:
    slack.workspace.add_person(Person(ANN, "ann", "Ann", deleted=True))
    slack.workspace.add_user_group(GROUP, "finance", set())
    assert (await warnings(slack, sandbox))[:2] == [
        f"User group {GROUP} is empty.",
        f"{ANN} is deactivated: take them out, or requests may wait for someone who can't act.",
    ]


async def test_a_process_that_does_no_jobs_asks_sendgrid_only(
    slack: SlackSandbox, sandbox: SendGridSandbox
) -> None:
    del slack.workspace.channels[CHANNEL]
    assert await warnings(slack, sandbox, works=False) == []
    assert slack.calls == []


async def test_what_only_whoever_runs_the_bot_can_mend_is_logged_once_in_a_while(
    sandbox: SendGridSandbox,
) -> None:
    sendgrid = SendGrid.connect("SG.revoked", sandbox.url, 5)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(Exception, match="401"):
                await sendgrid.balance()
            await sendgrid.update_remaining("acme", 5)
    await sendgrid.close()
    [entry] = logs
    assert (entry["log_level"], entry["status"]) == ("error", 401)
    assert "must set SENDGRID_API_KEY to a valid key" in entry["event"]
