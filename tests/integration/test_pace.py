"""Slack is not called faster than it takes messages, by however many processes; nobody waits without need."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import func, select, update

from creditbot.domain.requests import CreditRequest, Status
from creditbot.jobs.messenger import DeliveryProblem
from creditbot.jobs.rates import TURN_LASTS, Rates, rates
from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.slack.messenger import SlackMessenger
from creditbot.store import outbox, paces, requests
from creditbot.store.paces import HORIZON, Pace
from creditbot.store.tables import BEHIND
from creditbot.store.tables import outbox as table
from creditbot.store.tables import paces as lines
from tests.bench.pace import paced
from tests.extent import short_or_long

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, Bot, Clock
from .conftest import StartBot

SLACKS = rates()

LIMITED = DeliveryProblem("ratelimited", wait=30, not_done=True)


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SlackSandbox]:
    """A Slack that takes a message a second in a channel, by the clock of the test."""
    async with SlackSandbox() as running:
        for person in (ASKER, ANN, BEN, CAT):
            running.workspace.add_person(Person(person, person.lower(), person))
        running.workspace.add_channel(CHANNEL, "approvals", {ASKER, ANN, BEN, CAT})
        paced(running, lambda: clock().timestamp())
        yield running


def with_pace(bot: Bot, pace: Rates = SLACKS) -> Bot:
    bot.deliver._rates = pace
    return bot


async def behind(bot: Bot) -> tuple[int, datetime | None]:
    """How many messages are yet to be shown, and when one is to be tried next."""
    async with bot.database.read() as connection:
        query = select(func.count(), func.min(table.c.next_try_at)).where(BEHIND)
        number, next_try_at = (await connection.execute(query)).one()
        return int(number), next_try_at


async def deliver_all(bots: Iterable[Bot], clock: Clock) -> None:
    """Have all processes work at once, at each moment at which something is due."""
    bots = list(bots)
    while (left := await behind(bots[0]))[0]:
        await asyncio.gather(*(bot.work("cards", "notices") for bot in bots))
        number, next_try_at = await behind(bots[0])
        assert not number or next_try_at is not None, left
        clock.now = max(clock.now, next_try_at or clock.now)


async def test_many_cards_in_one_channel_take_a_call_each_and_a_second_each(
    start: StartBot, slack: SlackSandbox, clock: Clock
) -> None:
    number = short_or_long(40, 300)
    bots = [with_pace(start()) for _ in range(2)]
    for bot in bots:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        bot.deliver._messenger = SlackMessenger(client)
    asked = [await bots[0].checked(amount) for amount in range(1, number + 1)]
    begun = clock.now
    await bots[0].work("cards")
    for _ in range(5):  # while most of the cards wait for their turn
        async with bots[0].database.write() as transaction:
            for request in asked[SLACKS.posts.burst :]:
                await requests.touch(transaction, request.id)

    await deliver_all(bots, clock)

    calls = [call for call in slack.calls if call.method.startswith("chat.")]
    assert len(slack.messages(CHANNEL)) == number <= len(calls) <= 1.1 * number
    assert (clock.now - begun).total_seconds() <= 1.1 * number
    for request in asked:
        [card] = await bots[0].cards_of(request.id)
        assert card["shown_version"] == (await bots[0].request(request.id)).version


async def test_a_card_is_drawn_at_once_while_nothing_else_goes_on(start: StartBot, clock: Clock) -> None:
    bot = with_pace(start())
    request = await bot.checked()
    await bot.work("cards")
    await bot.decisions.approve(request.id, ANN)
    await bot.work("cards")
    await bot.apply(request.id)
    await bot.work("cards", "notices")

    assert len(bot.messenger.posted) == 1
    assert [found.status for found in bot.messenger.shown.values()] == [Status.APPLIED]
    assert bot.messenger.notices == [(ASKER, "applied", request.id)]
    assert (await behind(bot))[0] == 0


async def test_while_slack_wants_to_be_left_alone_with_a_channel_no_process_posts_there(
    start: StartBot, clock: Clock
) -> None:
    bot, other = with_pace(start()), with_pace(start())
    first, second = await bot.checked(), await bot.checked(7)
    bot.messenger.problems = [LIMITED]
    await bot.draw(first.id)

    await other.work("cards")
    await bot.decisions.deny(second.id, ANN, "no")
    await other.work("notices")

    assert other.messenger.posted == []
    assert other.messenger.notices == [(ASKER, "denied", second.id)]  # which is another channel
    await deliver_all([bot, other], clock)
    assert len(bot.messenger.posted + other.messenger.posted) == 2


async def test_while_slack_takes_no_changes_messages_are_posted(start: StartBot, clock: Clock) -> None:
    bot, other = with_pace(start()), with_pace(start())
    first, second = await bot.checked(), await bot.checked(7)
    await bot.work("cards")
    for request in (first, second):
        await bot.decisions.deny(request.id, ANN, "no")
    bot.messenger.problems = [LIMITED]
    await bot.draw(first.id)
    calls = bot.messenger.calls

    await other.work("cards")
    await bot.draw(second.id)
    clock.advance(seconds=1)
    await bot.checked(8)
    await bot.work("cards")

    assert other.messenger.calls == 0
    assert bot.messenger.calls == calls + 1
    await deliver_all([bot, other], clock)
    # Two that come at the same moment don't draw the same again and again.
    assert bot.messenger.calls + other.messenger.calls <= calls + 12


async def test_many_changes_at_once_are_spread_by_the_process_that_makes_them(
    start: StartBot, clock: Clock
) -> None:
    few = Rates(posts=Pace(timedelta(0), burst=1), changes=Pace(timedelta(seconds=1), burst=2))
    bot = with_pace(start(), few)
    asked = [await bot.checked(amount) for amount in range(1, 7)]
    await bot.work("cards")
    for request in asked:
        await bot.decisions.deny(request.id, ANN, "no")
    posted, begun = bot.messenger.calls, clock.now

    await asyncio.gather(*(bot.draw(request.id) for request in asked))
    assert bot.messenger.calls == posted + 2
    bot.messenger.notices.clear()
    await deliver_all([bot], clock)

    assert 3 <= (clock.now - begun).total_seconds() <= 6
    assert Counter(found.status for found in bot.messenger.shown.values()) == {Status.DENIED: 6}


async def test_turns_that_nobody_used_during_an_outage_are_not_all_used_after_it(
    start: StartBot, clock: Clock
) -> None:
    bot = with_pace(start())
    for amount in range(1, 21):
        await bot.checked(amount)
    await bot.work("cards")
    posted = len(bot.messenger.posted)
    clock.now += timedelta(seconds=20) + TURN_LASTS

    await bot.work("cards")

    assert posted == SLACKS.posts.burst
    assert len(bot.messenger.posted) <= posted + SLACKS.posts.burst + TURN_LASTS.total_seconds()


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=9000)])
async def test_a_line_that_a_clock_ahead_has_left_holds_up_nobody(
    start: StartBot, clock: Clock, ahead: timedelta
) -> None:
    bot = with_pace(start())
    request = await bot.checked()
    clock.advance(seconds=ahead.total_seconds())
    async with bot.database.write() as transaction:
        for name in (f"chat.postMessage {CHANNEL}", "chat.update"):
            await paces.take(transaction, name, SLACKS.posts, clock.now)
            await paces.pause(transaction, name, SLACKS.posts, clock.now)
    clock.advance(seconds=-ahead.total_seconds())

    await bot.work("cards")
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("cards")

    assert [found.status for found in bot.messenger.shown.values()] == [Status.DENIED]


async def test_turns_are_not_given_far_ahead(start: StartBot, clock: Clock) -> None:
    """Or a clock that was ahead would hold up for long whatever is sent there."""
    bot = with_pace(start())
    slow = Pace(HORIZON / 4, burst=1)
    async with bot.database.write() as transaction:
        turns = [await paces.take(transaction, "a limit", slow, clock.now) for _ in range(8)]
    assert [turn.kept for turn in turns] == [True] * 4 + [False] * 4
    assert max(turn.at for turn in turns) <= clock.now + HORIZON + slow.interval


async def test_two_who_join_a_line_at_once_are_one_behind_the_other(start: StartBot, clock: Clock) -> None:
    bots = [start(), start()]
    second = Pace(timedelta(seconds=1), burst=1)

    async def take(bot: Bot) -> list[datetime]:
        turns = []
        for _ in range(10):
            async with bot.database.aside() as transaction:
                turns.append((await paces.take(transaction, "a limit", second, clock.now)).at)
        return turns

    mine, others = await asyncio.gather(*map(take, bots))

    assert sorted(mine + others) == [clock.now + timedelta(seconds=place) for place in range(20)]


async def test_a_call_that_a_line_knows_nothing_of_is_noted_in_it(start: StartBot, clock: Clock) -> None:
    """So that other processes know of it; to redraw a card takes no transaction more for that."""
    bot = with_pace(start())
    request: CreditRequest = await bot.checked()
    await bot.work("cards")
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("cards")
    async with bot.database.read() as connection:
        line = await paces.look(connection, "chat.update")
        names = (await connection.execute(select(lines.c.name))).scalars().all()
    assert line is not None
    assert line.taken_until == clock.now + SLACKS.changes.interval
    assert set(names) == {"chat.update", f"chat.postMessage {CHANNEL}"}


async def test_a_message_whose_turn_comes_shows_what_is_newest(start: StartBot, clock: Clock) -> None:
    bot = with_pace(start())
    asked = [await bot.checked(amount) for amount in range(1, 6)]
    await bot.work("cards")
    async with bot.database.write() as transaction:  # as if it had waited for its turn for long
        await transaction.connection.execute(
            update(table).where(BEHIND).values(turn_at=clock.now, next_try_at=clock.now)
        )
    last = asked[-1]
    await bot.decisions.deny(last.id, ANN, "no")
    await bot.work("cards")
    [row] = await bot.cards_of(last.id)
    assert bot.messenger.shown[row["channel"], row["ts"]].status is Status.DENIED
    assert outbox.FRESH.items() <= dict(row).items()
