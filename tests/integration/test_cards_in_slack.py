"""Cards as a Slack shows them that refuses what the real one refuses."""

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.amounts import MAX_AMOUNT
from creditbot.domain.fields import MAX_NAME, MAX_REASON
from creditbot.domain.policy import Policy, Tier
from creditbot.domain.requests import CreditRequest
from creditbot.domain.text import credits_
from creditbot.domain.who import Who
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import Message, Person, SlackSandbox
from creditbot.sandbox.slack.blocks import button_named
from creditbot.slack.messenger import SlackMessenger
from creditbot.slack.outgoing import Kinds, Tools
from creditbot.slack.permalinks import Permalinks

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, Bot, Clock
from .conftest import StartBot, on_sqlite

LONGEST_NAME = ("<brand&7>" * MAX_NAME)[:MAX_NAME]
LONGEST_REASON = ("a&b " * MAX_REASON)[: MAX_REASON - 1] + "!"


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as running:
        for person in (ASKER, ANN, BEN, CAT):
            running.workspace.add_person(Person(person, person.lower(), person))
        running.workspace.add_channel(CHANNEL, "approvals", {ASKER, ANN, BEN, CAT})
        yield running


def in_slack(bot: Bot, slack: SlackSandbox, clock: Clock) -> Bot:
    """The bot, but with a messenger that posts to this Slack."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    bot.deliver._messenger = SlackMessenger(client)
    bot.deliver._kinds = Kinds(Tools(bot.policy, bot.directory, Permalinks("https://team.slack.com/"), clock))
    return bot


def the_card(slack: SlackSandbox) -> Message:
    [card] = slack.messages(CHANNEL)
    return card


async def longest(bot: Bot, sandbox: SendGridSandbox, amount: int) -> CreditRequest:
    """A request of which everything that people type is as long as it may be."""
    sandbox.account.add_subuser(Subuser(LONGEST_NAME, "nonrecurring", remain=MAX_AMOUNT))
    asked = await bot.ask(amount, LONGEST_NAME, reason=LONGEST_REASON)
    await bot.work("check", "cards")
    return asked


@on_sqlite
@pytest.mark.parametrize("amount", [MAX_AMOUNT, -MAX_AMOUNT])
async def test_the_longest_names_reach_the_channel_in_every_state(
    start: StartBot, sandbox: SendGridSandbox, slack: SlackSandbox, clock: Clock, amount: int
) -> None:
    two_of_a_list = Policy(tiers=(Tier("t" * 40, Who.of([ANN, BEN, CAT]), 2, including=Who.of([BEN])),))
    bot = in_slack(start(two_of_a_list), slack, clock)
    asked = await longest(bot, sandbox, amount)
    assert f"{credits_(amount)} for" in the_card(slack).plain()

    await bot.decisions.approve(asked.id, ANN)
    await bot.work("cards")
    assert f"Approved so far by <@{ANN}>" in the_card(slack).plain()
    _, approve = button_named(the_card(slack).blocks, "Approve")
    assert f"{credits_(amount)} for {LONGEST_NAME}" in approve["confirm"]["text"]["text"]

    await bot.decisions.approve(asked.id, BEN)
    await bot.work("apply", "cards", "notices")
    assert "Applied" in the_card(slack).plain()
    assert any("*Applied*" in message.text for message in slack.dm(ASKER))
