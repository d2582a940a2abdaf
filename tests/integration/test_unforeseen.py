"""What nobody foresaw: a job that fails each time it is tried comes to an end, and its people are told.

Faults are put into our own code here, step by step, since what really fails is foreseen somewhere.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any, NoReturn

import pytest
import structlog
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from creditbot.domain import schedule
from creditbot.domain.digest import DIGEST, Digest
from creditbot.domain.drift import DRIFT
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.undone import Undone
from creditbot.jobs import backoff, bounded, check, expire, poll, remind, settle
from creditbot.jobs.apply import Apply, look_before, record
from creditbot.jobs.backoff import MOST_RUNS, pause
from creditbot.jobs.reading import read_credits
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.slack import undone
from creditbot.store import attempts, outbox, requests, summary, tables, timers

from .adapters import ANN, ASKER, BEN, CHANNEL, POLICY, Bot, Clock, ids, patches
from .conftest import StartBot
from .test_runner import runner_of, running, until

FEW = 3
"""How often a job is tried here, to save time; the real number is tried once."""

Break = Callable[[Bot, pytest.MonkeyPatch], None]
Logs = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_RUNS", FEW)


def fault(*_: object, **__: object) -> NoReturn:
    raise ValueError("nobody foresaw this")


async def later_fault(*_: object, **__: object) -> NoReturn:
    raise ValueError("nobody foresaw this")


async def not_null(*_: object, **__: object) -> NoReturn:
    raise IntegrityError("UPDATE requests", {}, Exception("NOT NULL constraint failed: requests.subuser"))


async def let_time_pass(bot: Bot) -> Logs:
    """Have all that is due done, each minute for some; return what was logged."""
    with structlog.testing.capture_logs() as logs:
        jobs = bot.jobs()
        for _ in range(8):
            for wake_up in await bot.due():
                await jobs[wake_up.work.name](wake_up.key)
            bot.clock.advance(minutes=1)
    return [dict(entry) for entry in logs]


def errors(logs: Logs) -> list[tuple[str, bool]]:
    """What was logged as an error, and whether with the exception."""
    return [(entry["event"], bool(entry.get("exc_info"))) for entry in logs if entry["log_level"] == "error"]


ONCE_AND_AT_THE_END = [
    ("A job failed; it will be tried again", True),
    ("A job failed again and again; it is given up", True),
]


class Floorless(Policy):
    floor_of = fault


def in_the_recheck(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot.apply._recheck = later_fault  # type: ignore[assignment]  # it is what is broken


def in_the_policy(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot.apply._look_before._policy = Floorless()


NOTHING_SENT: dict[str, tuple[Break, Status]] = {
    "recheck": (in_the_recheck, Status.CANCELLED),
    "claim": (lambda _, patch: patch.setattr(requests, "under_way", later_fault), Status.CANCELLED),
    # Not taken for another change that is under way, and tried again for ever.
    "a constraint": (lambda _, patch: patch.setattr(requests, "transition", not_null), Status.CANCELLED),
    "reading": (lambda _, patch: patch.setattr(look_before, "read_credits", later_fault), Status.FAILED),
    "policy": (in_the_policy, Status.FAILED),
    "attempt": (lambda _, patch: patch.setattr(attempts, "start", later_fault), Status.FAILED),
}


@pytest.mark.parametrize("step", NOTHING_SENT)
async def test_where_nothing_can_have_been_sent_it_ends_as_that(
    bot: Bot, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    request = await bot.approved()
    break_it, ends_as = NOTHING_SENT[step]
    with monkeypatch.context() as patch:
        break_it(bot, patch)
        logs = await let_time_pass(bot)

    found = await bot.request(request.id)
    assert found.status is ends_as
    assert "Nothing was sent." in (found.explanation or "")
    assert f"log, under request {request.id}" in (found.explanation or "")
    assert patches(sandbox) == []
    assert errors(logs) == ONCE_AND_AT_THE_END
    told = {person for person, kind, _ in bot.messenger.notices if kind == ends_as}
    assert told == {ASKER, ANN}
    # The subuser is free again.
    bot.apply = Apply(bot.database, bot.sendgrid, POLICY, bot.recheck, bot.clock, channel=CHANNEL)
    following = await bot.approved(70)
    await bot.work()
    assert await bot.status(following.id) is Status.APPLIED


SENT: dict[str, Break] = {
    "reader of the answer": lambda _, patch: patch.setattr(
        "creditbot.sendgrid.client.read_patch_answer", fault
    ),
    "record": lambda _, patch: patch.setattr(attempts, "finish", later_fault),
}


@pytest.mark.parametrize("step", SENT)
async def test_where_something_was_sent_it_is_in_doubt_and_never_sent_again(
    bot: Bot, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(record, "MOST_RECORDINGS", 2)
    request = await bot.approved()
    with monkeypatch.context() as patch:
        SENT[step](bot, patch)
        await bot.jobs()["apply"](request.id)
        sandbox.account.send_mail("acme", 900)  # so that no balance proves anything
        await let_time_pass(bot)

    found = await bot.request(request.id)
    assert found.status is Status.IN_DOUBT
    assert len(patches(sandbox)) == 1
    assert (ASKER, "in_doubt", request.id) in bot.messenger.notices
    assert (ANN, "not_proven", request.id) in bot.messenger.notices
    settled = await bot.settlements.settle(request.id, BEN, applied=True, reason="The console shows it")
    assert settled.status is Status.APPLIED


async def test_an_answer_that_can_not_be_written_down_is_in_the_log(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "MOST_RECORDINGS", 2)
    request = await bot.approved()
    with monkeypatch.context() as patch, structlog.testing.capture_logs() as logs:
        patch.setattr(attempts, "finish", later_fault)
        await bot.jobs()["apply"](request.id)
    [noted] = [
        entry for entry in logs if str(entry["event"]).startswith("This process can't record an outcome")
    ]
    assert (noted["log_level"], noted["outcome"], noted["request_id"]) == ("error", "applied", request.id)
    assert noted["exc_info"]


async def test_what_can_not_be_checked_is_refused(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await bot.ask()
    monkeypatch.setattr(check, "check_change", fault)
    logs = await let_time_pass(bot)

    found = await bot.request(request.id)
    assert found.status is Status.REFUSED
    assert "creditbot could not check this request" in (found.explanation or "")
    assert bot.messenger.notices == [(ASKER, "refused", request.id)]
    assert errors(logs) == ONCE_AND_AT_THE_END


async def test_what_was_shown_and_can_not_be_checked_anew_can_be_decided(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, applied = await bot.checked(), await bot.approved(7)
    await bot.apply(applied.id)
    with monkeypatch.context() as patch:
        patch.setattr(check, "check_change", fault)
        logs = await let_time_pass(bot)
    assert errors(logs) == ONCE_AND_AT_THE_END
    assert await bot.status(waiting.id) is Status.PENDING
    await bot.decisions.approve(waiting.id, ANN)
    await bot.work("apply")
    assert await bot.status(waiting.id) is Status.APPLIED


async def test_a_doubt_that_can_not_be_judged_is_put_to_those_who_may_settle_it(
    bot: Bot, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await bot.approved()
    sandbox.faults.add("drop_after")
    await bot.apply(request.id)
    with monkeypatch.context() as patch:
        patch.setattr(settle, "conclude", fault)
        logs = await let_time_pass(bot)

    found = await bot.request(request.id)
    assert found.status is Status.IN_DOUBT
    assert "someone has to look in SendGrid" in (found.explanation or "")
    asked = {person for person, kind, _ in bot.messenger.notices if kind == "not_proven"}
    assert asked == {ANN, CHANNEL}
    assert errors(logs) == ONCE_AND_AT_THE_END
    # Once that is mended, a person may have it read again, and that settles it.
    await bot.settlements.check_again(request.id, ANN)
    await bot.work()
    assert await bot.status(request.id) is Status.APPLIED


async def test_what_can_not_expire_in_the_usual_way_expires(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await bot.checked()
    monkeypatch.setattr(expire, "has_expired", fault)
    bot.clock.advance(hours=24)
    logs = await let_time_pass(bot)
    assert await bot.status(request.id) is Status.EXPIRED
    assert errors(logs) == ONCE_AND_AT_THE_END


async def test_who_can_not_be_reminded_is_not_and_the_request_goes_on(
    start: StartBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = start(Policy.one_tier([ANN]))
    request = await bot.checked()
    async with bot.database.write() as transaction:
        await transaction.connection.execute(update(tables.requests).values(remind_at=bot.clock()))
    monkeypatch.setattr(remind, "look", fault)
    logs = await let_time_pass(bot)
    assert errors(logs) == ONCE_AND_AT_THE_END
    assert [wake_up for wake_up in await bot.due() if wake_up.work.name == "remind"] == []
    await bot.decisions.approve(request.id, ANN)
    await bot.work()
    assert await bot.status(request.id) is Status.APPLIED


async def test_a_comparison_that_fails_is_told_and_the_next_one_comes(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await activate_policy(bot.database, bot.policy, bot.clock)
    async with bot.database.read() as connection:
        due_at = await timers.planned(connection, schedule.COMPARISON)
    assert due_at is not None
    bot.clock.now = due_at
    monkeypatch.setattr(poll, "storable", fault)
    logs = await let_time_pass(bot)

    assert errors(logs) == ONCE_AND_AT_THE_END
    assert told_missing(bot) == [DRIFT]
    async with bot.database.read() as connection:
        assert await timers.planned(connection, schedule.COMPARISON) == due_at + timedelta(days=1)


def told_missing(bot: Bot) -> list[str]:
    """The daily messages of which the channel was told that they are missing."""
    found = [one for to, one in bot.messenger.daily if isinstance(one, Undone) and to == CHANNEL]
    for one in found:
        assert "An internal error kept coming back" in undone.undone(one).text
    return [one.kind for one in found]


async def test_a_digest_that_can_not_be_written_is_told_and_the_next_one_tells_of_both_days(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await activate_policy(bot.database, bot.policy, bot.clock)
    bot.clock.advance(hours=21)
    await bot.work("digest", "daily")
    bot.messenger.daily.clear()
    await bot.checked()
    async with bot.database.read() as connection:
        due_at = await timers.planned(connection, schedule.DIGEST)
    assert due_at is not None
    bot.clock.now = due_at
    with monkeypatch.context() as patch:
        patch.setattr(summary, "digest", later_fault)
        logs = await let_time_pass(bot)
    assert errors(logs) == ONCE_AND_AT_THE_END
    assert told_missing(bot) == [DIGEST]
    assert await bot.due_daily() == []

    bot.clock.now = due_at + timedelta(days=1)
    await bot.work("digest", "daily")
    [found] = [one for _, one in bot.messenger.daily if isinstance(one, Digest)]
    assert found.asked == 1


async def test_what_can_not_even_be_told_to_be_missing_is_told_once_that_is_mended(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await activate_policy(bot.database, bot.policy, bot.clock)
    bot.clock.advance(hours=21)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "put", later_fault)
        logs = await let_time_pass(bot)
    assert ("It could not even be given up; trying again later", True) in errors(logs)
    assert bot.messenger.daily == []
    bot.clock.advance(hours=1)
    await let_time_pass(bot)
    assert told_missing(bot) == [DIGEST]


class Killed(BaseException):
    """What ends a process, and passes all that expects errors."""


async def test_a_process_that_dies_of_a_job_has_counted_it_and_so_have_the_others(
    start: StartBot, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MOST_RUNS", MOST_RUNS)
    bots = [start(), start()]
    request = await bots[0].approved()
    deaths = 0

    async def dies(_: int) -> None:
        nonlocal deaths
        deaths += 1
        raise Killed

    with structlog.testing.capture_logs() as logs:
        for turn in range(MOST_RUNS + 1):
            bot = bots[turn % 2]  # neither knows anything but what is in the tables
            with suppress(Killed):
                await bot.jobs(apply=dies)["apply"](request.id)
            assert ids(await bot.due(), "apply") == []  # it is too early for the next one
            bot.clock.advance(seconds=1.2 * 2 ** (turn + 1))

    assert deaths == MOST_RUNS
    assert await bot.status(request.id) is Status.CANCELLED
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [ONCE_AND_AT_THE_END[1][0]]
    assert patches(sandbox) == []


async def test_progress_begins_the_count_anew(bot: Bot, sandbox: SendGridSandbox) -> None:
    """A request may wait for its turn, or for SendGrid, as often as it has to."""
    ahead, request = await bot.approved(1), await bot.approved(2)
    sandbox.faults.add("drop_before")
    await bot.apply(ahead.id)
    for _ in range(3 * MOST_RUNS):
        bot.clock.advance(seconds=31)
        await bot.jobs()["apply"](request.id)
    async with bot.database.read() as connection:
        outline = await requests.outline(connection, request.id)
    assert outline is not None
    assert (outline.status, outline.runs) == (Status.APPROVED, 0)


def test_the_waits_grow_and_are_never_the_same() -> None:
    waits = [pause(runs).total_seconds() for runs in range(1, 20)]
    assert 1.6 <= waits[0] <= 2.4
    assert all(later > earlier for earlier, later in pairwise(waits[:10]))
    assert max(waits) <= 1.2 * backoff.LONGEST_PAUSE
    assert pause(5) != pause(5)
    assert 300 < sum(waits[: MOST_RUNS - 1]) < 700


UNREADABLE = 2**60
"""Milliseconds: no date that Python knows."""


@asynccontextmanager
async def poisoned(bot: Bot, request: CreditRequest) -> AsyncIterator[None]:
    """A value in the request's row that can't be read; afterwards it is what it was."""

    async def put(value: int) -> None:
        async with bot.database.write() as transaction:
            statement = text("UPDATE requests SET requested_at = :value WHERE id = :id")
            await transaction.connection.execute(statement, {"value": value, "id": request.id})

    await put(UNREADABLE)
    yield
    await put(round(request.requested_at.timestamp() * 1000))


async def test_a_row_that_can_not_be_read_ends_and_keeps_no_other_waiting(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    pending = await bot.ask()
    approved = await bot.approved()
    applying = await bot.applying(subuser="other")
    sound = await bot.approved(5)
    async with poisoned(bot, pending), poisoned(bot, approved), poisoned(bot, applying):
        jobs = bot.jobs("check", "apply", "settle", "expire", "remind")
        for wake_up in await bot.due():
            if wake_up.work.name in jobs:
                await jobs[wake_up.work.name](wake_up.key)
        assert await bot.status(sound.id) is Status.APPLIED
        for _ in range(FEW):
            bot.clock.advance(minutes=1)
            for wake_up in await bot.due():
                if wake_up.work.name in jobs:
                    await jobs[wake_up.work.name](wake_up.key)

    states = [await bot.status(request.id) for request in (pending, approved, applying)]
    assert states == [Status.REFUSED, Status.CANCELLED, Status.FAILED]
    assert [call.username for call in patches(sandbox)] == ["acme"]
    await bot.work("notices")
    assert {kind for person, kind, _ in bot.messenger.notices if person == ASKER} >= {
        "refused",
        "cancelled",
        "failed",
    }


async def test_a_runner_brings_it_to_an_end(
    bot: Bot, clock: Clock, sandbox: SendGridSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded one and Procrastinate's alike; meanwhile others go on."""
    request, other = await bot.approved(), await bot.approved(subuser="other")

    async def read(sendgrid: Any, subuser: str) -> Any:
        return await (later_fault() if subuser == "acme" else read_credits(sendgrid, subuser))

    monkeypatch.setattr(look_before, "read_credits", read)

    async def ended() -> bool:
        clock.advance(seconds=1)
        return await bot.status(request.id) is Status.FAILED

    with structlog.testing.capture_logs() as logs:
        async with running(runner_of(bot)):
            await until(ended)
    assert errors([dict(entry) for entry in logs]) == ONCE_AND_AT_THE_END
    assert await bot.status(other.id) is Status.APPLIED
    assert [call.username for call in patches(sandbox)] == ["other"]


