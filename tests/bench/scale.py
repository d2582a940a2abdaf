"""Rows about a long record: what is done with a million requests, beside the same with a thousand."""

import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import select

from creditbot.domain import schedule
from creditbot.domain.changes import Change
from creditbot.domain.paging import History, Pending
from creditbot.domain.policy import Limits
from creditbot.domain.requests import CreditRequest
from creditbot.domain.who import Actor
from creditbot.probes import Probes
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.store import requests, timers
from creditbot.store.tables import timers as planned
from tests.integration.adapters import ANN, ASKER, BEN, Bot, Clock, database_url

from . import seeding
from .figures import Figure, milliseconds
from .size import Size
from .stage import NAMES, Kind, postgres

MOST = 1.5

COMPARED = 20
"""Subusers that SendGrid tells of, so that it is not SendGrid that is measured."""

_origins = count(1)


@dataclass
class Record:
    """A bot on a database, in this process: what is asked of it goes all the way to SQL."""

    bot: Bot
    requests: int
    pending: list[CreditRequest] = field(default_factory=list)

    async def ask(self) -> None:
        number = next(_origins)
        self.pending.append(await self.bot.ask(5, f"customer-{number % 7}", origin=f"bench {number}"))

    async def check_one(self) -> None:
        """Have a request that can be decided."""
        request = await self.bot.checked(5, "customer-0")
        self.pending.append(request)

    async def approve(self) -> None:
        await self.bot.decisions.approve(self.pending[-1].id, ANN)

    async def pending_list(self) -> None:
        await self.bot.queries.pending(Pending(), Actor(BEN))

    async def history(self) -> None:
        await self.bot.queries.history(History())

    async def history_of_one(self) -> None:
        await self.bot.queries.history(History("customer-7"))

    async def show(self) -> None:
        await self.bot.queries.show(self.requests // 2, Actor(ANN))

    async def caps(self) -> None:
        limits, now = Limits(in_all_24h=1), self.bot.clock()
        async with self.bot.database.read() as connection:
            changes = [Change("customer-7", 1)]
            await requests.usage(connection, limits, now, requested_by=ASKER, changes=changes)

    async def due(self) -> None:
        await self.bot.due()

    async def ready(self) -> None:
        status, said = await Probes(self.bot.database, []).ready()
        assert status == 200, said

    async def plan_digest(self) -> None:
        self.bot.clock.advance(seconds=1)
        await self._plan(schedule.DIGEST)

    async def digest(self) -> None:
        await self.bot.digest(await self._planned(schedule.DIGEST))

    async def plan_comparison(self) -> None:
        self.bot.clock.advance(seconds=1)
        await self._plan(schedule.COMPARISON)

    async def comparison(self) -> None:
        await self.bot.compare(await self._planned(schedule.COMPARISON))

    async def _plan(self, name: str) -> None:
        async with self.bot.database.write() as transaction:
            await timers.plan(transaction, name, self.bot.clock())

    async def _planned(self, name: str) -> int:
        mine = planned.c.name == name
        async with self.bot.database.read() as connection:
            return int((await connection.execute(select(planned.c.id).where(mine))).scalar_one())


Act = Callable[[Record], Awaitable[None]]


async def nothing(_: Record) -> None:
    pass


ACTS: dict[str, tuple[Act, Act]] = {
    "asking": (nothing, Record.ask),
    "deciding": (Record.check_one, Record.approve),
    "pending": (nothing, Record.pending_list),
    "history": (nothing, Record.history),
    "history of a subuser": (nothing, Record.history_of_one),
    "show": (nothing, Record.show),
    "rolling caps": (nothing, Record.caps),
    "the look at what is due": (nothing, Record.due),
    "/readyz": (nothing, Record.ready),
    "digest": (Record.plan_digest, Record.digest),
    "daily comparison": (Record.plan_comparison, Record.comparison),
}
"""Each with what has to be done before, which is not measured."""


async def scale(size: Size) -> list[Figure]:
    """What is done often, as its time with a long record to that with a short one."""
    few, many = 1000, size.of(20_000, 1_000_000)
    laid = await seeding.template()
    events = len(laid.events)
    found = [
        Figure(
            "a short record and a long one", "", f"{few:,} and {many:,} requests, with {events} events each"
        )
    ]
    with tempfile.TemporaryDirectory(prefix="creditbot-bench-") as folder:
        paths = [Path(folder) / f"{requests_}.db" for requests_ in (few, many)]
        for path, requests_ in zip(paths, (few, many), strict=True):
            seeding.seed(path, laid, requests_)
        for kind in NAMES:
            async with _records(kind, dict(zip((few, many), paths, strict=True))) as records:
                found += [await _compared(act, records, kind, size.of(9, 25)) for act in ACTS]
    return found


async def _compared(act: str, records: list[Record], kind: Kind, times: int) -> Figure:
    """The best of several, in turns."""
    prepare, do = ACTS[act]
    best = dict.fromkeys((record.requests for record in records), float("inf"))
    for number in range(times + 1):
        for record in records:
            await prepare(record)
            started = time.perf_counter()
            await do(record)
            if number:  # the first one warms up
                best[record.requests] = min(best[record.requests], time.perf_counter() - started)
    short, long = best.values()
    return Figure(
        act,
        f"at most {MOST} times with the short one",
        f"{long / short:.2f} times ({milliseconds(long)} to {milliseconds(short)})",
        long / short <= MOST,
        NAMES[kind],
    )


@asynccontextmanager
async def _records(kind: Kind, paths: dict[int, Path]) -> AsyncIterator[list[Record]]:
    async with AsyncExitStack() as stack:
        sendgrid = await stack.enter_async_context(SendGridSandbox())
        for number in range(COMPARED):
            sendgrid.account.add_subuser(Subuser(f"customer-{number}", "nonrecurring", remain=10**6))
        records = []
        for requests_, path in paths.items():
            url = database_url(path)
            if kind == "postgresql":
                name = postgres().create_migrated()
                stack.callback(postgres().drop, name)
                seeding.to_postgres(path, postgres(), name)
                url = postgres().driver_url(name)
            clock = Clock()
            # Else a timer that is set to now may be due in half a millisecond, and nothing would be done.
            clock.now = datetime.now(UTC).replace(microsecond=0)
            bot = Bot(url, sendgrid, clock)
            stack.push_async_callback(bot.close)
            records.append(Record(bot, requests_))
        yield records
