"""Sending a change: never twice, never lost, never pretended."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.credits import Applied, NotSent, PatchOutcome, RateLimited, SubuserCredits
from creditbot.domain.errors import KeyMissing, Refusal
from creditbot.domain.evidence import Reading
from creditbot.domain.operators import operator
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Figure, Status
from creditbot.domain.who import Roster, Who
from creditbot.jobs.backoff import GIVE_UP_AFTER
from creditbot.jobs.job import MARGIN
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import Call, Change, SendGridSandbox, Subuser
from creditbot.sandbox.sendgrid.faults import Kind
from creditbot.slack.cards.card import request_card
from creditbot.store import attempts, requests
from tests.extent import short_or_long

from .adapters import (
    ANN,
    ASKER,
    BEN,
    CAT,
    CHANNEL,
    OUTSIDER,
    POLICY,
    Bot,
    Clock,
    another_writer,
    ids,
    patches,
)
from .conftest import StartBot, let_wait_for_the_lock

TIMEOUT = 10.0
LAPSE = timedelta(seconds=TIMEOUT) + MARGIN


async def crashed_while_sending(bot: Bot, change: int = 250) -> CreditRequest:
    """A request whose process wrote the attempt down and was never heard of again."""
    request = await bot.applying(change)
    async with bot.database.write() as transaction:
        await attempts.start(transaction, request.id, 1, Reading("nonrecurring", 1000, None), bot.clock())
    return request


def refuse_after_the_next_read(sandbox: SendGridSandbox) -> None:
    """The balance can still be read; the connection for the PATCH is refused."""

    def listener(change: Change) -> None:
        if change.topic == "answer" and isinstance(change.subject, Call) and change.subject.method == "GET":
            unsubscribe()
            sandbox.faults.add("refuse", seconds=600)

    unsubscribe = sandbox.subscribe(listener)


async def test_an_approved_change_is_sent_once_and_its_answer_is_kept(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved(250)

    await bot.apply(request.id)

    found = await bot.request(request.id)
    attempt = await bot.last_attempt(request.id)
    assert sandbox.account.applied("acme") == [250]
    assert found.status is Status.APPLIED
    assert (found.before, found.after) == (Figure(1000, bot.clock()), Figure(1250, bot.clock()))
    assert found.answer_status == 200
    assert found.finished_at == bot.clock()
    assert attempt is not None
    assert (attempt.number, attempt.outcome, attempt.answer_status) == (1, "applied", 200)
    assert (await bot.kinds(request.id))[2:] == ["approved", "applying", "attempt", "answer", "applied"]
    assert (ASKER, "applied") in await bot.notices_of(request.id)


async def test_credits_are_removed_with_a_negative_update(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.approved(-1000)

    await bot.apply(request.id)

    assert sandbox.account.applied("acme") == [-1000]
    assert (await bot.request(request.id)).remain_after == 0


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.APPROVED, Status.APPLYING}))
async def test_only_an_approved_request_is_ever_sent(
    bot: Bot, sandbox: SendGridSandbox, status: Status
) -> None:
    request = await bot.ask()
    async with bot.database.write() as transaction:
        await requests.amend(transaction, request.id, "brought", at=bot.clock(), status=status)

    await bot.apply(request.id)
    await bot.apply(request.id + 1)

    assert await bot.status(request.id) is status
    assert sandbox.calls == []


async def test_applying_again_after_the_end_sends_nothing(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.approved()
    await bot.apply(request.id)
    before = await bot.request(request.id)

    for _ in range(3):
        await bot.apply(request.id)

    assert len(patches(sandbox)) == 1
    assert await bot.request(request.id) == before


async def test_a_refused_change_fails_and_says_why_to_all_concerned(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    sandbox.faults.add("status_before", status=400, body={"errors": [{"message": "No user found"}]})

    await bot.apply(request.id)
    await bot.apply(request.id)

    found = await bot.request(request.id)
    assert (found.status, found.answer_status) == (Status.FAILED, 400)
    assert found.explanation is not None
    assert "“No user found”" in found.explanation
    assert {(ASKER, "failed"), (ANN, "failed")} <= await bot.notices_of(request.id)
    assert len(patches(sandbox)) == 1
    assert sandbox.account.ledger == []


async def test_what_could_not_be_sent_is_sent_when_sendgrid_can_be_reached_again(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.approved()
    refuse_after_the_next_read(sandbox)

    await bot.apply(request.id)

    attempt = await bot.last_attempt(request.id)
    assert attempt is not None
    assert attempt.outcome == "not_sent"
    assert await bot.status(request.id) is Status.APPLYING
    assert ids(await bot.due(), "apply") == []

    sandbox.faults.clear()
    async with asyncio.timeout(20):
        while await bot.status(request.id) is Status.APPLYING:
            clock.advance(seconds=30)
            assert ids(await bot.due(), "apply") == [request.id]
            await bot.apply(request.id)
            await asyncio.sleep(0.1)  # it is not at once that it listens again

    assert await bot.status(request.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]
    assert len(patches(sandbox)) == 1


async def test_a_rate_limit_is_waited_for_and_then_the_change_is_sent_again(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.approved()
    sandbox.faults.add("rate_limit", reset=20)

    await bot.apply(request.id)
    attempt = await bot.last_attempt(request.id)
    clock.advance(seconds=19)
    early = ids(await bot.due(), "apply")
    clock.advance(seconds=2)
    late = ids(await bot.due(), "apply")
    await bot.work("apply")

    assert attempt is not None
    assert (attempt.outcome, attempt.answer_status) == ("rate_limited", 429)
    assert (early, late) == ([], [request.id])
    assert await bot.status(request.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]


async def test_repeated_rate_limits_back_off_and_never_count(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.approved()
    sandbox.faults.add("rate_limit", reset=1, times=6)

    waits = []
    for _ in range(6):
        await bot.work("apply")
        begun = clock.now
        while ids(await bot.due(), "apply") == []:
            clock.advance(seconds=1)
        waits.append((clock.now - begun).total_seconds())
    await bot.work("apply")

    assert waits == [1, 2, 4, 8, 16, 30]
    assert await bot.status(request.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]
    assert [call.status for call in patches(sandbox)] == [429] * 6 + [200]


@pytest.mark.parametrize(
    "kind",
    ["drop_before", "drop_after", "reset_connection", "truncate_after", "garbage_after", "status_after"],
)
async def test_an_unclear_answer_is_a_doubt_and_is_never_sent_again(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, kind: Kind
) -> None:
    request = await bot.approved()
    sandbox.faults.add(kind)

    await bot.apply(request.id)

    found = await bot.request(request.id)
    assert found.status is Status.IN_DOUBT
    assert found.remain_before == 1000
    assert {(ASKER, "in_doubt"), (ANN, "in_doubt")} <= await bot.notices_of(request.id)
    for _ in range(3):
        clock.advance(hours=1)
        await bot.apply(request.id)
    assert ids(await bot.due(), "apply") == []
    assert len(patches(sandbox)) == 1


async def test_the_balance_is_read_only_once_sendgrid_must_be_done_with_the_change(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.approved()
    sandbox.faults.add("drop_after")
    await bot.apply(request.id)

    clock.advance(seconds=LAPSE.total_seconds() - 1)
    early = ids(await bot.due(), "settle")
    clock.advance(seconds=1)

    assert (early, ids(await bot.due(), "settle")) == ([], [request.id])


async def test_an_attempt_without_an_outcome_is_never_sent_again(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await crashed_while_sending(bot)
    sandbox.calls.clear()

    await bot.apply(request.id)
    assert await bot.status(request.id) is Status.APPLYING
    clock.advance(seconds=LAPSE.total_seconds() - 1)
    assert ids(await bot.due(), "apply") == []
    await bot.apply(request.id)
    assert await bot.status(request.id) is Status.APPLYING

    clock.advance(seconds=1)
    assert ids(await bot.due(), "apply") == [request.id]
    await bot.apply(request.id)

    found = await bot.request(request.id)
    assert found.status is Status.IN_DOUBT
    assert found.explanation is not None
    # It may have died before the PATCH left, or after: this says neither.
    assert "stopped while it was sending the change, so it is not known" in found.explanation
    assert "SendGrid did not" not in request_card(found, POLICY, Roster(), clock()).text
    clock.advance(hours=1)
    await bot.apply(request.id)
    assert sandbox.calls == []


@pytest.mark.parametrize("last", [RateLimited(1.0, ""), None])
async def test_a_crash_before_anything_could_count_goes_on(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, last: RateLimited | None
) -> None:
    request = await bot.applying()
    if last is not None:
        async with bot.database.write() as transaction:
            attempt = await attempts.start(
                transaction, request.id, 1, Reading("nonrecurring", 1000, None), clock()
            )
            await attempts.finish(transaction, attempt, last, clock())

    assert ids(await bot.due(), "apply") == [request.id]
    await bot.apply(request.id)

    found = await bot.last_attempt(request.id)
    assert found is not None
    assert found.number == (1 if last is None else 2)
    assert await bot.status(request.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]


async def test_being_stopped_while_waiting_for_the_answer_is_recorded_as_a_doubt(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    sandbox.faults.add("hang_after", seconds=600)

    working = asyncio.create_task(bot.apply(request.id))
    await sandbox.until(lambda: sandbox.account.ledger)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    attempt = await bot.last_attempt(request.id)
    assert attempt is not None
    assert attempt.outcome == "in_doubt"
    assert await bot.status(request.id) is Status.IN_DOUBT
    await bot.apply(request.id)
    assert len(patches(sandbox)) == 1


async def test_an_outcome_for_which_the_ledgers_key_is_missing_is_in_the_log_and_not_tried_for_ever(
    start: StartBot, clock: Clock
) -> None:
    bot, other = start(), start(keys=(b"a key that came in between, long",))
    request = await bot.applying(250)
    async with bot.database.write() as transaction:
        reading = Reading("nonrecurring", 1000, None)
        attempt = await attempts.start(transaction, request.id, 1, reading, clock())
    await activate_policy(other.database, POLICY, clock)

    outcome = Applied(SubuserCredits("nonrecurring", remain=1250), "{}")
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyMissing):
        await bot.record(request, attempt, clock(), outcome)

    [line] = logs
    assert line["log_level"] == "error"
    assert (line["request_id"], line["outcome"], line["status"]) == (request.id, "applied", 200)
    assert "`creditbot requests settle`" in line["event"]
    assert "must set CREDITBOT_LEDGER_KEY" in line["error"]


async def test_being_stopped_while_reading_the_balance_leaves_it_to_be_taken_up_again(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    sandbox.faults.add("hang_before", method="GET", seconds=600)

    working = asyncio.create_task(bot.apply(request.id))
    await sandbox.until(lambda: sandbox.calls[-1].fault == "hang_before")
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await bot.work("apply")

    assert await bot.status(request.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]


async def test_two_processes_that_apply_the_same_request_at_once_send_it_once(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    bots = [start(), start()]
    for turn in range(short_or_long(10, 50)):
        name = f"subuser-{turn}"
        sandbox.account.add_subuser(Subuser(name, type="nonrecurring", remain=10))
        request = await bots[0].approved(5, name)

        await asyncio.gather(*(bot.apply(request.id) for bot in bots))

        assert sandbox.account.applied(name) == [5], f"round {turn}"
        assert [call.username for call in patches(sandbox)].count(name) == 1, f"round {turn}"
        assert await bots[turn % 2].status(request.id) is Status.APPLIED


async def test_of_two_processes_that_both_mean_to_send_one_writes_it_down_first(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    bots = [start(), start()]
    request = await bots[0].approved()
    sandbox.faults.add("slow", method="GET", seconds=0.1, times=2)

    await asyncio.gather(*(bot.apply(request.id) for bot in bots))

    assert len([call for call in sandbox.calls if call.fault == "slow"]) == 2
    assert sandbox.account.applied("acme") == [250]
    assert (await bots[0].kinds(request.id)).count("attempt") == 1


async def test_two_changes_of_one_subuser_go_one_after_the_other(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    bots = [start(), start()]
    first, second = await bots[0].approved(1), await bots[0].approved(2)
    sandbox.faults.add("slow", seconds=1.5)

    going = asyncio.create_task(bots[0].apply(first.id))
    await sandbox.until(lambda: patches(sandbox))
    await bots[1].apply(second.id)
    waiting = await bots[0].request(second.id)
    await going

    assert (waiting.status, waiting.waits_for) == (Status.APPROVED, first.id)
    assert ids(await bots[0].due(), "apply") == [second.id]
    await bots[1].apply(second.id)
    done = await bots[0].request(second.id)
    assert (done.status, done.waits_for) == (Status.APPLIED, None)
    assert sandbox.account.applied("acme") == [1, 2]


async def test_a_change_waits_for_a_doubt_and_goes_as_soon_as_that_is_settled(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    first, second = await bot.approved(1), await bot.approved(2)
    sandbox.faults.add("drop_before")
    await bot.apply(first.id)

    await bot.apply(second.id)
    waiting = await bot.request(second.id)
    assert (waiting.status, waiting.waits_for) == (Status.APPROVED, first.id)
    assert ids(await bot.due(), "apply") == []
    bot.clock.advance(seconds=LAPSE.total_seconds())
    await bot.settlements.settle(first.id, BEN, applied=False, reason="the balance is as it was")
    await bot.work("apply")

    assert await bot.status(second.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [2]


@pytest.mark.parametrize(("name", "other"), [("acme", "ACME"), ("straße", "STRASSE"), ("äcme", "ÄCME")])
async def test_names_that_differ_only_in_case_are_one_subuser_that_a_doubt_holds(
    bot: Bot, sandbox: SendGridSandbox, name: str, other: str
) -> None:
    for username in {name, other} - {"acme"}:
        sandbox.account.add_subuser(Subuser(username, type="nonrecurring", remain=1000))
    first, second = await bot.approved(250, name), await bot.approved(100, other)
    sandbox.faults.add("drop_before")
    await bot.apply(first.id)

    await bot.apply(second.id)
    waiting = await bot.request(second.id)
    assert (waiting.status, waiting.waits_for) == (Status.APPROVED, first.id)
    bot.clock.advance(seconds=LAPSE.total_seconds())
    await bot.work("settle", "apply")
    assert await bot.status(first.id) is Status.IN_DOUBT
    await bot.settlements.settle(first.id, BEN, applied=False, reason="the balance is as it was")
    await bot.work("apply")

    assert await bot.status(second.id) is Status.APPLIED
    assert sandbox.account.applied(other) == [100]


async def test_after_fifteen_minutes_out_of_reach_it_fails_and_nothing_was_sent(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.approved()
    sandbox.faults.down = True

    await bot.work("apply")
    clock.now += GIVE_UP_AFTER
    await bot.work("apply")
    assert await bot.status(request.id) is Status.APPLYING
    clock.advance(seconds=60)
    await bot.work("apply")

    found = await bot.request(request.id)
    assert found.status is Status.FAILED
    assert found.explanation is not None
    assert "creditbot tried for 15 minutes and sent nothing." in found.explanation
    assert patches(sandbox) == []
    sandbox.faults.clear()
    await bot.apply(request.id)
    assert sandbox.account.ledger == []


async def test_rate_limits_without_end_fail_after_fifteen_minutes(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.approved()
    sandbox.faults.add("rate_limit", reset=60, times=100)

    for _ in range(20):
        await bot.work("apply")
        clock.advance(seconds=61)

    assert await bot.status(request.id) is Status.FAILED
    assert 10 <= len(patches(sandbox)) <= 16
    assert sandbox.account.ledger == []


async def test_a_subuser_that_became_unlimited_is_not_changed(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.approved()
    sandbox.account.subusers[0].type = "unlimited"

    await bot.apply(request.id)

    found = await bot.request(request.id)
    assert found.status is Status.FAILED
    assert found.explanation is not None
    assert "has unlimited credits" in found.explanation
    assert patches(sandbox) == []


async def test_a_removal_that_mail_has_overtaken_is_not_sent(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.approved(-900)
    sandbox.account.send_mail("acme", 200)

    await bot.apply(request.id)

    found = await bot.request(request.id)
    assert found.status is Status.FAILED
    assert found.explanation is not None
    assert "below zero" in found.explanation
    assert patches(sandbox) == []


async def test_a_key_that_lost_its_scope_fails_the_change_with_its_name(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()
    sandbox.scopes -= {"subusers.credits.remaining.update"}

    await bot.apply(request.id)

    found = await bot.request(request.id)
    assert (found.status, found.answer_status) == (Status.FAILED, 403)
    assert found.explanation is not None
    assert "`subusers.credits.remaining.update`" in found.explanation
    assert sandbox.account.ledger == []


async def given_up_while_waiting(
    first: Bot, second: Bot, sandbox: SendGridSandbox, request: CreditRequest, held: asyncio.Event
) -> "asyncio.Task[None]":
    """`first` waits so long for its answer that `second` gives its attempt up; `held` lets it come."""
    sandbox.faults.add("slow", until=held)
    working = asyncio.create_task(first.apply(request.id))
    await sandbox.until(lambda: patches(sandbox))
    first.clock.now += LAPSE
    await second.apply(request.id)
    assert await second.status(request.id) is Status.IN_DOUBT
    return working


async def test_a_late_yes_settles_a_request_that_was_given_up(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    first, second, held = start(), start(), asyncio.Event()
    request = await first.approved()

    working = await given_up_while_waiting(first, second, sandbox, request, held)
    held.set()
    await working

    found = await first.request(request.id)
    assert (found.status, found.remain_after) == (Status.APPLIED, 1250)
    assert {(ASKER, "in_doubt"), (ASKER, "applied"), (ANN, "applied")} <= await first.notices_of(request.id)
    assert sandbox.account.applied("acme") == [250]


async def test_an_attempt_is_over_for_all_when_whoever_sent_it_has_given_up(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    patient, hasty = start(timeout=60), start(timeout=1)
    request = await patient.approved(-200)
    sandbox.faults.add("hang_before", seconds=60)
    working = asyncio.create_task(patient.apply(request.id))
    await sandbox.until(lambda: patches(sandbox))

    clock.now += timedelta(seconds=60)
    await hasty.apply(request.id)
    assert await hasty.status(request.id) is Status.APPLYING
    clock.now += MARGIN
    await hasty.apply(request.id)

    found = await hasty.request(request.id)
    assert (found.status, found.unclear_until) == (Status.IN_DOUBT, clock.now)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_a_late_no_settles_a_request_that_was_given_up(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    first, second, held = start(), start(), asyncio.Event()
    request = await first.approved(-600)

    working = await given_up_while_waiting(first, second, sandbox, request, held)
    sandbox.account.send_mail("acme", 900)
    held.set()
    await working

    assert await first.status(request.id) is Status.FAILED
    assert sandbox.account.ledger == []


async def test_an_answer_after_a_person_has_settled_changes_nothing(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    first, second, held = start(), start(), asyncio.Event()
    request = await first.approved()
    working = await given_up_while_waiting(first, second, sandbox, request, held)
    settled = await second.settlements.settle(request.id, BEN, applied=True, reason="I saw it in SendGrid")

    held.set()
    await working

    assert await first.request(request.id) == settled
    assert "answer" in (await first.kinds(request.id))[-1:]


async def test_a_process_that_stood_still_after_writing_an_attempt_down_does_not_send_it(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    bot = start()
    request = await bot.approved()

    class Sleeper:
        """A process that stands still at the commit of its attempt, as a laptop does whose lid is closed."""

        async def defer(self, connection: AsyncConnection, wake_ups: object) -> None:  # noqa: ARG002 - fixed
            attempt = await attempts.last(connection, request.id)
            if attempt is not None and attempt.outcome is None:
                clock.advance(minutes=10)

        def committed(self, wake_ups: object) -> None:
            pass

    bot.database.waker = Sleeper()
    await bot.apply(request.id)

    attempt = await bot.last_attempt(request.id)
    assert attempt is not None
    assert attempt.outcome == "not_sent"
    assert patches(sandbox) == []


async def test_a_known_success_is_written_down_even_if_the_database_was_locked(
    start: StartBot, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit of a known result is repeated: a success must not turn into doubt."""
    let_wait_for_the_lock(monkeypatch, 0.1)
    bot = start()
    request = await bot.approved()
    sandbox.faults.add("slow", seconds=0.2)

    working = asyncio.create_task(bot.apply(request.id))
    await sandbox.until(lambda: patches(sandbox))
    with another_writer(bot.url):
        await sandbox.until(lambda: sandbox.account.ledger)
        await asyncio.sleep(0.4)  # longer than one try to write waits
    await working

    assert await bot.status(request.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]


