"""The connection to SQL: short write transactions, reads beside them, and wake-ups tied to commits."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import exc

from creditbot.domain.chain import Keys
from creditbot.domain.errors import DomainError, MaybeTaken, NotAnswered, NotTaken
from creditbot.elapsed import boottime

from . import identity
from .connection import AsyncConnection
from .engines import open_engines
from .opened import CommitUnclear
from .writer import Transaction, Waker, Writer

__all__ = ["AWAY", "CommitUnclear", "Database", "Transaction", "Waker", "is_away", "looking_at"]

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds within which a person is shown what they look for, and what they ask or decide is written, or not
taken."""

GRACE = 0.3
"""Seconds after that until a person is answered whose decision waits for a database that says nothing."""

TURN_TIMEOUT = 1.6
"""Seconds that a person waits for this process's own writer; jobs wait as long as it takes."""

GIVE_WAY = 0.5
"""Seconds for which a job that could begin lets people go first."""

MOST_AT_ONCE = 1000
"""What is under way for people at once, also for those who were answered long ago: beyond that, nobody would
be answered in time."""

LEFT = 1.0
"""Seconds that work which nobody waits for any more gets to end when the process does."""

AWAY = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, OSError)
"""What is raised when a database is locked, restarting, silent, or has cut the connection."""


def is_away(error: Exception) -> bool:
    """Whether an error of AWAY says so. SQLite's driver raises the same where a statement itself is wrong."""
    code: int | None = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code != sqlite3.SQLITE_ERROR


