"""Nothing that is done often looks at all of a table that grows: see `plans.py`."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select

from creditbot.domain import schedule
from creditbot.domain.errors import Refusal
from creditbot.domain.paging import History, Pending, Section, Turn
from creditbot.domain.policy import Limits, Reminders
from creditbot.domain.questions import Question
from creditbot.domain.requests import Status
from creditbot.domain.who import Actor
from creditbot.elapsed import boottime
from creditbot.operations import Delivery, activate_policy, give_tokens, move_cards
from creditbot.probes import Probes
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import deliveries, lists, timers
from creditbot.store.lists import Wanted
from creditbot.store.tables import timers as planned
from tests.authority import Role
from tests.bench import seeding
from tests.postgres import PostgresServer

from .adapters import ANN, ASKER, BEN, CHANNEL, POLICY, Bot, Clock, database_url
from .plans import Plans, watched
from .states import brought_to

REQUESTS = 3000
"""So many that by the statistics an index is the better way, wherever there is one."""

FILL_DELIVERIES = "INSERT INTO deliveries SELECT 'delivery ' || n, n FROM generate_series(1, 3000) n"
FILL_QUESTIONS = (
    "INSERT INTO questions (token, origin, person, subuser, allocation_update, reason, same_as, at) "
    "SELECT 'token ' || n, 'origin ' || n, 'U1', 'acme', 5, 'x', 1, n FROM generate_series(1, 3000) n"
)

CAPPED = replace(
    POLICY,
    limits=Limits(per_requester_24h=10**7, per_subuser_24h=10**7, in_all_24h=10**8),
    reminders=Reminders(after=(timedelta(hours=1),)),
    digest=time(9),
    drift=time(9),
)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seeded") / "seeded.db"
    seeding.seed(path, asyncio.run(seeding.template()), REQUESTS, recent=100)
    return path


@pytest.fixture(scope="module")
def of_postgres(seeded: Path, postgres: PostgresServer) -> str:
    """The same there, with statistics."""
    name = postgres.create_migrated()
    seeding.to_postgres(seeded, postgres, name)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        # Small as it is, it would rather read some tables from end to end, and large ones by an index.
        connection.execute(sql.SQL("ALTER DATABASE {} SET enable_seqscan = off").format(sql.Identifier(name)))
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute(FILL_DELIVERIES)
        connection.execute(FILL_QUESTIONS)
        connection.execute("ANALYZE")
    return name


@pytest.fixture(params=["sqlite", "sqlite with statistics", "postgresql"])
async def long_record(
    request: pytest.FixtureRequest, seeded: Path, tmp_path: Path, sandbox: SendGridSandbox
) -> AsyncIterator[Bot]:
    """A bot whose record is long, now."""
    if request.param != "postgresql":
        path = Path(shutil.copy(seeded, tmp_path))
        if request.param == "sqlite with statistics":  # someone may have run ANALYZE
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("ANALYZE")
        url = database_url(path)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.driver_url(request.getfixturevalue("of_postgres"))
    clock = Clock()
    # Else what is planned for now may be due in half a millisecond, and nothing would be done.
    clock.now = datetime.now(UTC).replace(microsecond=0)
    bot = Bot(url, sandbox, clock, policy=CAPPED)
    yield bot
    await bot.close()


async def from_asking_to_the_end(bot: Bot) -> None:
    request = await bot.ask(5, "acme")
    for job in ("check", "cards", "notices"):
        await bot.work(job)
    await bot.decisions.approve(request.id, ANN)
    await bot.work()
    assert await bot.status(request.id) is Status.APPLIED


async def every_other_end(bot: Bot) -> None:
    denied, cancelled, expired = [await bot.checked(amount, "acme") for amount in (11, 12, 13)]
    await bot.decisions.deny(denied.id, BEN, "not now")
    await bot.decisions.cancel(cancelled.id, ASKER)
    bot.clock.advance(hours=30)
    await bot.work()
    assert await bot.status(expired.id) is Status.EXPIRED
    bot.clock.advance(hours=-30)


async def a_reminder(bot: Bot) -> None:
    request = await bot.checked(14, "acme")
    bot.clock.advance(hours=2)
    await bot.work()
    assert (ANN, "reminder_60m", request.id) in bot.messenger.notices
    bot.clock.advance(hours=-2)


async def a_doubt_and_its_end(bot: Bot) -> None:
    """Settled by the balance, by a person, and asked for again."""
    request = await brought_to(bot.database, Status.IN_DOUBT, Role(ANN), bot.clock())
    for _ in range(2):
        bot.clock.advance(minutes=10)
        await bot.settle(request.id)
    await bot.settlements.settle(request.id, ANN, applied=False, reason="looked at it")
    await bot.ask_again(request.id)
    await bot.work("check", "cards", "notices")


async def clicks(bot: Bot) -> None:
    """Refused, on a message of which nobody knew, and taken back."""
    request = await bot.checked(15, "acme")
    with pytest.raises(Refusal):
        await bot.decisions.approve(request.id, ASKER, Delivery("click", boottime()))
    await bot.seen_in(request.id, CHANNEL, "99.000100")
    await bot.work("cards")


async def the_sweep(bot: Bot) -> None:
    await bot.due()


async def pending(bot: Bot) -> None:
    await bot.checked(7, "acme")
    found = await bot.queries.pending(Pending(), Actor(BEN))
    turn = Turn(True, found.page.entries[0][0], found.page.entries[0][1].id)
    await bot.queries.pending(Pending(turn), Actor(BEN))


async def history(bot: Bot) -> None:
    for subuser in (None, "customer-7"):
        page = await bot.queries.history(History(subuser))
        assert page.total >= REQUESTS // seeding.SUBUSERS
        for onward, id_ in ((True, page.entries[-1][1].id), (False, page.entries[2][1].id)):
            await bot.queries.history(History(subuser, Turn(onward, Section.ALL, id_)))


async def show(bot: Bot) -> None:
    await bot.queries.show(REQUESTS // 2, Actor(ANN))


async def the_probes(bot: Bot) -> None:
    probes = Probes(bot.database, [])
    assert (await probes.ready())[0] == 200
    assert (await probes.metrics())[0] == 200


async def the_digest(bot: Bot) -> None:
    for _ in range(2):  # the first one ever, and the one that follows it
        await bot.digest(await planned_now(bot, schedule.DIGEST))


async def the_comparison(bot: Bot) -> None:
    await bot.compare(await planned_now(bot, schedule.COMPARISON))


async def planned_now(bot: Bot, name: str) -> int:
    bot.clock.advance(seconds=1)
    async with bot.database.write() as transaction:
        await timers.plan(transaction, name, bot.clock())
    async with bot.database.read() as connection:
        mine = planned.c.name == name
        return int((await connection.execute(select(planned.c.id).where(mine))).scalar_one())


async def a_start(bot: Bot) -> None:
    """With another policy, and another channel."""
    await bot.checked(8, "acme")
    await give_tokens(bot.database, bot.clock)
    await activate_policy(bot.database, replace(CAPPED, expiry=timedelta(hours=2)), bot.clock)
    await move_cards(bot.database, CAPPED, "C0OTHER", bot.clock)
    await bot.work("cards")
    await move_cards(bot.database, CAPPED, CHANNEL, bot.clock)
    await bot.work("cards")


async def a_listing(bot: Bot) -> None:
    async with bot.database.read() as connection:
        for wanted in (lists.EVERY, Wanted(frozenset({Status.PENDING})), Wanted(subuser="customer-7")):
            for after in (None, 10):
                await lists.page(connection, 20, after=after, wanted=wanted)


async def the_same_again(bot: Bot) -> None:
    await bot.ask(9, "acme")
    question = await bot.try_to_ask(9, "acme")
    assert isinstance(question, Question)
    await bot.ask_anyway(question)


async def a_delivery(bot: Bot) -> None:
    async with bot.database.write() as transaction:
        await deliveries.came_before(transaction, "a click", bot.clock())


DONE_OFTEN: list[Callable[[Bot], Awaitable[None]]] = [
    from_asking_to_the_end,
    every_other_end,
    a_reminder,
    a_doubt_and_its_end,
    clicks,
    the_sweep,
    pending,
    history,
    show,
    the_probes,
    the_digest,
    the_comparison,
    a_start,
    a_listing,
    the_same_again,
    a_delivery,
]


@pytest.mark.parametrize("what", DONE_OFTEN, ids=lambda what: what.__name__)
async def test_no_statement_looks_at_all_of_a_table_that_grows(
    long_record: Bot, what: Callable[[Bot], Awaitable[None]]
) -> None:
    with watched() as plans:
        await what(long_record)
    assert plans.statements
    assert not plans.faults, told(plans)


def told(plans: Plans) -> str:
    return "\n\n".join(f"{statement}\n{fault}" for statement, fault in plans.faults.items())