def test_the_outcomes_after_which_it_is_sent_again_are_those_that_can_not_have_counted() -> None:
    assert {"not_sent", "rate_limited"} == attempts.MAY_BE_REPEATED
    assert attempts.OUTCOMES[type(Applied(SubuserCredits(), ""))] not in attempts.MAY_BE_REPEATED


async def test_a_second_process_that_reads_the_balance_after_the_change_does_not_call_it_failed(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    first, second = start(), start()
    request = await first.approved(-600)
    sandbox.faults.add("slow", method="GET", seconds=0.3)
    late = asyncio.create_task(second.apply(request.id))
    await sandbox.until(lambda: sandbox.calls[-1].fault == "slow")
    sandbox.faults.add("hang_after", seconds=0.6)
    await first.apply(request.id)
    await late

    assert sandbox.account.applied("acme") == [-600]
    assert await first.status(request.id) is not Status.FAILED


async def test_an_outcome_that_came_in_time_is_not_overwritten_with_a_doubt(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    bot, other = start(), start()
    request = await bot.approved()
    sandbox.faults.add("slow", seconds=0.3)
    working = asyncio.create_task(bot.apply(request.id))
    await sandbox.until(lambda: patches(sandbox))
    stale, last = await other.request(request.id), await other.last_attempt(request.id)
    assert last is not None
    await working
    clock.advance(seconds=60)
    await other.unfinished(stale, last)

    found = await bot.last_attempt(request.id)
    assert found is not None
    assert found.outcome == "applied"
    assert (await bot.kinds(request.id)).count("answer") == 1


async def test_waiting_its_turn_is_not_trying(bot: Bot, sandbox: SendGridSandbox, clock: Clock) -> None:
    first, second = await bot.approved(1), await bot.approved(2)
    sandbox.faults.add("drop_before")
    await bot.apply(first.id)
    clock.advance(hours=1)
    await bot.settlements.settle(first.id, BEN, applied=False, reason="no trace")
    sandbox.faults.add("rate_limit", reset=1)
    await bot.apply(second.id)

    assert await bot.status(second.id) is Status.APPLYING


async def test_an_answer_that_contradicts_a_persons_word_is_shown_and_told(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    bot = start()
    request = await crashed_while_sending(bot)
    clock.advance(minutes=1)
    await bot.apply(request.id)  # gives the attempt up
    await bot.settlements.settle(request.id, BEN, applied=False, reason="I see nothing")
    attempt = await bot.last_attempt(request.id)
    assert attempt is not None
    late = Applied(SubuserCredits("nonrecurring", remain=1250), "{}")
    async with bot.database.write() as transaction:
        current = await bot.request(request.id)
        await bot.conclude(transaction, current, attempt.id, attempt.started_at, late)

    found = await bot.request(request.id)
    assert found.status is Status.FAILED
    assert found.explanation is not None
    assert "says that the change was applied" in found.explanation
    assert {(who, "contradicted") for who in (ASKER, ANN, BEN)} <= await bot.notices_of(request.id)
    assert "contradicted" in await bot.kinds(request.id)
    assert not found.may_be_asked_again
    with pytest.raises(Refusal, match="was applied after all"):
        await bot.ask_again(request.id)


async def settled_after_a_doubt(bot: Bot, clock: Clock, *, applied: bool) -> CreditRequest:
    """A request whose attempt was given up, and of which a person then said what became of it."""
    request = await crashed_while_sending(bot)
    clock.advance(minutes=1)
    await bot.apply(request.id)
    return await bot.settlements.settle(request.id, BEN, applied=applied, reason="I looked")


async def answer_late(bot: Bot, request_id: int, outcome: PatchOutcome) -> None:
    """Whoever sent the attempt lives after all, and hears what became of it."""
    attempt = await bot.last_attempt(request_id)
    assert attempt is not None
    async with bot.database.write() as transaction:
        current = await bot.request(request_id)
        await bot.conclude(transaction, current, attempt.id, attempt.started_at, outcome)


LATE_YES = Applied(SubuserCredits("nonrecurring", remain=1250), "{}")


@pytest.mark.parametrize("late", [NotSent("It never left."), RateLimited(1.0, "")], ids=["not sent", "429"])
async def test_that_nothing_was_sent_contradicts_a_person_who_said_applied(
    bot: Bot, clock: Clock, late: PatchOutcome
) -> None:
    request = await settled_after_a_doubt(bot, clock, applied=True)

    await answer_late(bot, request.id, late)

    found = await bot.request(request.id)
    assert found.status is Status.APPLIED
    assert found.contradicted_at == clock()
    assert found.explanation is not None
    assert "says that the change was not applied" in found.explanation
    assert "contradicted" in await bot.kinds(request.id)
    assert {(who, "contradicted") for who in (ASKER, ANN, BEN)} <= await bot.notices_of(request.id)
    assert ids(await bot.due(), "apply") == []


@pytest.mark.parametrize(
    ("approvers", "told"), [([ANN, BEN], {ASKER, ANN, BEN}), (["S0FINANCE"], {ASKER, CHANNEL})]
)
async def test_what_was_approved_in_an_emergency_is_contradicted_to_those_who_may_look(
    start: StartBot, clock: Clock, approvers: list[str], told: set[str]
) -> None:
    bot = start(replace(Policy.one_tier(approvers), break_glass=Who.of([ASKER])))
    request = await bot.checked()
    request = await bot.decisions.break_glass(request.id, ASKER, "nobody answers")
    async with bot.database.write() as transaction:
        await requests.transition(transaction, request, Status.APPLYING, kind="applying", at=clock())
        await attempts.start(transaction, request.id, 1, Reading("nonrecurring", 1000, None), clock())
    clock.advance(minutes=1)
    await bot.apply(request.id)
    await bot.settlements.settle(request.id, operator("carol"), applied=False, reason="no trace")

    await answer_late(bot, request.id, LATE_YES)

    notices = await bot.notices_of(request.id)
    assert {who for who, kind in notices if kind == "contradicted"} == told


@pytest.mark.parametrize("late", [NotSent("It never left."), RateLimited(1.0, "")], ids=["not sent", "429"])
async def test_that_nothing_was_sent_bears_out_a_person_who_said_not_applied(
    bot: Bot, clock: Clock, late: PatchOutcome
) -> None:
    request = await settled_after_a_doubt(bot, clock, applied=False)

    await answer_late(bot, request.id, late)

    assert await bot.request(request.id) == request
    assert "contradicted" not in await bot.kinds(request.id)


@pytest.mark.parametrize(
    ("approved", "ended"), [(False, Status.REFUSED), (True, Status.CANCELLED)], ids=["pending", "approved"]
)
async def test_what_asks_again_for_a_change_that_was_applied_after_all_is_called_off(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, approved: bool, ended: Status
) -> None:
    old = await settled_after_a_doubt(bot, clock, applied=False)
    new = await bot.ask_again(old.id, by=OUTSIDER)
    assert new is not None
    await bot.check(new.id)
    await bot.work("cards")
    if approved:
        await bot.decisions.approve(new.id, CAT)

    await answer_late(bot, old.id, LATE_YES)
    with pytest.raises(Refusal):
        await bot.decisions.approve(new.id, BEN)
    await bot.work()

    found = await bot.request(new.id)
    assert (found.status, found.finished_at) == (ended, clock())
    assert "refused_click" in await bot.kinds(new.id)
    assert {(OUTSIDER, ended, new.id), (OUTSIDER, "contradicted", old.id)} <= set(bot.messenger.notices)
    assert ((CAT, "contradicted", old.id) in bot.messenger.notices) == approved
    [shown] = [request for request in bot.messenger.shown.values() if request.id == new.id]
    says = request_card(shown, POLICY, Roster(), clock()).text
    assert f"request {old.id}, which this one follows, was applied after all" in says
    assert "before anyone was asked" not in says
    assert patches(sandbox) == []


@pytest.mark.parametrize("status", [Status.APPLYING, Status.APPLIED])
async def test_a_change_that_was_asked_for_again_and_sent_stays_and_its_people_are_told(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, status: Status
) -> None:
    old = await settled_after_a_doubt(bot, clock, applied=False)
    new = await bot.ask_again(old.id, by=OUTSIDER)
    assert new is not None
    await bot.check(new.id)
    await bot.decisions.approve(new.id, CAT)
    if status is Status.APPLYING:
        sandbox.faults.add("rate_limit", reset=60)
    await bot.apply(new.id)
    assert await bot.status(new.id) is status

    await answer_late(bot, old.id, LATE_YES)

    assert await bot.status(new.id) is status
    told = {(who, "contradicted") for who in (ASKER, ANN, BEN, OUTSIDER, CAT)}
    assert told <= await bot.notices_of(old.id)