async def test_what_can_not_even_be_ended_is_tried_ever_more_seldom(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await bot.approved()
    with monkeypatch.context() as patch:
        patch.setattr(requests, "under_way", later_fault)
        patch.setattr(requests, "outline", later_fault)
        job = bot.jobs()["apply"]
        with structlog.testing.capture_logs() as logs:
            for _ in range(60):
                await job(request.id)
                bot.clock.advance(minutes=4)
    ends = [entry for entry in logs if entry["event"].startswith("It could not even be given up")]
    assert 6 < len(ends) < 14
    bot.clock.advance(hours=2)
    await let_time_pass(bot)
    assert await bot.status(request.id) is Status.CANCELLED


async def test_only_what_is_older_than_the_process_is_counted_before_it_begins(bot: Bot) -> None:
    """That may be what the process before has died of. Of what came since, only what goes wrong is."""
    found: list[int] = []

    async def note_and_fail(key: int) -> NoReturn:
        found.append(await runs_of(key))
        raise ValueError("nobody foresaw this")

    async def runs_of(key: int) -> int:
        async with bot.database.read() as connection:
            return int(await connection.scalar(select(tables.requests.c.runs).filter_by(id=key)) or 0)

    job = bot.jobs(check=note_and_fail)["check"]
    old = await bot.ask()
    for subuser in (None, "other"):
        request = await bot.ask(subuser=subuser) if subuser else old
        for _ in range(FEW):
            await job(request.id)
            bot.clock.advance(minutes=1)

    assert found == [1, 2, 3, 0, 1, 2]
    assert await bot.status(old.id) is Status.REFUSED
    assert await bot.status(old.id + 1) is Status.REFUSED


async def test_what_has_gone_wrong_just_now_waits_also_where_a_run_is_not_counted_first(bot: Bot) -> None:
    begun: list[int] = []

    async def fail(key: int) -> NoReturn:
        begun.append(key)
        raise ValueError("nobody foresaw this")

    job = bot.jobs(check=fail)["check"]
    await job((await bot.ask()).id)
    request = await bot.ask(subuser="other")
    await job(request.id)
    await job(request.id)
    assert begun == [request.id - 1, request.id]
