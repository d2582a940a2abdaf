"""A damaged row of what is shown in Slack, or a time or figure that makes no sense, stops nothing else and
comes to an end, in words.

A restore may have damaged it, or another version have written it. These bots are not held to the ledger.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import create_engine

from creditbot.domain.changes import Change
from creditbot.domain.digest import Digest
from creditbot.domain.errors import Refusal, UnreadableRequest
from creditbot.domain.evidence import Reading
from creditbot.domain.paging import History
from creditbot.domain.policy import Limits, Policy, Reminders, Usage
from creditbot.domain.reminders import NO_CARD, UNTOLD
from creditbot.domain.requests import Status
from creditbot.domain.undone import Undone
from creditbot.jobs.messenger import DeliveryProblem, Fault
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import attempts, changes, requests
from creditbot.store.engines import is_postgres
from tests.extent import sample

from .adapters import ANN, ASKER, CHANNEL, POLICY, Bot, Clock, patches
from .conftest import StartBot, on_sqlite

LATE = "253402300799000"
"""The last second of the year 9999, in milliseconds."""

NO_TIME = "1152921504606846976"

MOST = "2147483647"

ON_BOTH_TO_TRY = [
    f"next_try_at = {LATE}",
    f"next_try_at = {NO_TIME}",
    f"failing_since = {LATE}",
    f"tries = {MOST}",
]
ON_BOTH_CARD = [
    *ON_BOTH_TO_TRY,
    f"shown_version = {MOST}",
    "shown_version = -1",
    f"wanted_version = {MOST}",
    "wanted_version = -1",
    "shown_version = 900",
    f"posts = {MOST}",
]
ON_SQLITE_TO_TRY = [
    "next_try_at = 'garbage'",
    "next_try_at = X'00'",
    "tries = 'x'",
    "failing_since = 'garbage'",
    "failing_since = 1.5",
    "tries = X'00'",
]
ON_SQLITE_CARD = [
    *ON_SQLITE_TO_TRY,
    "posts = 'x'",
    "shown_version = 'newest'",
    "wanted_version = 'newest'",
    "wanted_version = X'00'",
    "shown_version = X'00'",
    "moved_at = 'garbage'",
    "ts = X'00'",
    "ts = CAST(X'666fff' AS TEXT)",
]
ON_SQLITE_NOTICE = [
    *ON_SQLITE_TO_TRY,
    "created_at = 'yesterday'",
    "created_at = X'00'",
    "wanted_version = 'x'",
    "shown_version = -1",
    "turn_at = 'x'",
]
WITHOUT = ["posts = NULL", "wanted_version = NULL", "shown_version = NULL", "tries = NULL"]
"""What the tables themselves refuse, as long as they are as they were laid."""


@pytest.fixture
async def start(url: str, sandbox: SendGridSandbox, clock: Clock) -> AsyncIterator[StartBot]:
    bots: list[Bot] = []

    def start_one(policy: Policy = POLICY) -> Bot:
        bots.append(Bot(url, sandbox, clock, policy=policy))
        return bots[-1]

    yield start_one
    for bot in bots:
        await bot.close()


@pytest.fixture
async def bot(start: StartBot) -> Bot:
    return start()


def damage(bot: Bot, table: str, assignment: str, where: str) -> None:
    """Put something into a row that its columns are not for."""
    engine = create_engine(bot.url)
    with engine.begin() as connection:
        column, _, value = assignment.partition(" = ")
        if value == "NULL" and is_postgres(bot.url):
            connection.exec_driver_sql(f"ALTER TABLE {table} ALTER {column} DROP NOT NULL")
        elif value == "NULL":
            connection.exec_driver_sql("PRAGMA writable_schema = ON")
            connection.exec_driver_sql(
                "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = ?", (table,)
            )
            connection.exec_driver_sql("PRAGMA writable_schema = RESET")
        found = connection.exec_driver_sql(f"UPDATE {table} SET {assignment} WHERE {where}")  # noqa: S608 - all is ours
        assert found.rowcount == 1
    engine.dispose()


async def run(bot: Bot, *, step: int = 1, **while_: float) -> list[str]:
    """Do for so long whatever is due, as a runner does it; return the errors that were logged."""
    end, jobs = bot.clock.now + timedelta(**while_), bot.jobs()
    with structlog.testing.capture_logs() as logs:
        while bot.clock.now < end:
            for _ in range(20):
                due = await bot.due()
                for wake_up in due:
                    await jobs[wake_up.work.name](wake_up.key)
                if not due:
                    break
            bot.clock.advance(minutes=step)
    return [entry["event"] for entry in logs if entry["log_level"] == "error"]


def cases(on_both: list[str], only_sqlite: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("empty_database", "damaged"),
        [(on, one) for one in sample(on_both, 2) for on in ("sqlite", "postgresql")]
        + [("sqlite", one) for one in sample(only_sqlite, 3)],
        indirect=["empty_database"],
    )


@cases([*ON_BOTH_CARD, *WITHOUT], ON_SQLITE_CARD)
async def test_a_card_whose_row_is_damaged_is_drawn_all_the_same(bot: Bot, damaged: str) -> None:
    bad, sound = await bot.checked(), await bot.checked(5, "other")
    await run(bot, minutes=2)
    await bot.decisions.deny(bad.id, ANN, "no")
    await bot.decisions.deny(sound.id, ANN, "no")
    damage(bot, "outbox", damaged, f"request_id = {bad.id} AND kind = 'card'")

    await run(bot, minutes=3)

    shown = {request.id: request.status for request in bot.messenger.shown.values()}
    assert shown == {bad.id: Status.DENIED, sound.id: Status.DENIED}
    [card] = await bot.cards_of(bad.id)
    assert (card["shown_version"], card["tries"], card["next_try_at"]) == (
        (await bot.request(bad.id)).version,
        0,
        None,
    )
    assert await bot.due() == []


@cases(ON_BOTH_TO_TRY, ON_SQLITE_NOTICE)
async def test_a_notice_whose_row_is_damaged_is_sent_all_the_same(bot: Bot, damaged: str) -> None:
    bad, sound = await bot.checked(), await bot.checked(5, "other")
    await bot.decisions.deny(bad.id, ANN, "no")
    await bot.decisions.deny(sound.id, ANN, "no")
    damage(bot, "outbox", damaged, f"request_id = {bad.id} AND kind <> 'card'")

    await run(bot, minutes=3)

    assert sorted(bot.messenger.notices) == [(ASKER, "denied", bad.id), (ASKER, "denied", sound.id)]
    assert await bot.due() == []


@cases(
    [
        f"next_try_at = {LATE}",
        f"next_try_at = {NO_TIME}",
        f"tries = {MOST}",
        f"runs = {MOST}",
        f"run_after = {LATE}",
        f"due_at = {LATE}",
    ],
    [
        "next_try_at = 'garbage'",
        "next_try_at = X'00'",
        "tries = 'x'",
        "tries = X'00'",
        "due_at = 'soon'",
        "runs = 'x'",
        "run_after = 'garbage'",
    ],
)
async def test_a_daily_message_whose_timer_is_damaged_is_posted_all_the_same(
    bot: Bot, clock: Clock, damaged: str
) -> None:
    await activate_policy(bot.database, POLICY, clock)
    clock.advance(hours=21)
    damage(bot, "timers", damaged, "name = 'digest'")

    await run(bot, minutes=30)

    assert [type(told) for _, told in bot.messenger.daily] == [Digest]
    clock.advance(hours=24)
    await run(bot, minutes=30)
    assert [type(told) for _, told in bot.messenger.daily] == [Digest, Digest]
    await activate_policy(bot.database, POLICY, clock)
    assert await bot.due() == []


@cases(ON_BOTH_TO_TRY, [*ON_SQLITE_NOTICE, "content = '{'", "content = X'00'", "content = '[]'"])
async def test_a_daily_message_whose_row_is_damaged_is_posted_or_told_to_be_missing(
    bot: Bot, clock: Clock, damaged: str
) -> None:
    await activate_policy(bot.database, POLICY, clock)
    clock.advance(hours=21)
    await bot.work("digest")
    damage(bot, "outbox", damaged, "kind = 'digest'")

    await run(bot, minutes=30)

    expected = Undone if damaged.startswith("content") else Digest
    assert [type(told) for _, told in bot.messenger.daily] == [expected]
    assert await bot.due() == []


@on_sqlite
@pytest.mark.parametrize("column", ["kind", "person", "channel"])
async def test_what_can_not_be_addressed_ends_and_others_are_told(bot: Bot, column: str) -> None:
    bad, sound = await bot.checked(), await bot.checked(5, "other")
    await bot.decisions.deny(bad.id, ANN, "no")
    await bot.decisions.deny(sound.id, ANN, "no")
    which = "=" if column == "channel" else "<>"
    damaged = "kind" if column == "kind" else "recipient"
    damage(bot, "outbox", f"{damaged} = X'00'", f"request_id = {bad.id} AND kind {which} 'card'")
    nobody = DeliveryProblem("channel_not_found", fault=Fault.CHANNEL, not_done=True)
    unheard_of = DeliveryProblem("KeyError: 'unknown-1'", fault=Fault.OURS, not_done=True)
    bot.messenger.unknown = {"kind": unheard_of}.get(column, nobody)

    errors = await run(bot, hours=80, step=120)

    assert "A row of the database was damaged; what could not be read in it was replaced" in errors
    assert any("will not be tried again" in error for error in errors)
    assert (ASKER, "denied", sound.id) in bot.messenger.notices
    expected = {"kind": {(CHANNEL, f"{UNTOLD}{ASKER}")}, "channel": {(ASKER, NO_CARD)}, "person": set()}
    told = {(person, kind) for person, kind, about in bot.messenger.notices if about == bad.id}
    assert expected[column] <= told
    assert await bot.due() == []


@on_sqlite
async def test_of_a_daily_message_that_is_none_people_are_told_and_the_next_one_comes(
    bot: Bot, clock: Clock
) -> None:
    await activate_policy(bot.database, POLICY, clock)
    clock.advance(hours=21)
    damage(bot, "timers", "name = X'00'", "name = 'digest'")
    await run(bot, minutes=30)
    assert [type(told) for _, told in bot.messenger.daily] == [Undone]
    clock.advance(hours=24)
    await run(bot, minutes=30)
    assert [type(told) for _, told in bot.messenger.daily] == [Undone, Digest]


async def test_a_notice_about_no_request_ends_in_the_log(bot: Bot) -> None:
    bad, sound = await bot.checked(), await bot.checked(5, "other")
    await bot.decisions.deny(bad.id, ANN, "no")
    await bot.decisions.deny(sound.id, ANN, "no")
    engine = create_engine(bot.url)
    with engine.begin() as connection:
        if is_postgres(bot.url):
            connection.exec_driver_sql("ALTER TABLE outbox DROP CONSTRAINT outbox_request_id_fkey")
        connection.exec_driver_sql(
            f"UPDATE outbox SET request_id = 999 WHERE request_id = {bad.id} AND kind <> 'card'"  # noqa: S608 - all is ours
        )
    engine.dispose()
    assert "A message can't be shown" in await run(bot, minutes=3)
    assert bot.messenger.notices == [(ASKER, "denied", sound.id)]
    assert await bot.due() == []


@on_sqlite
async def test_a_list_of_requests_leaves_out_where_a_damaged_card_is(bot: Bot) -> None:
    bad = await bot.checked()
    await bot.work("cards")
    damage(bot, "outbox", "ts = CAST(X'666fff' AS TEXT)", f"request_id = {bad.id}")
    assert dict((await bot.queries.history(History())).places) == {}


STATES = ("pending", "approved", "in doubt", "overtaken")
HELD = [
    (state, f"{column} = {value}")
    for state in STATES
    for column, value in (("next_try_at", LATE), ("run_after", LATE), ("tries", MOST))
]
HELD_ON_SQLITE = [
    (state, damaged)
    for state in STATES
    for damaged in ("next_try_at = 'garbage'", "run_after = X'00'", "tries = 'x'", "runs = 'x'")
]


@pytest.mark.parametrize(("state", "damaged"), sample(HELD, 4))
async def test_no_request_is_held_up_by_a_time_that_nobody_can_have_meant(
    bot: Bot, sandbox: SendGridSandbox, state: str, damaged: str
) -> None:
    await hold_up(bot, sandbox, state, damaged)


@on_sqlite
@pytest.mark.parametrize(("state", "damaged"), sample(HELD_ON_SQLITE, 4))
async def test_nor_by_what_is_no_time(bot: Bot, sandbox: SendGridSandbox, state: str, damaged: str) -> None:
    await hold_up(bot, sandbox, state, damaged)


async def hold_up(bot: Bot, sandbox: SendGridSandbox, state: str, damaged: str) -> None:
    """The request goes on, to an end that is right, within minutes."""
    match state:
        case "pending":
            request = await bot.ask()
        case "approved":
            request = await bot.approved()
        case "overtaken":
            request = await bot.checked()
            await bot.apply((await bot.approved(7)).id)
        case _:
            request = await bot.approved()
            sandbox.faults.add("drop_before")
            await bot.apply(request.id)
            sandbox.account.subusers[0].remain += 5
    damage(bot, "requests", damaged, f"id = {request.id}")
    errors = await run(bot, minutes=5)
    found = await bot.request(request.id)
    assert found.status is {"approved": Status.APPLIED, "in doubt": Status.APPLIED}.get(state, Status.PENDING)
    assert found.check is not None
    assert found.overtaken_by is None
    assert errors == []
    assert await bot.due() == []


async def test_a_reminder_that_is_planned_for_never_comes(start: StartBot) -> None:
    bot = start(replace(POLICY, reminders=Reminders(after=(timedelta(hours=1),))))
    request = await bot.checked()
    damage(bot, "requests", f"remind_at = {LATE}", f"id = {request.id}")
    await run(bot, minutes=70)
    assert (ANN, "reminder_60m", request.id) in bot.messenger.notices
    bot.clock.advance(hours=30)
    await run(bot, minutes=2)
    assert await bot.status(request.id) is Status.EXPIRED


async def test_a_second_reading_that_is_planned_for_never_is_the_first_of_two_again(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved(-250)
    sandbox.faults.add("drop_before")
    await bot.apply(request.id)
    await run(bot, minutes=2)
    assert (await bot.request(request.id)).read_again_at is not None
    damage(bot, "requests", f"read_again_at = {LATE}, next_try_at = {LATE}", f"id = {request.id}")
    calls = len(sandbox.calls)
    await run(bot, minutes=1)
    assert await bot.status(request.id) is Status.IN_DOUBT
    assert len(sandbox.calls) - calls == 1
    await run(bot, minutes=4)
    assert await bot.status(request.id) is Status.FAILED


async def test_an_attempt_that_is_under_way_for_ever_is_in_doubt_after_minutes(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.applying()
    async with bot.database.write() as transaction:
        before = Reading("nonrecurring", 1000, None)
        await attempts.start(
            transaction, request.id, 1, before, clock(), over_at=clock() + timedelta(days=9000)
        )
    await run(bot, minutes=4)
    assert await bot.status(request.id) is Status.IN_DOUBT
    assert patches(sandbox) == []


async def test_a_change_that_was_claimed_in_the_future_is_not_tried_for_ever(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.applying()
    damage(bot, "requests", f"claimed_at = {LATE}", f"id = {request.id}")
    sandbox.faults.add("rate_limit", method=None, times=1000, reset=1)
    await run(bot, minutes=20)
    assert await bot.status(request.id) is Status.FAILED


@pytest.mark.parametrize("absurd", ["9000000000000000000", "-9223372036854775808"])
async def test_figures_that_nobody_can_have_asked_for_keep_nobody_from_asking(
    start: StartBot, sandbox: SendGridSandbox, absurd: str
) -> None:
    caps = Limits(per_requester_24h=1000, per_subuser_24h=1000, in_all_24h=1000)
    bot = start(replace(POLICY, limits=caps))
    damaged = [await bot.approved(10 + more) for more in range(2)]
    sound = await bot.checked(300)
    for request in damaged:
        damage(bot, "requests", f"allocation_update = {absurd}", f"id = {request.id}")
    usage = await used(bot)
    assert usage == Usage(by_requester=300, of_subuser={"acme": 300}, in_all=300)
    another = await bot.ask(700)
    assert [other.id for other in another.beside] == [sound.id]
    with pytest.raises(Refusal, match="You have asked for 1,000"):
        await bot.ask(1)
    for request in damaged:
        with pytest.raises(UnreadableRequest, match="allocation_update"):
            await bot.request(request.id)
    await bot.decisions.approve(sound.id, ANN)
    await run(bot, minutes=15)
    assert [call.username for call in patches(sandbox)] == ["acme"]
    assert await bot.status(sound.id) is Status.APPLIED


async def used(bot: Bot) -> Usage:
    async with bot.database.read() as connection:
        limits, change = bot.policy.limits, Change("acme", 1)
        return await requests.usage(connection, limits, bot.clock.now, requested_by=ASKER, changes=[change])


async def test_nor_do_they_keep_the_digest_from_coming(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    await activate_policy(bot.database, POLICY, clock)
    ended = [await bot.approved(10 + more) for more in range(3)]
    for request in ended:
        await bot.apply(request.id)
    for request in ended[:2]:
        damage(bot, "requests", "allocation_update = 9000000000000000000", f"id = {request.id}")
    clock.advance(hours=21)
    await run(bot, minutes=2)
    [told] = [one for _, one in bot.messenger.daily if isinstance(one, Digest)]
    assert told.net == {"acme": 12}
    assert (told.asked, told.to_add) == (1, 12)
    async with bot.database.read() as connection:
        reckoned = await changes.since(connection, clock.now - timedelta(days=2))
    assert [change.allocation_update for change in reckoned["acme"]] == [12]
