"""The one door for state, and what the database itself refuses."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import exc, make_url, select, update

from creditbot.domain.errors import NotTaken, Refusal
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, IllegalTransition, Status
from creditbot.elapsed import boottime
from creditbot.operations import Delivery
from creditbot.store import database, events, lists, requests, tables
from creditbot.store.work_on_requests import CHECK
from tests.recounting import recounted

from .adapters import ANN, ASKER, BEN, CAT, Bot, Clock, RecordingWaker, another_writer, wake_up
from .conftest import StartBot


async def move(bot: Bot, request: CreditRequest, to: Status) -> bool:
    async with bot.database.write() as transaction:
        return await requests.transition(transaction, request, to, kind=str(to), at=bot.clock())


async def test_of_two_who_read_the_same_state_the_second_loses_and_writes_nothing(bot: Bot) -> None:
    request = await bot.checked()
    assert await move(bot, request, Status.APPROVED)
    before = await bot.request(request.id), await bot.events(request.id), await bot.notices_of(request.id)

    assert not await move(bot, request, Status.DENIED)
    assert not await move(bot, request, Status.APPROVED)

    after = await bot.request(request.id), await bot.events(request.id), await bot.notices_of(request.id)
    assert after == before


async def test_a_way_that_the_rules_do_not_have_is_not_taken(bot: Bot) -> None:
    request = await bot.checked()

    with pytest.raises(IllegalTransition):
        await move(bot, request, Status.APPLIED)

    assert await bot.request(request.id) == request


async def test_the_change_its_event_and_its_notices_are_written_together_or_not_at_all(bot: Bot) -> None:
    request = await bot.checked()

    async def move_and_fail() -> None:
        async with bot.database.write() as transaction:
            assert await requests.transition(
                transaction, request, Status.APPROVED, kind="approved", at=bot.clock()
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await move_and_fail()

    assert await bot.status(request.id) is Status.PENDING
    assert await bot.kinds(request.id) == ["requested", "checked"]
    assert await bot.notices_of(request.id) == set()


async def test_the_database_lets_a_request_enter_each_state_once(bot: Bot) -> None:
    request = await bot.approved()

    with pytest.raises(exc.IntegrityError):
        async with bot.database.write() as transaction:
            await events.append(
                transaction.connection,
                "approved",
                at=bot.clock(),
                request_id=request.id,
                from_status=Status.PENDING,
                to_status=Status.APPROVED,
            )

    assert (await bot.kinds(request.id)).count("approved") == 1


@pytest.mark.parametrize("held_by", [Status.APPLYING, Status.IN_DOUBT])
async def test_the_database_lets_one_change_of_a_subuser_be_under_way(bot: Bot, held_by: Status) -> None:
    first = await bot.applying()
    if held_by is Status.IN_DOUBT:
        await move(bot, first, Status.IN_DOUBT)
    second, elsewhere = await bot.approved(), await bot.approved(subuser="other")

    with pytest.raises(exc.IntegrityError):
        await move(bot, second, Status.APPLYING)
    assert await move(bot, elsewhere, Status.APPLYING)

    assert await bot.status(second.id) is Status.APPROVED
    assert await bot.kinds(second.id) == ["requested", "checked", "approved"]


async def test_a_request_without_the_key_of_its_subuser_gets_it_before_it_is_sent(bot: Bot) -> None:
    """As an older creditbot leaves it, that still runs while the tables are new."""
    await bot.applying()
    second = await bot.approved()
    async with bot.database.write() as transaction:
        cleared = update(tables.requests).where(tables.requests.c.id == second.id).values(subuser_key="")
        await transaction.connection.execute(cleared)

    with pytest.raises(exc.IntegrityError):
        await move(bot, second, Status.APPLYING)

    assert await move(bot, second, Status.CANCELLED)


async def test_a_subuser_is_free_again_once_its_change_has_ended(bot: Bot) -> None:
    first = await bot.applying()
    second = await bot.approved()
    await move(bot, first, Status.APPLIED)

    assert await move(bot, second, Status.APPLYING)


async def test_the_same_origin_is_the_same_request_however_often_it_is_delivered(
    start: StartBot,
) -> None:
    bots = [start(), start()]

    found = await asyncio.gather(
        *(bots[turn % 2].ask(100 + turn, origin="trigger-redelivered") for turn in range(10))
    )

    assert len({request.id for request in found}) == 1
    assert len({request.allocation_update for request in found}) == 1
    async with bots[0].database.read() as connection:
        assert await lists.page(connection, 1000) == [found[0]]
    assert await bots[0].kinds(found[0].id) == ["requested"]
    assert len(await bots[0].cards_of(found[0].id)) == 1


REFUSED = {
    "UPDATE events SET actor = 'U0EVIL'": ["sqlite", "postgresql"],
    "DELETE FROM events": ["sqlite", "postgresql"],
    "DELETE FROM events WHERE id = 2": ["sqlite", "postgresql"],
    "INSERT INTO events SELECT * FROM events WHERE id = 1 ON CONFLICT (id) DO UPDATE SET actor = 'U0EVIL'": [
        "sqlite",
        "postgresql",
    ],
    **{
        f"REPLACE INTO events SELECT {values} FROM events ORDER BY id DESC LIMIT 1": ["sqlite"]  # noqa: S608 - texts of this test
        for values in (
            "id, request_id, at, kind, 'U0EVIL', from_status, to_status, detail, 'x', 'y'",
            "id + 1, NULL, at, kind, NULL, NULL, NULL, '{}', 'x', hash",
            "id + 1, NULL, at, kind, NULL, NULL, NULL, '{}', previous_hash, 'y'",
            "id + 1, request_id, at, kind, NULL, NULL, to_status, '{}', 'x', 'y'",
            "id + 2, NULL, at, kind, NULL, NULL, NULL, '{}', 'x', 'y'",
        )
    },
    "TRUNCATE events": ["postgresql"],
    "TRUNCATE requests CASCADE": ["postgresql"],
}


async def test_events_can_be_neither_changed_nor_deleted(bot: Bot) -> None:
    request = await bot.approved()
    before = await bot.events(request.id)

    for statement, databases in REFUSED.items():
        if make_url(bot.url).get_backend_name() not in databases:
            continue
        with pytest.raises(exc.DBAPIError, match="append-only"):
            async with bot.database.write() as transaction:
                await transaction.connection.exec_driver_sql(statement)
        with another_writer(bot.url) as other, pytest.raises(exc.DBAPIError, match="append-only"):
            other.exec_driver_sql(statement)

    assert await bot.events(request.id) == before


async def test_an_event_that_was_forged_past_the_triggers_breaks_the_chain(bot: Bot) -> None:
    await bot.approved()
    past_the_triggers = {
        "sqlite": "DROP TRIGGER events_refuse_update",
        "postgresql": "ALTER TABLE events DISABLE TRIGGER ALL",
    }

    with another_writer(bot.url) as forger:
        forger.exec_driver_sql(past_the_triggers[forger.dialect.name])
        forger.execute(update(tables.events).where(tables.events.c.id == 2).values(actor="U0EVIL"))
        rows = forger.execute(select(tables.events).order_by(tables.events.c.id)).mappings().all()

    found = recounted([dict(row) for row in rows])
    assert (found.count, found.broken_at) == (1, 2)


async def test_a_time_without_a_zone_is_refused(bot: Bot) -> None:
    request = await bot.ask()

    with pytest.raises((exc.StatementError, ValueError), match="time zone"):
        async with bot.database.write() as transaction:
            await requests.amend(
                transaction,
                request.id,
                "amended",
                at=bot.clock(),
                decided_at=datetime(2026, 1, 1),  # noqa: DTZ001 - what must be refused
            )

    assert await bot.request(request.id) == request


async def test_times_come_back_as_they_went_in(bot: Bot, clock: Clock) -> None:
    clock.now = datetime.fromisoformat("2026-03-29T02:30:00.123+01:00")

    request = await bot.ask()

    assert request.requested_at == clock.now
    assert request.requested_at.utcoffset() == timedelta(0)
    assert (await bot.events(request.id))[0]["at"] == 1774747800123


async def test_a_hundred_approvers_at_once_make_one_approval(start: StartBot) -> None:
    crowd = [f"U{number:03}" for number in range(100)]
    policy = Policy.one_tier(crowd)
    bots = [start(policy), start(policy)]
    request = await bots[0].checked()

    ends = await asyncio.gather(
        *(bots[turn % 2].decisions.approve(request.id, who) for turn, who in enumerate(crowd)),
        return_exceptions=True,
    )

    winners = [who for who, end in zip(crowd, ends, strict=True) if isinstance(end, CreditRequest)]
    losers = [end for end in ends if not isinstance(end, CreditRequest)]
    assert all(isinstance(end, Refusal | NotTaken) for end in losers), losers
    found = await bots[0].request(request.id)
    assert [found.decided_by] == winners
    assert [approval.approver for approval in found.approvals] == winners
    kinds = await bots[0].kinds(request.id)
    assert kinds.count("approved") == 1
    assert kinds.count("refused_click") == sum(isinstance(end, Refusal) for end in losers)


async def test_approvals_that_come_at_once_through_two_processes_are_all_counted(start: StartBot) -> None:
    crowd = [f"U{number:03}" for number in range(30)]
    policy = Policy.one_tier(crowd, len(crowd))
    bots = [start(policy), start(policy)]
    request = await bots[0].checked()

    async def approve(turn: int, who: str) -> None:
        while True:
            try:
                await bots[turn % 2].decisions.approve(request.id, who)
            except NotTaken:
                continue
            return

    await asyncio.gather(*(approve(turn, who) for turn, who in enumerate(crowd)))

    found = await bots[0].request(request.id)
    assert {approval.approver for approval in found.approvals} == set(crowd)
    assert len(found.approvals) == len(crowd)
    assert found.status is Status.APPROVED
    assert found.version == request.version + len(crowd)


@pytest.mark.people_wait
async def test_what_a_person_saw_fail_on_a_locked_database_does_not_happen_later(bot: Bot) -> None:
    request = await bot.checked()
    before = await bot.events(request.id)
    with another_writer(bot.url):
        ends = await asyncio.gather(
            *(bot.decisions.approve(request.id, who) for who in (ANN, BEN, CAT)),
            bot.decisions.cancel(request.id, ASKER),
            bot.ask(origin="trigger-while-locked"),
            return_exceptions=True,
        )

    assert [type(end) for end in ends] == [NotTaken] * 5
    assert (await bot.request(request.id), await bot.events(request.id)) == (request, before)
    async with bot.database.read() as connection:
        assert await lists.page(connection, 1000) == [request]
    assert (await bot.decisions.approve(request.id, ANN)).status is Status.APPROVED


async def test_reading_goes_on_while_another_process_writes(bot: Bot) -> None:
    request = await bot.checked()

    with another_writer(bot.url) as other:
        other.exec_driver_sql("UPDATE requests SET reason = 'not committed'")

        assert await bot.request(request.id) == request


async def test_nothing_is_committed_once_the_person_has_been_told_that_it_took_too_long(bot: Bot) -> None:
    request = await bot.checked()
    long_ago = boottime() - database.PATIENCE - 0.1

    with pytest.raises(NotTaken):
        await bot.decisions.approve(request.id, ANN, Delivery("click:1", long_ago))

    assert await bot.request(request.id) == request
    in_time = Delivery("click:1", boottime())
    assert (await bot.decisions.approve(request.id, ANN, in_time)).status is Status.APPROVED


async def test_a_writer_that_is_cancelled_gives_the_lock_back(bot: Bot) -> None:
    request = await bot.checked()
    inside = asyncio.Event()

    async def hold() -> None:
        async with bot.database.write() as transaction:
            await requests.amend(
                transaction, request.id, "amended", at=bot.clock(), explanation="never committed"
            )
            inside.set()
            await asyncio.Event().wait()

    for _ in range(5):
        inside.clear()
        holding = asyncio.create_task(hold())
        await inside.wait()
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding

    assert await bot.request(request.id) == request
    assert (await bot.decisions.approve(request.id, ANN)).status is Status.APPROVED


async def test_wake_ups_follow_the_commit_and_nothing_is_woken_by_a_rollback(bot: Bot) -> None:
    waker = bot.database.waker = RecordingWaker()

    request = await bot.ask()
    assert (waker.deferred, waker.heard) == ([wake_up("check", request.id)], [wake_up("check", request.id)])

    waker.heard.clear()

    async def wake_and_fail() -> None:
        async with bot.database.write() as transaction:
            transaction.wake(CHECK, request.id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await wake_and_fail()
    assert waker.heard == []


async def test_a_change_of_nothing_and_an_unknown_state_are_refused_by_the_database(bot: Bot) -> None:
    request = await bot.ask()

    for columns in ({"allocation_update": 0}, {"status": "almost"}):
        with pytest.raises(exc.IntegrityError):
            async with bot.database.write() as transaction:
                await requests.amend(transaction, request.id, "amended", at=bot.clock(), **columns)

    assert await bot.request(request.id) == request
