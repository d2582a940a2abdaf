"""What follows from the requests is kept in step with them by the database, whoever writes."""

import asyncio

from sqlalchemy import create_engine, func, select, text

from creditbot.domain.requests import Status
from creditbot.migrate import migrate
from creditbot.store import events, health
from creditbot.store.engines import is_postgres
from creditbot.store.in_step import SQLITE, TRIGGERS
from creditbot.store.tables import outbox, request_counts, requests

from .adapters import ANN, ASKER, Bot
from .ledger_rows import all_events


async def counted(bot: Bot) -> dict[tuple[str, str], int]:
    async with bot.database.read() as connection:
        rows = await connection.execute(select(request_counts).where(request_counts.c.number != 0))
        return {(row.subuser_key, row.status): row.number for row in rows}


async def counted_anew(bot: Bot) -> dict[tuple[str, str], int]:
    key = requests.c.subuser_key, requests.c.status
    async with bot.database.read() as connection:
        rows = await connection.execute(select(*key, func.count().label("number")).group_by(*key))
        return {(row.subuser_key, row.status): row.number for row in rows}


async def wanted(bot: Bot, request_id: int) -> list[int]:
    async with bot.database.read() as connection:
        query = select(outbox.c.wanted_version).where(outbox.c.request_id == request_id).order_by(outbox.c.id)
        return list((await connection.execute(query)).scalars())


def by_hand(bot: Bot, *statements: str) -> None:
    """As an earlier version of creditbot would write, or a person."""
    engine = create_engine(bot.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def without_triggers(bot: Bot) -> None:
    if is_postgres(bot.url):
        of = {name: "outbox" if name == "cards_begin" else "requests" for name in TRIGGERS}
        by_hand(bot, *(f"DROP TRIGGER {name} ON {table}" for name, table in of.items()))
    else:
        by_hand(bot, *(f"DROP TRIGGER {name}" for name in SQLITE))


async def test_the_requests_of_each_subuser_are_counted_by_state_through_all_that_befalls_them(
    bot: Bot,
) -> None:
    applied = await bot.approved(250, "acme")
    await bot.work()
    cancelled = await bot.checked(5, "other")
    await bot.decisions.cancel(cancelled.id, ASKER)
    await bot.ask(7, "ACME")

    assert await bot.status(applied.id) is Status.APPLIED
    assert await counted(bot) == {
        ("acme", "applied"): 1, ("acme", "pending"): 1, ("other", "cancelled"): 1,
    }  # fmt: skip
    assert await counted(bot) == await counted_anew(bot)
    async with bot.database.read() as connection:
        assert await health.counts(connection) == {"applied": 1, "pending": 1, "cancelled": 1}


async def test_a_card_is_behind_as_soon_as_there_is_something_to_show(bot: Bot) -> None:
    request = await bot.ask(250)
    assert await wanted(bot, request.id) == [0]
    assert await bot.due_cards() == []

    await bot.check(request.id)
    assert await wanted(bot, request.id) == [(await bot.request(request.id)).version]
    assert await bot.due_cards() == [request.id]

    await bot.work()
    assert await bot.due_cards() == []


async def test_a_change_by_an_earlier_version_is_drawn_too(bot: Bot) -> None:
    request = await bot.checked(250)
    await bot.work()

    by_hand(bot, "UPDATE requests SET version = version + 1")

    assert await bot.due_cards() == [request.id]


async def test_a_message_that_joins_later_is_held_to_the_present_version(bot: Bot) -> None:
    request = await bot.checked(250)
    await bot.work()

    await bot.seen_in(request.id, "C0APPROVALS", "99.000100")

    assert set(await wanted(bot, request.id)) == {(await bot.request(request.id)).version}


async def test_triggers_that_were_taken_away_are_laid_again_and_what_they_missed_is_made_good(
    bot: Bot,
) -> None:
    request = await bot.checked(250)
    await bot.work()
    without_triggers(bot)
    await bot.decisions.approve(request.id, ANN)
    assert await counted(bot) != await counted_anew(bot)

    await asyncio.to_thread(migrate, bot.url)

    assert await counted(bot) == await counted_anew(bot)
    assert await bot.due_cards() == [request.id]


async def test_the_last_event_before_a_moment_is_found_by_halves(bot: Bot) -> None:
    async with bot.database.read() as connection:
        assert await events.last_before(connection, bot.clock()) == 0
    await bot.checked(250)
    half = bot.clock()
    bot.clock.advance(minutes=5)
    await bot.checked(260)
    async with bot.database.read() as connection:
        chain = await all_events(connection)
        for moment in (half, bot.clock(), bot.clock.now.replace(year=2030)):
            before = [row["id"] for row in chain if row["at"] < moment.timestamp() * 1000]
            assert await events.last_before(connection, moment) == max(before, default=0)
