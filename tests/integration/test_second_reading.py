"""A removal is proven not applied by two readings of the balance, some minutes apart, and by none alone."""

import asyncio

from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.rules import waits_for
from creditbot.domain.who import Roster
from creditbot.jobs.settle import PATIENT_TRIES, SECOND_READING
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.slack.cards.card import request_card

from .adapters import ANN, BEN, POLICY, Bot, Clock, answered_too_late, patches
from .conftest import StartBot


async def read_once(bot: Bot, sandbox: SendGridSandbox, change: int = -250) -> CreditRequest:
    """A removal that SendGrid has not applied so far, by the reading right after the doubt; 1,000 remain."""
    request = await bot.approved(change)
    sandbox.faults.add("drop_before")
    await bot.apply(request.id)
    bot.clock.advance(minutes=1)
    await bot.work("settle")
    found = await bot.request(request.id)
    assert (found.status, found.remain_after) == (Status.IN_DOUBT, 1000)
    return found


async def test_one_reading_is_shown_and_settles_nothing(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await read_once(bot, sandbox)

    assert request.read_again_at == bot.clock() + SECOND_READING
    assert request.remain_after_at == bot.clock()
    shown = request_card(request, POLICY, Roster(), bot.clock()).text
    assert f"reads the balance again on <!date^{int(request.read_again_at.timestamp())}^" in shown
    assert "Nobody has to do anything until then" in shown
    assert not any(kind == "not_proven" for _, kind in await bot.notices_of(request.id))
    assert (await bot.kinds(request.id))[-1] == "read_once"
    bot.clock.advance(minutes=2, seconds=59)
    await bot.work("settle")
    assert await bot.status(request.id) is Status.IN_DOUBT


async def test_a_second_one_that_agrees_settles_it_whichever_process_reads_it(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await read_once(start(), sandbox)
    sandbox.account.send_mail("acme", 100)
    clock.advance(minutes=3)
    other = start()
    await other.work("settle")

    found = await other.request(request.id)
    assert (found.status, found.remain_after) == (Status.FAILED, 900)
    assert found.may_be_asked_again
    assert (await other.kinds(request.id))[-2:] == ["read_once", "proven"]


async def test_a_removal_that_sendgrid_works_off_late_is_not_called_failed(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    bot, hasty = start(), start(timeout=0.3)
    request = await bot.approved(-250)
    await answered_too_late(hasty, sandbox, request.id)
    clock.advance(minutes=1)
    await bot.work("settle")
    assert (await bot.request(request.id)).remain_after == 1000
    await sandbox.until(lambda: sandbox.account.ledger)
    clock.advance(minutes=3)
    await bot.work("settle")

    found = await bot.request(request.id)
    assert (found.status, found.remain_after, found.read_again_at) == (Status.IN_DOUBT, 750, None)
    assert "in either case" in (found.explanation or "")
    assert (ANN, "not_proven") in await bot.notices_of(request.id)
    assert len(patches(sandbox)) == 1


async def test_a_balance_that_rose_in_between_proves_nothing(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.approved(-250)
    sandbox.faults.add("drop_before")
    await bot.apply(request.id)
    sandbox.account.send_mail("acme", 100)
    bot.clock.advance(minutes=1)
    await bot.work("settle")
    sandbox.account.subusers[0].remain += 50
    bot.clock.advance(minutes=3)
    await bot.work("settle")

    found = await bot.request(request.id)
    assert (found.status, found.remain_after) == (Status.IN_DOUBT, 950)
    assert "rose after the reading before" in (found.explanation or "")
    assert (ANN, "not_proven") in await bot.notices_of(request.id)


async def test_a_second_reading_that_was_overtaken_by_another_settles_nothing(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    """It was read before the credits were removed after all, and comes to an end after that was seen."""
    bot, slow = start(), start()
    request = await read_once(bot, sandbox)
    clock.advance(minutes=3)
    sandbox.faults.add("slow", method="GET", seconds=0.5)
    late = asyncio.create_task(slow.settle(request.id))
    await sandbox.until(lambda: sandbox.calls[-1].fault == "slow")
    sandbox.account.subusers[0].remain -= 250
    await bot.settle(request.id)
    await bot.settlements.check_again(request.id, ANN)
    sandbox.account.subusers[0].remain += 250
    await late

    found = await bot.request(request.id)
    assert (found.status, found.remain_after, found.read_again_at) == (Status.IN_DOUBT, 750, None)


async def test_check_again_is_no_second_reading(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await read_once(bot, sandbox)
    bot.clock.advance(minutes=1)
    await bot.settlements.check_again(request.id, ANN)
    await bot.work("settle")
    assert await bot.status(request.id) is Status.IN_DOUBT

    bot.clock.advance(minutes=2)
    await bot.work("settle")
    assert await bot.status(request.id) is Status.FAILED


async def test_a_person_need_not_wait_for_it(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await read_once(bot, sandbox)
    await bot.settlements.settle(request.id, BEN, applied=False, reason="The console shows 1,000")
    bot.clock.advance(minutes=3)
    await bot.work("settle")
    assert (await bot.kinds(request.id))[-1] == "settled"


async def test_a_second_reading_that_sendgrid_refuses_for_a_while_is_made_later(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await read_once(bot, sandbox)
    bot.clock.advance(minutes=3)
    sandbox.faults.down = True
    await bot.settle(request.id)
    assert await bot.status(request.id) is Status.IN_DOUBT
    sandbox.faults.down = False
    bot.clock.advance(seconds=2)
    await bot.work("settle")
    assert await bot.status(request.id) is Status.FAILED


async def test_if_the_second_reading_fails_for_long_people_are_asked_and_two_are_made_later(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await read_once(bot, sandbox)
    bot.clock.advance(minutes=3)
    sandbox.faults.down = True
    for _ in range(PATIENT_TRIES + 1):
        await bot.work("settle")
        bot.clock.advance(minutes=1)
    found = await bot.request(request.id)
    assert (found.status, found.read_again_at) == (Status.IN_DOUBT, None)
    assert "can't be read" in request_card(found, POLICY, Roster(), bot.clock()).text
    assert (ANN, "not_proven") in await bot.notices_of(request.id)

    sandbox.faults.down = False
    await bot.work("settle")
    assert (await bot.request(request.id)).read_again_at == bot.clock() + SECOND_READING
    bot.clock.advance(minutes=3)
    await bot.work("settle")
    assert await bot.status(request.id) is Status.FAILED


async def test_who_settles_doubts_is_not_told_that_one_waits_for_them_meanwhile(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await read_once(bot, sandbox)
    assert not waits_for(request, ANN, POLICY, Roster(), bot.clock())
    bot.clock.advance(minutes=3)
    assert waits_for(request, ANN, POLICY, Roster(), bot.clock())