class Database:
    """One writer at a time, on either database and over all processes, and readers beside it."""

    def __init__(
        self,
        url: str,
        waker: Waker | None = None,
        *,
        keys: Keys = (),
        elapsed: Callable[[], float] = boottime,
        looking: bool = False,
    ) -> None:
        """Who is only `looking` never writes, and may look where nothing can be written."""
        self._engines = open_engines(url, keys, looking=looking)
        # What the database said when a write found no room, or was forbidden; None once one went through.
        self.unwritable: str | None = None
        self._elapsed = elapsed
        self._writer = Writer(self._engines, elapsed, waker)
        self._for_people: set[asyncio.Task[Any]] = set()
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()

    @property
    def waker(self) -> Waker | None:
        """Who is told of the jobs that a transaction calls for."""
        return self._writer.waker

    @waker.setter
    def waker(self, waker: Waker | None) -> None:
        self._writer.waker = waker

    @asynccontextmanager
    async def write(
        self, patience: float | None = None, before_commit: Callable[[], None] | None = None
    ) -> AsyncIterator[Transaction]:
        """A transaction that holds the write lock from its start, and is committed at the end of the block.

        Those who wait meanwhile write in the same one, one after another; it is committed once for all of
        them. What the block raises undoes its own part.

        Who gives a `patience`, in seconds, goes before those who can wait for ever; TimeoutError is raised
        if this process's writer is not free by then. `before_commit` may raise, to let nothing be written.

        Raises:
            CommitUnclear: the connection was lost during the commit.
            TogetherLost: nothing was written, since another's part has ended the transaction.
        """
        try:
            async with self._writer.part(patience, before_commit) as transaction:
                yield transaction
        except exc.DBAPIError as error:
            self.unwritable = _no_room(error) or self.unwritable
            raise

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[Transaction]:
        """A transaction for leases and what is shown: without the write lock, where the database can do that.

        For one conditional UPDATE that means to be right whoever else writes, and calls for no job. No event
        is written in it, and nothing that what is decided depends on.

        Raises:
            CommitUnclear: the connection was lost during the commit.
        """
        try:
            async with self._writer.aside() as transaction:
                yield transaction
        except exc.DBAPIError as error:
            self.unwritable = _no_room(error) or self.unwritable
            raise

    async def for_person(
        self, work: Callable[[Transaction], Awaitable[T]], started: float | None = None
    ) -> T:
        """`write` for someone who waits: an answer within PATIENCE and a little, whatever the database does.

        `started` is the `boottime()` at which the person's request arrived. What a person saw
        fail must not happen later, so the clock is read once more right before the commit.

        Raises:
            NotTaken: nothing was written, and nothing will be.
            MaybeTaken: the database went away, or fell silent, during the commit.
        """
        started = self._elapsed() if started is None else started
        committing = asyncio.Event()

        def before_commit() -> None:
            if self._elapsed() - started > PATIENCE:
                raise NotTaken
            committing.set()

        async def written() -> T:
            try:
                async with self.write(TURN_TIMEOUT, before_commit) as transaction:
                    return await work(transaction)
            except CommitUnclear as error:
                raise MaybeTaken from error
            except AWAY as error:
                if not is_away(error):
                    raise
                raise NotTaken from error

        def too_late() -> DomainError:
            return MaybeTaken() if committing.is_set() else NotTaken()

        return await self._by(started + PATIENCE + GRACE, written, too_late)

    async def read_for_person(
        self, work: Callable[[AsyncConnection], Awaitable[T]], started: float | None = None
    ) -> T:
        """`read` for someone who waits: an answer within PATIENCE, counted as for `for_person`.

        Raises:
            NotAnswered: the database did not answer, or not in time.
        """
        started = self._elapsed() if started is None else started

        async def looked_up() -> T:
            try:
                async with self.read() as connection:
                    return await work(connection)
            except AWAY as error:
                if not is_away(error):
                    raise
                raise NotAnswered from error

        return await self._by(started + PATIENCE, looked_up, NotAnswered)

    async def people_first(self) -> None:
        """Wait until nobody does for an answer, or for GIVE_WAY: jobs can wait, and people are told no."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_WAY):
                await self._nobody_waits.wait()

    async def _by(
        self,
        deadline: float,
        work: Callable[[], Coroutine[Any, Any, T]],
        too_late: Callable[[], DomainError],
    ) -> T:
        """Do `work`, but answer by the deadline: then, whatever comes of it, its result is nobody's."""
        if len(self._for_people) >= MOST_AT_ONCE:
            raise too_late()
        task = asyncio.create_task(work())
        # A driver that waits for a silent server can't be called back, so it is left to itself.
        self._for_people.add(task)
        self._nobody_waits.clear()
        task.add_done_callback(self._forget)
        done, _ = await asyncio.wait({task}, timeout=deadline - self._elapsed())
        if not done:
            raise too_late()
        return task.result()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._for_people.discard(task)
        if not self._for_people:
            self._nobody_waits.set()
        if not task.cancelled():
            task.exception()  # whoever waited has been told

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view of what has been committed."""
        opened = await self._engines.read()
        try:
            yield opened.connection
        finally:
            await opened.end()

    async def close(self) -> None:
        """Let go of all connections; what was left to itself gets a moment to give its own back."""
        if left := self._for_people | self._writer.committing:
            await asyncio.wait(left, timeout=LEFT)
        await self._engines.close()


@asynccontextmanager
async def looking_at(url: str, keys: Keys = ()) -> AsyncIterator[Database]:
    """A database with our tables, to be read; it may be a copy that can't be written to.

    Raises:
        UnfitDatabase: it has none, or none of this version.
    """
    database = Database(url, keys=keys, looking=True)
    try:
        async with database.read() as connection:
            identity.check(await connection.run_sync(identity.version_of))
        yield database
    finally:
        await database.close()


NO_ROOM = ("is full", "readonly", "disk I/O error")
"""What SQLite says of a disk on which it can't write."""

NO_ROOM_STATES = frozenset({"53100", "25006"})
"""What PostgreSQL calls a full disk, and a server that may only be read.

postgresql.org/docs/current/errcodes-appendix.html
"""


def _no_room(error: exc.DBAPIError) -> str | None:
    """The first line of what the database said, if it has no room, or lets nobody write."""
    said = str(error.orig)
    by_its_state = getattr(error.orig, "sqlstate", None) in NO_ROOM_STATES
    return said.splitlines()[0] if by_its_state or any(word in said for word in NO_ROOM) else None
