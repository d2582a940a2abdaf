"""What is kept only for a while goes in small steps, so that nobody waits for much to be deleted at once."""

from datetime import timedelta

from sqlalchemy import Table, func, insert, select

from creditbot.domain import schedule
from creditbot.domain.drift import Snapshot
from creditbot.domain.evidence import Reading
from creditbot.store import deliveries, outbox, paces, questions, snapshots, timers
from creditbot.store.paces import Pace
from creditbot.store.requests import creating
from creditbot.store.tables import CARD
from creditbot.store.tables import deliveries as deliveries_table
from creditbot.store.tables import outbox as outbox_table
from creditbot.store.tables import paces as paces_table
from creditbot.store.tables import questions as questions_table
from creditbot.store.tables import snapshots as snapshots_table

from .adapters import Bot


async def number(bot: Bot, table: Table) -> int:
    async with bot.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def test_deliveries_of_long_ago_become_fewer_with_each_new_one(bot: Bot) -> None:
    at = bot.clock() - timedelta(hours=2)
    async with bot.database.write() as transaction:
        old = [{"id": f"old {number}", "at": at} for number in range(50)]
        await transaction.connection.execute(insert(deliveries_table), old)

    for left in (50 - deliveries.FORGOTTEN + 1, 50 - 2 * deliveries.FORGOTTEN + 2, 3, 4):
        async with bot.database.write() as transaction:
            assert not await deliveries.came_before(transaction, f"new {left}", bot.clock())
        assert await number(bot, deliveries_table) == left


async def test_questions_that_nobody_can_answer_any_more_become_fewer_with_each_new_one(bot: Bot) -> None:
    same = await bot.ask(5)
    at = bot.clock() - timedelta(hours=2)
    async with bot.database.write() as transaction:
        old = [
            {
                "token": f"{number:032x}",
                "origin": f"old {number}",
                "person": "U0ASK",
                "subuser": "acme",
                "allocation_update": 5,
                "reason": "x",
                "same_as": same.id,
                "at": at,
            }
            for number in range(50)
        ]
        await transaction.connection.execute(insert(questions_table), old)

    await bot.try_to_ask(5)

    assert await number(bot, questions_table) == 50 - questions.FORGOTTEN + 1


async def test_notices_of_what_ended_long_ago_go_and_those_of_what_is_open_stay(bot: Bot) -> None:
    open_ = await bot.checked(7, "other")
    async with bot.database.write() as transaction:
        await outbox.tell(transaction, open_.id, "a reminder", "U0ANN", bot.clock())
    await bot.work("notices")
    ended = await bot.approved(250)
    await bot.work()
    assert await bot.notices_of(ended.id)

    bot.clock.advance(days=outbox.KEPT / timedelta(days=1) - 1)
    for number_ in range(creating.FORGETS_EVERY):
        await bot.ask(8 + number_)
    assert await bot.notices_of(ended.id)
    bot.clock.advance(days=2)
    for number_ in range(creating.FORGETS_EVERY):
        await bot.ask(20 + number_)

    assert await bot.notices_of(ended.id) == set()
    assert ("U0ANN", "a reminder") in await bot.notices_of(open_.id)


async def test_old_readings_go_some_at_a_time_and_those_of_the_future_at_once(bot: Bot) -> None:
    now, reading = bot.clock(), Reading("nonrecurring", 5, None)
    times = [now - timedelta(days=40)] * (snapshots.PAGE + 3) + [now] * 2 + [now + timedelta(days=1)] * 4
    async with bot.database.write() as transaction:
        await snapshots.add(transaction, [Snapshot("acme", at, reading) for at in times])

    for left in (3 + 2, 2, 2):
        async with bot.database.write() as transaction:
            await snapshots.forget(transaction, now - timedelta(days=35), now)
        assert await number(bot, snapshots_table) == left


async def test_digests_of_long_ago_go_with_new_requests(bot: Bot) -> None:
    async with bot.database.write() as transaction:
        await timers.plan(transaction, schedule.DIGEST, bot.clock())
    await bot.work("digest", "daily")
    assert await number(bot, outbox_table) == 1

    bot.clock.advance(days=outbox.KEPT / timedelta(days=1) + 1)
    for number_ in range(creating.FORGETS_EVERY):
        await bot.ask(8 + number_)

    async with bot.database.read() as connection:
        kinds = (await connection.execute(select(outbox_table.c.kind))).scalars().all()
    assert set(kinds) == {CARD}


async def test_lines_for_limits_that_nobody_uses_any_more_go_with_new_requests(bot: Bot) -> None:
    second = Pace(timedelta(seconds=1), burst=1)
    async with bot.database.write() as transaction:
        await paces.take(transaction, "chat.postMessage U0GONE", second, bot.clock())
    bot.clock.advance(days=2)
    for number_ in range(creating.FORGETS_EVERY):
        await bot.ask(8 + number_)
    assert await number(bot, paces_table) == 0
