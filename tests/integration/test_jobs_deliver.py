"""Cards follow the state and heal by themselves; each person is told each thing once."""

import asyncio
from dataclasses import replace

import pytest
import structlog
from sqlalchemy import select

from creditbot.domain.place import Place
from creditbot.domain.policy import Route
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.shown import Shown
from creditbot.jobs.messenger import LEASE, DeliveryProblem, Fault
from creditbot.jobs.retries import SPREAD
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import cards, outbox, requests
from creditbot.store.outbox import Outgoing
from creditbot.store.tables import CARD
from creditbot.store.tables import outbox as table

from .adapters import ANN, ASKER, BEN, CHANNEL, OUTSIDER, POLICY, Bot, Clock, in_doubt
from .conftest import StartBot


async def shown(bot: Bot, request_id: int) -> list[Status]:
    """What each message of a request shows, by the card's own request."""
    return [found.status for found in bot.messenger.shown.values() if found.id == request_id]


async def the_card(bot: Bot, request_id: int) -> Outgoing:
    """As the delivery reads it."""
    [row] = await bot.cards_of(request_id)
    async with bot.database.read() as connection:
        found = await outbox.get(connection, row["id"], bot.clock())
    assert found is not None
    return found


async def test_a_card_is_posted_once_and_then_changed(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    await bot.work("cards")
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("cards")

    assert len(bot.messenger.posted) == 1
    assert await shown(bot, request.id) == [Status.DENIED]
    [card] = await bot.cards_of(request.id)
    assert (card["channel"], card["ts"]) == bot.messenger.posted[0]
    assert card["channel"] == CHANNEL
    assert card["shown_version"] == (await bot.request(request.id)).version


async def test_nothing_is_shown_before_the_check_has_passed(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.ask()
    refused = await bot.ask(subuser="nobody")
    await bot.check(refused.id)

    assert await bot.due_cards() == []
    await bot.draw(request.id)
    await bot.draw(refused.id)
    await bot.draw(refused.id + 1)

    assert bot.messenger.calls == 0


async def test_nothing_is_drawn_that_is_up_to_date(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    calls = bot.messenger.calls

    await bot.draw(request.id)

    assert bot.messenger.calls == calls


async def test_an_outage_ends_with_the_newest_state_on_the_card_and_none_between(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.checked()
    bot.messenger.problems = [DeliveryProblem("service_unavailable") for _ in range(6)]
    await bot.work("cards")
    await bot.decisions.approve(request.id, ANN)
    waits = []
    for _ in range(6):
        await bot.work("cards")
        begun = clock.now
        while await bot.due_cards() == []:
            clock.advance(seconds=1)
        waits.append((clock.now - begun).total_seconds())
    await bot.work("apply")
    await bot.work("cards")

    for wait, least in zip(waits, [1, 2, 4, 8, 16, 30], strict=True):
        assert least <= wait <= least * (1 + SPREAD) + 1
    assert await shown(bot, request.id) == [Status.APPLIED]
    assert len(bot.messenger.posted) == 1
    [card] = await bot.cards_of(request.id)
    assert (card["tries"], card["error"], card["next_try_at"]) == (0, None, None)


async def test_a_failure_to_draw_is_kept_with_its_reason_and_the_wait_that_was_asked(
    bot: Bot, clock: Clock
) -> None:
    request = await bot.checked()
    bot.messenger.problems = [DeliveryProblem("ratelimited", wait=45)]
    await bot.work("cards")

    [card] = await bot.cards_of(request.id)
    clock.advance(seconds=44)
    early = await bot.due_cards()
    clock.advance(seconds=1 + 45 * SPREAD)

    assert (card["tries"], card["error"], card["ts"]) == (1, "ratelimited", None)
    assert (early, await bot.due_cards()) == ([], [request.id])


async def test_a_lost_message_is_posted_anew(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    await bot.decisions.approve(request.id, ANN)
    bot.messenger.problems = [DeliveryProblem("message_not_found", fault=Fault.GONE)]

    await bot.work("cards")

    [card] = await bot.cards_of(request.id)
    assert len(bot.messenger.posted) == 2
    assert (card["channel"], card["ts"]) == bot.messenger.posted[1]
    assert bot.messenger.shown[bot.messenger.posted[1]].status is Status.APPROVED


async def test_a_change_during_the_drawing_is_drawn_afterwards(bot: Bot) -> None:
    request = await bot.checked()
    post = bot.messenger.post_card

    async def denied_meanwhile(
        channel: str, request: CreditRequest, *, copy_above: bool = False
    ) -> tuple[str, str]:
        await bot.decisions.deny(request.id, ANN, "no")
        return await post(channel, request, copy_above=copy_above)

    bot.messenger.post_card = denied_meanwhile  # type: ignore[method-assign]  # a denial in between
    await bot.draw(request.id)
    assert await shown(bot, request.id) == [Status.PENDING]

    await bot.work("cards")

    assert await shown(bot, request.id) == [Status.DENIED]


async def test_an_unposted_card_is_adopted_by_the_click_on_a_message_that_nobody_recorded(bot: Bot) -> None:
    """A crash after the post and before the record leaves such a message."""
    request = await bot.checked()
    message = await bot.messenger.post_card(CHANNEL, request)

    await bot.seen_in(request.id, *message)
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("cards")

    assert len(bot.messenger.posted) == 1
    assert bot.messenger.shown[message].status is Status.DENIED
    assert [(card["channel"], card["ts"]) for card in await bot.cards_of(request.id)] == [message]


async def test_a_clicked_message_that_is_not_on_record_joins_the_one_that_is(bot: Bot) -> None:
    request = await bot.checked()
    stray = await bot.messenger.post_card(CHANNEL, request)
    await bot.work("cards")

    await bot.seen_in(request.id, *stray)
    await bot.seen_in(request.id, *stray)
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("cards")

    assert len(bot.messenger.posted) == 2
    assert await shown(bot, request.id) == [Status.DENIED] * 2
    assert len(await bot.cards_of(request.id)) == 2


async def test_a_clicked_message_is_drawn_anew_even_if_nothing_has_changed(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    message = bot.messenger.posted[0]
    del bot.messenger.shown[message]

    await bot.seen_in(request.id, *message)
    await bot.work("cards")

    assert bot.messenger.shown[message].status is Status.PENDING
    assert len(bot.messenger.posted) == 1


async def test_a_click_on_a_request_that_does_not_exist_makes_no_card(bot: Bot) -> None:
    await bot.clicks.seen_in(Shown(404), CHANNEL, "1.0")

    assert await bot.cards_of(404) == []


async def test_a_click_from_a_channel_without_a_card_makes_none_there(bot: Bot) -> None:
    request = await bot.checked()

    await bot.seen_in(request.id, "C0ELSEWHERE", "7.000100")
    await bot.work("cards")
    await bot.seen_in(request.id, "C0ELSEWHERE", "7.000100")
    await bot.work("cards")

    assert [channel for channel, _ in bot.messenger.shown] == [CHANNEL]
    assert [card["channel"] for card in await bot.cards_of(request.id)] == [CHANNEL]


async def test_one_message_that_fails_does_not_hold_up_the_other(bot: Bot) -> None:
    request = await bot.checked()
    stray = await bot.messenger.post_card(CHANNEL, request)
    await bot.work("cards")
    await bot.seen_in(request.id, *stray)
    await bot.decisions.deny(request.id, ANN, "no")
    bot.messenger.problems = [DeliveryProblem("cant_update_message")]

    await bot.draw(request.id)

    assert sorted(await shown(bot, request.id)) == [Status.DENIED, Status.PENDING]


async def test_each_person_is_told_each_thing_once(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.approved()
    sandbox.faults.add("drop_after")
    await bot.work()
    bot.clock.advance(seconds=20)
    await bot.work()
    await bot.work()

    assert await bot.status(request.id) is Status.APPLIED
    assert sorted(bot.messenger.notices) == sorted(
        [
            (ASKER, "in_doubt", request.id),
            (ANN, "in_doubt", request.id),
            (ASKER, "applied", request.id),
            (ANN, "applied", request.id),
        ]
    )


async def test_a_notice_that_was_sent_is_not_sent_again(bot: Bot) -> None:
    request = await bot.checked()
    await bot.decisions.deny(request.id, ANN, "no")
    [notice] = await bot.due_notices()

    await bot.deliver(notice)
    await bot.deliver(notice)
    await bot.deliver(notice + 1)

    assert bot.messenger.notices == [(ASKER, "denied", request.id)]
    assert await bot.due_notices() == []


async def test_a_notice_that_failed_is_sent_later_and_once(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    await bot.decisions.deny(request.id, ANN, "no")
    [notice] = await bot.due_notices()
    bot.messenger.problems = [DeliveryProblem("ratelimited", wait=40), DeliveryProblem("internal_error")]

    await bot.deliver(notice)
    clock.advance(seconds=39)
    assert await bot.due_notices() == []
    clock.advance(seconds=1 + 40 * SPREAD)
    for _ in range(3):
        await bot.work("notices")
        clock.advance(seconds=30)

    assert bot.messenger.notices == [(ASKER, "denied", request.id)]


@pytest.mark.parametrize("actor", [ASKER, OUTSIDER])
async def test_a_refused_click_tells_nobody(bot: Bot, actor: str) -> None:
    request = await bot.checked()

    await asyncio.gather(bot.decisions.approve(request.id, actor), return_exceptions=True)

    assert await bot.notices_of(request.id) == set()


async def test_a_doubt_that_a_person_settles_is_told_to_all_concerned(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    sandbox.faults.add("drop_before")
    await bot.apply(request.id)

    bot.clock.advance(minutes=1)
    await bot.settlements.settle(request.id, BEN, applied=False, reason="no trace of it")
    await bot.work("notices")

    assert {(ASKER, "failed", request.id), (ANN, "failed", request.id)} <= set(bot.messenger.notices)


async def test_two_processes_post_one_card_and_tell_a_person_once(start: StartBot) -> None:
    first, second = start(), start()
    request = await first.checked()
    await first.decisions.deny(request.id, ANN, "no")
    [notice] = await first.due_notices()

    async def slowly(bot: Bot) -> None:
        await asyncio.gather(bot.draw(request.id), bot.deliver(notice))

    await asyncio.gather(slowly(first), slowly(second))

    assert len(first.messenger.posted + second.messenger.posted) == 1
    assert len(first.messenger.notices + second.messenger.notices) == 1


async def test_a_person_is_told_in_the_order_in_which_it_happened(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await in_doubt(bot, sandbox)
    [mine] = [id_ for id_, person in await notices_in_order(bot, request.id) if person == ASKER][1:]
    bot.messenger.problems = [DeliveryProblem("fatal_error")]
    await bot.deliver(mine)
    await bot.settlements.settle(request.id, BEN, applied=False, reason="no trace of it")
    due = await bot.due_notices()  # the first waits to be tried again, the second for the first
    assert not {id_ for id_, person in await notices_in_order(bot, request.id) if person == ASKER} & {*due}
    clock.advance(minutes=1)
    await bot.work("notices")

    told = [kind for person, kind, _ in bot.messenger.notices if person == ASKER]
    assert told == ["in_doubt", "failed"]


async def test_a_card_that_two_processes_have_drawn_at_once_is_drawn_once_more(start: StartBot) -> None:
    """Nobody knows which of the two drawings came last."""
    bot, other = start(), start()
    request = await bot.checked()
    await bot.work("cards")
    [card] = await bot.cards_of(request.id)
    await bot.decisions.deny(request.id, ANN, "no")
    update = bot.messenger.update_card

    async def while_the_other_draws(
        channel: str, ts: str, request: CreditRequest, *, copy_above: bool = False
    ) -> None:
        await other.draw(request.id)
        await update(channel, ts, request, copy_above=copy_above)

    bot.messenger.update_card = while_the_other_draws  # type: ignore[method-assign]  # it comes in between
    await bot.draw(request.id)
    bot.messenger.update_card = update  # type: ignore[method-assign]  # and no more after that

    [after] = await bot.cards_of(request.id)
    assert after["shown_version"] == 0
    await bot.work("cards")
    assert (await bot.cards_of(request.id))[0]["shown_version"] == (await bot.request(request.id)).version
    assert after["ts"] == card["ts"]


async def test_a_request_that_moves_on_while_its_card_is_recorded_has_it_drawn_anew(bot: Bot) -> None:
    """What is recorded takes no lock of all writers; it must not take the card for current all the same."""
    request = await bot.checked()
    card = await the_card(bot, request.id)

    async def record() -> None:
        async with bot.database.aside() as transaction:
            message = Place(CHANNEL, "7.000100")
            assert await cards.shown(
                transaction, card, message, version=request.version, lease=None, at=bot.clock()
            )

    async with bot.database.write() as transaction:
        await requests.touch(transaction, request.id)
        recording = asyncio.create_task(record())
        await asyncio.sleep(0.2)  # time to go wrong
    await recording

    assert request.id in await bot.due_cards()


async def test_a_click_on_a_card_that_is_about_to_be_drawn_writes_nothing(bot: Bot) -> None:
    """The decision itself has it drawn."""
    request = await bot.checked()
    await bot.work("cards")
    [card] = await bot.cards_of(request.id)
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.seen_in(request.id, card["channel"], card["ts"])
    assert [one["shown_version"] for one in await bot.cards_of(request.id)] == [card["shown_version"]]
    await bot.work("cards")
    await bot.seen_in(request.id, card["channel"], card["ts"])
    assert (await bot.cards_of(request.id))[0]["shown_version"] == 0


async def test_a_click_between_reading_and_claiming_lets_nobody_post_a_second_card(bot: Bot) -> None:
    request = await bot.checked()
    stale = await the_card(bot, request.id)
    await bot.seen_in(request.id, CHANNEL, "7.000100")  # another process posted it, and it was clicked

    async with bot.database.write() as transaction:
        assert not await outbox.lease(transaction, stale, bot.clock(), bot.clock() + LEASE)
    await bot.work("cards")

    assert bot.messenger.posted == []
    assert await shown(bot, request.id) == [Status.PENDING]


async def test_a_post_that_ends_after_another_message_was_clicked_leaves_neither_behind(bot: Bot) -> None:
    request = await bot.checked()

    async def clicked_meanwhile(
        channel: str, request: CreditRequest, *, copy_above: bool = False
    ) -> tuple[str, str]:
        await bot.seen_in(request.id, CHANNEL, "7.000100")
        bot.messenger.posted.append((channel, "8.000100"))
        return channel, "8.000100"

    bot.messenger.post_card = clicked_meanwhile  # type: ignore[method-assign]  # the click falls into the post
    await bot.draw(request.id)
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("cards")

    assert [card["ts"] for card in await bot.cards_of(request.id)] == ["7.000100", "8.000100"]
    assert await shown(bot, request.id) == [Status.DENIED, Status.DENIED]


async def test_a_message_that_is_gone_takes_no_other_with_it(bot: Bot) -> None:
    request = await bot.checked()
    unposted = await the_card(bot, request.id)
    await bot.seen_in(request.id, CHANNEL, "7.000100")

    async with bot.database.write() as transaction:
        await cards.lost(transaction, replace(unposted, ts="6.000100"), request.id)

    assert [card["ts"] for card in await bot.cards_of(request.id)] == ["7.000100"]


UNCLEAR = DeliveryProblem("HTTP 503")
REFUSED = DeliveryProblem("ratelimited", not_done=True)


async def test_a_card_that_slack_refused_at_first_has_no_copy(bot: Bot, clock: Clock) -> None:
    await bot.checked()
    bot.messenger.problems = [REFUSED, REFUSED]
    for _ in range(3):
        await bot.work("cards")
        clock.advance(seconds=30)

    assert len(bot.messenger.posted) == 1
    assert bot.messenger.with_copy_above == set()


async def test_a_card_that_may_have_been_posted_before_says_so_for_as_long_as_that_is_so(
    bot: Bot, clock: Clock
) -> None:
    request = await bot.checked()
    orphan = await bot.messenger.post_card(
        CHANNEL, request
    )  # which is what Slack did before it gave no answer
    bot.messenger.problems = [UNCLEAR, REFUSED]
    for _ in range(3):
        await bot.work("cards")
        clock.advance(seconds=30)
    [_, card] = bot.messenger.posted
    assert bot.messenger.with_copy_above == {card}

    await bot.decisions.approve(request.id, ANN)
    await bot.work("cards")
    assert bot.messenger.with_copy_above == {card}
    await bot.seen_in(request.id, *orphan)
    await bot.decisions.cancel(request.id, ASKER)
    await bot.work("cards")

    assert await shown(bot, request.id) == [Status.CANCELLED] * 2
    assert bot.messenger.with_copy_above == set()


async def test_a_crash_after_the_card_was_claimed_is_an_unclear_post(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    post = bot.messenger.post_card

    async def die(channel: str, request: CreditRequest, *, copy_above: bool = False) -> tuple[str, str]:
        raise SystemExit

    bot.messenger.post_card = die  # type: ignore[method-assign]  # the process ends here
    with pytest.raises(SystemExit):
        await bot.draw(request.id)
    bot.messenger.post_card = post  # type: ignore[method-assign]  # and another one goes on
    clock.now += LEASE

    await bot.work("cards")

    assert bot.messenger.with_copy_above == set(bot.messenger.posted)


async def test_a_deleted_card_is_no_copy_of_the_one_that_replaces_it(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    await bot.decisions.approve(request.id, ANN)
    bot.messenger.problems = [DeliveryProblem("message_not_found", fault=Fault.GONE, not_done=True)]

    await bot.work("cards")

    assert len(bot.messenger.posted) == 2
    assert bot.messenger.with_copy_above == set()


async def test_a_change_that_slack_refused_takes_no_post_back(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    bot.messenger.problems = [UNCLEAR]
    await bot.work("cards")
    clock.advance(seconds=30)
    await bot.work("cards")
    await bot.decisions.approve(request.id, ANN)
    bot.messenger.problems = [REFUSED]
    await bot.work("cards")
    clock.advance(seconds=30)

    await bot.work("cards")

    assert await shown(bot, request.id) == [Status.APPROVED]
    assert bot.messenger.with_copy_above == set(bot.messenger.posted)


async def test_a_post_that_took_too_long_and_the_one_that_replaced_it_both_follow(
    start: StartBot, clock: Clock
) -> None:
    slow, quick = start(), start()
    request = await slow.checked()
    post = slow.messenger.post_card

    async def for_ages(channel: str, request: CreditRequest, *, copy_above: bool = False) -> tuple[str, str]:
        channel, _ = await post(channel, request, copy_above=copy_above)
        clock.now += LEASE
        await quick.draw(request.id)
        return channel, "slow.000100"

    slow.messenger.post_card = for_ages  # type: ignore[method-assign]  # Slack is slow with this one
    await slow.draw(request.id)
    await quick.work("cards")
    await quick.decisions.deny(request.id, ANN, "no")
    await quick.work("cards")

    [(_, replacement)] = quick.messenger.posted
    assert {card["ts"] for card in await quick.cards_of(request.id)} == {replacement, "slow.000100"}
    assert await shown(quick, request.id) == [Status.DENIED] * 2
    assert quick.messenger.with_copy_above == set()


async def test_what_was_clicked_after_it_was_looked_up_is_not_posted_once_more(bot: Bot) -> None:
    request = await bot.checked()
    stale = await the_card(bot, request.id)
    orphan = await bot.messenger.post_card(CHANNEL, request)
    await bot.seen_in(request.id, *orphan)

    async with bot.database.write() as transaction:
        taken = await outbox.lease(transaction, stale, bot.clock(), bot.clock() + LEASE)

    assert not taken


async def notices_in_order(bot: Bot, request_id: int) -> list[tuple[int, str]]:
    """All notices of a request with whom each is for, the earliest first."""
    async with bot.database.read() as connection:
        of_request = table.c.request_id == request_id, table.c.kind != CARD
        query = select(table.c.id, table.c.recipient).where(*of_request).order_by(table.c.id)
        return [(row.id, row.recipient) for row in await connection.execute(query)]


async def test_a_wake_up_for_a_later_notice_waits_until_the_earlier_was_sent(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await in_doubt(bot, sandbox)
    await bot.settlements.settle(request.id, BEN, applied=False, reason="no trace of it")
    _, earlier, later = (id_ for id_, person in await notices_in_order(bot, request.id) if person == ASKER)

    await bot.deliver(later)
    assert bot.messenger.calls == 0
    bot.messenger.problems = [DeliveryProblem("ratelimited", wait=40, not_done=True)]
    await bot.deliver(earlier)
    await bot.deliver(later)
    assert (bot.messenger.calls, bot.messenger.notices) == (1, [])
    clock.advance(minutes=1)
    await bot.deliver(later)
    await bot.deliver(earlier)
    await bot.deliver(later)

    assert bot.messenger.notices == [(ASKER, "in_doubt", request.id), (ASKER, "failed", request.id)]


async def test_the_earlier_notice_of_another_person_or_request_holds_up_nobody(
    bot: Bot, clock: Clock
) -> None:
    first, second = await bot.checked(), await bot.checked(subuser="other")
    await bot.decisions.deny(first.id, ANN, "no")
    await bot.decisions.deny(second.id, ANN, "no")
    [(notice, _)] = await notices_in_order(bot, second.id)

    await bot.deliver(notice)

    assert bot.messenger.notices == [(ASKER, "denied", second.id)]


async def test_a_message_that_is_gone_is_not_posted_anew_while_another_shows_the_request(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    other = await bot.messenger.post_card(CHANNEL, request)
    await bot.seen_in(request.id, *other)
    await bot.work("cards")
    await bot.decisions.deny(request.id, ANN, "no")
    bot.messenger.problems = [DeliveryProblem("message_not_found", fault=Fault.GONE, not_done=True)]

    await bot.work("cards")

    assert len(bot.messenger.posted) == 2
    assert [card["ts"] for card in await bot.cards_of(request.id)] == [other[1]]
    assert bot.messenger.shown[other].status is Status.DENIED


async def test_a_card_names_no_copy_above_it_any_more_once_that_has_been_found(
    bot: Bot, clock: Clock
) -> None:
    request = await bot.checked()
    orphan = await bot.messenger.post_card(CHANNEL, request)
    bot.messenger.problems = [UNCLEAR]
    await bot.work("cards")
    clock.advance(seconds=30)
    await bot.work("cards")
    assert bot.messenger.with_copy_above == {bot.messenger.posted[1]}

    await bot.seen_in(request.id, *orphan)
    await bot.work("cards")

    assert bot.messenger.with_copy_above == set()


async def test_a_message_that_shows_another_request_is_not_taken_over(bot: Bot) -> None:
    shown, other = await bot.checked(), await bot.checked(subuser="other")
    await bot.work("cards")
    [card] = await bot.cards_of(shown.id)

    await bot.seen_in(other.id, card["channel"], card["ts"])

    assert await bot.cards_of(shown.id) == [card]
    assert len(await bot.cards_of(other.id)) == 1


async def test_a_channel_that_cannot_be_reached_is_logged_with_the_setting_that_names_it(
    start: StartBot,
) -> None:
    bot = start(replace(POLICY, routes=(Route(("oth*",), "C0OTHER"),)))
    logged = {}
    for subuser in ("acme", "other"):
        await bot.checked(subuser=subuser)
        problem = DeliveryProblem("not_in_channel", fault=Fault.CHANNEL, not_done=True)
        bot.messenger.problems.append(problem)
        with structlog.testing.capture_logs() as logs:
            await bot.work("cards")
        [entry] = [entry for entry in logs if entry["log_level"] == "error"]
        logged[entry["channel"]] = entry["event"]
    assert "in CREDITBOT_APPROVALS_CHANNEL and restart" in logged[CHANNEL]
    assert "in [[channels]] of the policy and restart" in logged["C0OTHER"]
