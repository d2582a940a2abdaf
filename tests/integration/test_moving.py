"""Where another channel is named, open requests get their cards there, once, and the old ones point there."""

import asyncio
from dataclasses import replace

from creditbot.domain.place import Place
from creditbot.domain.policy import Route
from creditbot.domain.requests import CreditRequest, Status
from creditbot.jobs.messenger import DeliveryProblem, Fault
from creditbot.operations import move_cards
from creditbot.store import cards

from .adapters import ANN, ASKER, CHANNEL, POLICY, Bot, Clock
from .conftest import StartBot

NEW = "C0NEW"


async def restarted(bot: Bot, channel: str = NEW) -> int:
    return await move_cards(bot.database, bot.policy, channel, bot.clock)


async def place(bot: Bot, request_id: int) -> Place | None:
    async with bot.database.read() as connection:
        return await cards.place(connection, request_id)


async def test_an_open_request_gets_one_card_there_and_the_old_one_points_to_it(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    [old] = bot.messenger.posted

    assert (await restarted(bot), await restarted(bot)) == (1, 0)
    await bot.work("cards")
    await bot.work("cards")

    [_, new] = bot.messenger.posted
    assert new[0] == NEW
    assert bot.messenger.pointers == {old: (request.id, Place(*new))}
    assert await place(bot, request.id) == Place(*new)
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("cards")
    assert {message: found.status for message, found in bot.messenger.shown.items()} == {new: Status.DENIED}
    assert await bot.due_cards() == []


async def test_processes_that_start_at_once_make_one_card(start: StartBot) -> None:
    bots = [start(), start(), start()]
    request = await bots[0].checked()
    await bots[0].work("cards")

    await asyncio.gather(*(restarted(bot) for bot in bots))
    await asyncio.gather(*(bot.draw(request.id) for bot in bots))
    await asyncio.gather(*(bot.draw(request.id) for bot in bots))

    assert [channel for bot in bots for channel, _ in bot.messenger.posted] == [CHANNEL, NEW]
    assert sum(len(bot.messenger.pointers) for bot in bots) == 1


async def test_a_card_that_was_never_posted_goes_where_it_belongs_now(bot: Bot) -> None:
    request = await bot.checked()
    bot.messenger.problems = [DeliveryProblem("is_archived", fault=Fault.CHANNEL, not_done=True)]
    await bot.work("cards")

    await restarted(bot)
    await bot.work("cards")

    assert [channel for channel, _ in bot.messenger.posted] == [NEW]
    assert [card["channel"] for card in await bot.cards_of(request.id)] == [NEW]


async def test_a_request_that_is_not_checked_yet_is_shown_where_it_belongs_now(bot: Bot) -> None:
    request = await bot.ask()
    await restarted(bot)
    await bot.check(request.id)
    await bot.work("cards")

    assert [channel for channel, _ in bot.messenger.posted] == [NEW]


async def test_a_request_that_has_ended_stays_where_it_was(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    await bot.decisions.deny(request.id, ANN, "no")

    assert await restarted(bot) == 0
    await bot.work("cards")

    assert [channel for channel, _ in bot.messenger.posted] == [CHANNEL]


async def test_an_old_card_that_nobody_can_see_any_more_is_left_alone(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    await bot.work("cards")
    await restarted(bot)

    async def archived(channel: str, ts: str, request: CreditRequest, card: Place) -> None:
        raise DeliveryProblem("is_archived", fault=Fault.CHANNEL, not_done=True)

    bot.messenger.point_to_card = archived  # type: ignore[method-assign]  # the channel is no more
    await bot.work("cards")
    clock.advance(days=30)

    assert len(bot.messenger.posted) == 2
    assert await bot.due_cards() == []
    assert await bot.notices_of(request.id) == set()


async def test_the_old_card_points_once_slack_lets_it(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    await bot.work("cards")
    [old] = bot.messenger.posted
    await restarted(bot)
    await bot.draw(request.id)
    bot.messenger.problems = [DeliveryProblem("service_unavailable")]
    await bot.work("cards")
    assert bot.messenger.pointers == {}
    clock.advance(minutes=1)
    await bot.work("cards")

    assert list(bot.messenger.pointers) == [old]


async def test_the_way_there_and_back_leaves_a_card_where_it_belongs(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    for channel in (NEW, CHANNEL):
        await restarted(bot, channel)
        await bot.work("cards")

    first, second, third = bot.messenger.posted
    assert [channel for channel, _ in (first, second, third)] == [CHANNEL, NEW, CHANNEL]
    assert {message: where for message, (_, where) in bot.messenger.pointers.items()} == {
        first: Place(*second),
        second: Place(*third),
    }
    assert list(bot.messenger.shown) == [third]
    assert await place(bot, request.id) == Place(*third)


async def test_each_card_goes_where_the_policy_has_its_subuser(start: StartBot) -> None:
    before, after = start(), start(replace(POLICY, routes=(Route(("ac*",), "C0ACME"),)))
    await before.checked()
    await before.checked(subuser="other")
    await before.work("cards")

    assert await restarted(after, CHANNEL) == 1
    await after.work("cards")

    assert [channel for channel, _ in after.messenger.posted] == ["C0ACME"]


async def test_a_click_on_the_old_card_counts_and_has_it_point_once_more(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    [old] = bot.messenger.posted
    await restarted(bot)
    await bot.work("cards")
    bot.messenger.pointers.clear()

    await bot.decisions.deny(request.id, ANN, "no")
    await bot.seen_in(request.id, *old)
    await bot.work("cards")

    assert list(bot.messenger.pointers) == [old]
    assert [found.status for found in bot.messenger.shown.values()] == [Status.DENIED]


async def test_a_post_that_was_under_way_points_to_the_new_card_when_it_ends(bot: Bot) -> None:
    request = await bot.checked()
    post = bot.messenger.post_card

    async def slowly(channel: str, request: CreditRequest, *, copy_above: bool = False) -> tuple[str, str]:
        bot.messenger.post_card = post  # type: ignore[method-assign]  # the next one is as ever
        await restarted(bot)
        return await post(channel, request, copy_above=copy_above)

    bot.messenger.post_card = slowly  # type: ignore[method-assign]  # another process starts meanwhile
    await bot.draw(request.id)
    await bot.work("cards")

    assert [channel for channel, _ in bot.messenger.posted] == [CHANNEL, NEW]
    assert [message[0] for message in bot.messenger.pointers] == [CHANNEL]


async def test_a_copy_that_turns_up_in_the_old_channel_points_to_the_card_that_is_there(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    await restarted(bot)
    await bot.work("cards")
    copy = (CHANNEL, "1.000900")

    await bot.seen_in(request.id, *copy)
    await bot.work("cards")
    await restarted(bot)
    await bot.work("cards")

    assert [channel for channel, _ in bot.messenger.posted] == [CHANNEL, NEW]
    assert copy in bot.messenger.pointers
    assert await bot.due_cards() == []


async def test_a_lost_card_is_posted_anew_though_an_old_one_points_to_it(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    await restarted(bot)
    await bot.work("cards")
    await bot.decisions.cancel(request.id, ASKER)
    bot.messenger.problems = [DeliveryProblem("message_not_found", fault=Fault.GONE, not_done=True)]
    await bot.work("cards")

    assert [channel for channel, _ in bot.messenger.posted] == [CHANNEL, NEW, NEW]
