"""Who is told of a request finds its card with one click, and without one more call to Slack."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.place import Place
from creditbot.domain.policy import Reminders
from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.slack.connection import check_bot_token, learn_workspace
from creditbot.slack.home import Home
from creditbot.slack.messenger import SlackMessenger
from creditbot.slack.outgoing import Kinds, Tools
from creditbot.store import cards

from .adapters import ANN, ASKER, CHANNEL, POLICY, Bot, Clock
from .conftest import StartBot, on_sqlite


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as running:
        for person in (ASKER, ANN):
            running.workspace.add_person(Person(person, person.lower(), person))
        running.workspace.add_channel(CHANNEL, "approvals", {ASKER, ANN})
        yield running


@pytest.fixture
def client(slack: SlackSandbox) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def test_a_notice_carries_the_link_that_slack_would_give(
    slack: SlackSandbox, client: AsyncWebClient, clock: Clock
) -> None:
    home = Home()
    await check_bot_token(client, home)
    posted = slack.workspace.post(CHANNEL, slack.bot_user_id, text="a card")
    answer = await client.chat_getPermalink(channel=CHANNEL, message_ts=posted.ts)

    assert home.links.to(Place(CHANNEL, posted.ts)) == answer["permalink"]


async def test_an_address_that_was_not_told_at_the_start_is_learnt_later(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    home = Home()
    slack.faults.fail("auth.test", error="internal_error", times=2)
    await check_bot_token(client, home)
    assert not home.known

    await learn_workspace(client, home, every=0)

    assert home.known


@on_sqlite
async def test_a_reminder_takes_to_the_card(
    start: StartBot, slack: SlackSandbox, client: AsyncWebClient, clock: Clock
) -> None:
    bot = start(replace(POLICY, reminders=Reminders(after=(timedelta(hours=1),))))
    home = Home()
    await check_bot_token(client, home)
    bot.deliver._messenger = SlackMessenger(client)
    bot.deliver._kinds = Kinds(Tools(bot.policy, bot.directory, home.links, clock))
    await bot.checked()
    await bot.work("cards")
    clock.advance(hours=1)
    await bot.work("remind", "notices")

    [card] = [message for message in slack.workspace.messages if message.channel == CHANNEL]
    link = (await client.chat_getPermalink(channel=CHANNEL, message_ts=card.ts))["permalink"]
    told = [message.text for message in slack.workspace.messages if message.channel != CHANNEL]
    assert any(f"<{link}|its card> in <#{CHANNEL}>" in text for text in told)
    assert [call.method for call in slack.calls].count("chat.getPermalink") == 1  # this test's own


async def test_cards_are_found_for_one_request_and_for_many(bot: Bot) -> None:
    posted, unposted = await bot.checked(), await bot.ask(subuser="other")
    await bot.work("cards")
    [place] = bot.messenger.posted

    async with bot.database.read() as connection:
        found = await cards.places(connection, [posted.id, unposted.id, 404])
        one = await cards.place(connection, posted.id)
        none = await cards.place(connection, 404)

    assert found == {posted.id: Place(*place), unposted.id: Place(CHANNEL)}
    assert (one, none) == (Place(*place), None)
