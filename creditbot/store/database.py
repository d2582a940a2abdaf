"""The connection to SQL: short write transactions, reads beside them, and wake-ups tied to commits."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Engine, event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from creditbot.domain.errors import NotTaken

PATIENCE = 2.0
"""Seconds within which a person's request or decision must be written, or is not taken."""

BUSY_TIMEOUT = 1.2
"""Seconds to wait for SQLite's write lock while another process holds it."""

TURN_TIMEOUT = 1.6
"""Seconds that a person waits for this process's own writer; jobs wait as long as it takes."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A hint that a job has something to do; the tables say what."""

    job: str
    key: int


class Waker(Protocol):
    """What a runner offers to transactions: a job deferred here runs after the commit, or never."""

    async def defer(self, connection: AsyncConnection, wake_ups: list[WakeUp]) -> None:
        """Called inside the transaction, just before its commit."""

    def committed(self, wake_ups: list[WakeUp]) -> None:
        """Called right after the commit."""


@dataclass(slots=True)
class Transaction:
    """A write transaction and the jobs to wake when it commits."""

    connection: AsyncConnection
    wake_ups: list[WakeUp] = field(default_factory=list)

    def wake(self, job: str, key: int) -> None:
        self.wake_ups.append(WakeUp(job, key))


class Database:
    """One writer (SQLite has one anyway) and a few readers, which WAL lets read beside it."""

    def __init__(self, url: str, waker: Waker | None = None) -> None:
        self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE", pool_size=1)
        self._reader = _sqlite_engine(url, "BEGIN", pool_size=2)
        self._turn = asyncio.Lock()
        self._hurried = 0
        self._nobody_hurries = asyncio.Event()
        self._nobody_hurries.set()
        self.waker = waker

    @asynccontextmanager
    async def write(self, patience: float | None = None) -> AsyncIterator[Transaction]:
        """A transaction that holds the write lock from its start, and commits at the end of the block.

        Who gives a `patience`, in seconds, goes before those who can wait for ever; TimeoutError is raised
        if this process's writer is not free by then.
        """
        await self._take_turn(patience)
        try:
            async with self._writer.begin() as connection:
                transaction = Transaction(connection)
                yield transaction
                if self.waker is not None:
                    await self.waker.defer(connection, transaction.wake_ups)
        finally:
            self._turn.release()
        if self.waker is not None:
            self.waker.committed(transaction.wake_ups)

    async def _take_turn(self, patience: float | None) -> None:
        if patience is None:
            await self._turn_when_nobody_hurries()
            return
        self._hurried += 1
        self._nobody_hurries.clear()
        try:
            async with asyncio.timeout(patience):
                await self._turn.acquire()
        finally:
            self._hurried -= 1
            if self._hurried == 0:
                self._nobody_hurries.set()

    async def _turn_when_nobody_hurries(self) -> None:
        while True:
            await self._nobody_hurries.wait()
            await self._turn.acquire()
            if self._nobody_hurries.is_set():
                return
            self._turn.release()

    @asynccontextmanager
    async def write_for_person(self, started: float | None = None) -> AsyncIterator[Transaction]:
        """`write` for someone who waits: raises NotTaken, with nothing written, if it takes too long.

        `started` is the `time.monotonic()` at which the person's request arrived. What a person saw
        fail must not happen later, so the clock is read once more right before the commit.
        """
        started = time.monotonic() if started is None else started
        try:
            async with self.write(TURN_TIMEOUT) as transaction:
                yield transaction
                if time.monotonic() - started > PATIENCE:
                    raise NotTaken
        except (TimeoutError, exc.TimeoutError, exc.OperationalError) as error:
            raise NotTaken from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view of what has been committed."""
        async with self._reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()


def _sqlite_engine(url: str, begin: str, *, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url, max_overflow=0, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=pool_size
    )
    prepare_sqlite(engine.sync_engine, begin)
    return engine


def prepare_sqlite(engine: Engine, begin: str) -> None:
    """Take transactions into our own hands, and make commits last; `migrate` has switched WAL on.

    The driver's own way starts a transaction at the first write, so that two which both read before
    they write lose one of the writes or fail as locked; BEGIN IMMEDIATE does neither.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)
