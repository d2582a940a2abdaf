"""What Slack refuses, by the kinds into which its errors are sorted: who hears of it, and what comes next."""

from collections.abc import AsyncIterator

import pytest
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from creditbot.domain.reminders import NO_CARD
from creditbot.jobs.messenger import Fault
from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.slack.errors import FAULTS
from creditbot.slack.messenger import SlackMessenger
from creditbot.slack.outgoing import Kinds, Tools
from creditbot.slack.outgoing import card as card_module
from creditbot.slack.permalinks import Permalinks
from tests.slack_errors import DOCUMENTED

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, Bot, Clock
from .conftest import on_sqlite
from .test_moving import NEW, restarted

pytestmark = on_sqlite


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as running:
        for person in (ASKER, ANN, BEN, CAT):
            running.workspace.add_person(Person(person, person.lower(), person))
        for channel in (CHANNEL, NEW):
            running.workspace.add_channel(channel, channel.lower(), {ASKER, ANN, BEN, CAT})
        yield running


@pytest.fixture
def there(bot: Bot, slack: SlackSandbox, clock: Clock) -> Bot:
    """The bot, with a messenger that posts to this Slack."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    bot.deliver._messenger = SlackMessenger(client)
    bot.deliver._kinds = Kinds(
        Tools(bot.policy, bot.directory, Permalinks("https://sandbox.slack.com/"), clock)
    )
    return bot


def told(slack: SlackSandbox, person: str) -> str:
    return "\n".join(message.plain() for message in slack.dm(person))


LASTING = sorted(
    code for code in DOCUMENTED["chat.postMessage"] if FAULTS[code] in {Fault.CHANNEL, Fault.OURS}
)


@pytest.mark.parametrize("error", ["restricted_action_read_only_channel", "is_archived", "invalid_blocks"])
async def test_a_card_that_slack_refuses_for_good_is_told_to_its_requester_at_once(
    there: Bot, slack: SlackSandbox, error: str
) -> None:
    assert error in LASTING
    slack.faults.fail("chat.postMessage", error=error)
    await there.checked()
    await there.work("cards")
    await there.work("notices")

    assert "No approver has seen this yet" in told(slack, ASKER)
    there.clock.advance(minutes=1)
    await there.work("cards")
    assert len(slack.messages(CHANNEL)) == 1


async def test_each_error_that_stays_is_told_at_once(there: Bot, slack: SlackSandbox) -> None:
    silent = []
    for error in LASTING:
        request = await there.checked()
        slack.faults.fail("chat.postMessage", error=error)
        await there.draw(request.id)
        if (ASKER, NO_CARD) not in await there.notices_of(request.id):
            silent.append(error)
    assert silent == []


@pytest.mark.parametrize("error", ["ratelimited", "internal_error", "service_unavailable"])
async def test_an_error_that_passes_is_told_to_nobody(there: Bot, slack: SlackSandbox, error: str) -> None:
    request = await there.checked()
    slack.faults.fail("chat.postMessage", error=error)
    await there.draw(request.id)
    assert await there.notices_of(request.id) == set()
    there.clock.advance(seconds=5)
    await there.work("cards")

    assert len(slack.messages(CHANNEL)) == 1


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message", "message_not_found"])
async def test_a_card_that_cannot_be_changed_any_more_is_posted_anew(
    there: Bot, slack: SlackSandbox, error: str
) -> None:
    request = await there.checked()
    await there.work("cards")
    await there.decisions.deny(request.id, ANN, "no")
    slack.faults.fail("chat.update", error=error)
    await there.work("cards")

    assert ["Denied" in message.plain() for message in slack.messages(CHANNEL)] == [False, True]


NOBODY_THERE = (
    "user_not_found",
    "user_disabled",
    "cannot_dm_bot",
    "messages_tab_disabled",
    "channel_not_found",
)


@pytest.mark.parametrize("error", NOBODY_THERE)
async def test_who_cannot_be_told_is_named_in_the_channel_and_not_tried_again(
    there: Bot, slack: SlackSandbox, error: str
) -> None:
    request = await there.checked()
    await there.decisions.deny(request.id, ANN, "no")
    slack.faults.fail("chat.postMessage", error=error)
    await there.work("notices")

    [said] = slack.messages(CHANNEL)
    assert f"creditbot can't send <@{ASKER}> a direct message about this. *Denied*" in said.text
    there.clock.advance(days=30)
    assert await there.due_notices() == []


async def test_a_card_that_cannot_be_drawn_is_told_to_its_requester(
    there: Bot, slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("nobody foresaw this")

    request = await there.checked()
    with monkeypatch.context() as broken_for_a_while, structlog.testing.capture_logs() as logs:
        broken_for_a_while.setattr(card_module, "request_card", broken)
        await there.work("cards")
        await there.work("notices")

    assert "No approver has seen this yet" in told(slack, ASKER)
    assert "ValueError: nobody foresaw this" in [entry.get("error") for entry in logs]
    [card] = await there.cards_of(request.id)
    assert card["posts"] == 0  # so that no copy of it can be above the one that comes
    there.clock.advance(minutes=1)
    await there.work("cards")
    assert len(slack.messages(CHANNEL)) == 1


async def test_an_old_card_points_to_the_new_one_and_has_no_buttons(there: Bot, slack: SlackSandbox) -> None:
    request = await there.checked()
    await there.work("cards")
    await restarted(there)
    await there.work("cards")

    [old], [new] = slack.messages(CHANNEL), slack.messages(NEW)
    link = f"https://sandbox.slack.com/archives/{NEW}/p{new.ts.replace('.', '')}"
    assert (
        old.text == f"Request {request.id}, +250 credits for `acme`, now has <{link}|its card> in <#{NEW}>."
    )
    assert [block["type"] for block in old.blocks] == ["section"]
    assert "actions" in [block["type"] for block in new.blocks]


async def test_an_archived_channel_s_cards_go_to_the_one_that_is_named_instead(
    there: Bot, slack: SlackSandbox
) -> None:
    waiting, ended = await there.checked(), await there.checked(subuser="other")
    await there.work("cards")
    slack.workspace.channels[CHANNEL].archived = True
    await there.decisions.deny(ended.id, ANN, "no")
    await restarted(there)
    await there.work("cards")

    [card] = slack.messages(NEW)
    assert f"Request {waiting.id}" in card.text
    there.clock.advance(days=2)
    await there.work("cards")
    assert await there.due_cards() == []
