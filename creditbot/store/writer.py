"""One writer at a time; what several have to write at once is committed together.

A commit is on disk before anybody hears of it, which takes longer than all the statements before it. So those
who wait for their turn meanwhile have it in the transaction that is open, one after another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from . import events
from .connection import AsyncConnection
from .opened import CommitUnclear, Engines, Opened
from .turns import Turns
from .work import WakeUp, Work

MOST = 25
"""How many write in one transaction at most."""

LONGEST = 0.05
"""Seconds after which a transaction is committed, even if others wait: the first one waits for that, too."""


class TogetherLost(ConnectionError):
    """Nothing was written, because another's part of the transaction has ended it."""


class Waker(Protocol):
    """What a runner offers to transactions: a job deferred here runs after the commit, or never."""

    async def defer(self, connection: AsyncConnection, wake_ups: list[WakeUp]) -> None:
        """Called inside the transaction, just before its commit."""

    def committed(self, wake_ups: list[WakeUp]) -> None:
        """Called right after the commit."""


@dataclass(slots=True)
class Transaction:
    """One's part of a write transaction, and the jobs to wake when it commits."""

    connection: AsyncConnection
    wake_ups: list[WakeUp] = field(default_factory=list)

    def wake(self, work: Work, key: int) -> None:
        self.wake_ups.append(WakeUp(work, key))


@dataclass(slots=True)
class _Together:
    """A write transaction, and whoever waits for its commit."""

    opened: Opened
    since: float
    wake_ups: list[WakeUp] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    parts: int = 0

    def tell(self, error: BaseException | None) -> None:
        for one in self.waiting:
            if one.done():
                continue
            if error is None:
                one.set_result(None)
            else:
                one.set_exception(error)


class Writer:
    """Each part is written wholly, or not at all; nobody sees those of others that may still be undone."""

    def __init__(self, engines: Engines, elapsed: Callable[[], float], waker: Waker | None) -> None:
        self._engines = engines
        self._elapsed = elapsed
        self._turns = Turns(self._go_on)
        self._together: _Together | None = None
        self.committing: set[asyncio.Task[None]] = set()
        self.waker = waker

    @asynccontextmanager
    async def part(
        self, patience: float | None, before_commit: Callable[[], None] | None
    ) -> AsyncIterator[Transaction]:
        """`Database.write`."""
        await self._turns.take(patience)
        try:
            together = self._together = self._together or await self._begin()
        except BaseException:
            self._turns.give()
            raise
        together.parts += 1
        mark = f"part_{together.parts}" if together.waiting else None
        transaction = Transaction(together.opened.connection)
        try:
            if mark is not None:
                await transaction.connection.exec_driver_sql(f"SAVEPOINT {mark}")
            yield transaction
            if before_commit is not None:
                before_commit()
        except BaseException as error:
            await self._undo(together, mark, error)
            raise
        committed = asyncio.get_running_loop().create_future()
        together.waiting.append(committed)
        together.wake_ups += transaction.wake_ups
        self._go_on()
        await _to_its_end(committed)

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[Transaction]:
        """`Database.aside`."""
        if self._engines.aside is None:
            async with self.part(None, None) as transaction:
                yield transaction
            return
        opened = await self._engines.aside()
        try:
            yield Transaction(opened.connection)
            await _to_its_end(asyncio.ensure_future(opened.commit()))
        finally:
            await opened.end()

    async def _begin(self) -> _Together:
        together = _Together(await self._engines.write(), self._elapsed())
        events.forget_head(together.opened.connection)
        return together

    async def _undo(self, together: _Together, mark: str | None, error: BaseException) -> None:
        """Undo one's own part, and that of others only if it can't be helped."""
        if mark is not None and isinstance(error, Exception):
            try:
                await together.opened.connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {mark}")
            except Exception as lost:  # noqa: BLE001 - whatever it is, the others hear of it
                error = lost
            else:
                events.forget_head(together.opened.connection)
                self._go_on()
                return
        self._together = None
        ending = asyncio.ensure_future(self._end(together))
        together.tell(TogetherLost(f"another's part has ended the transaction: {error}"))
        await _to_its_end(ending)

    def _go_on(self) -> None:
        """Let the next one write in the same transaction, or commit it."""
        together = self._together
        if together is None:
            self._turns.give()
            return
        over = together.parts >= MOST or self._elapsed() - together.since > LONGEST
        if over or not self._turns.hand_over():
            task = asyncio.create_task(self._commit(together), name="commit")
            self.committing.add(task)
            task.add_done_callback(self.committing.discard)

    async def _commit(self, together: _Together) -> None:
        self._together = None
        try:
            if self.waker is not None:
                await self.waker.defer(together.opened.connection, together.wake_ups)
            await together.opened.commit()
        except BaseException as error:
            # Who is cancelled over a commit does not know whether it came through.
            together.tell(error if isinstance(error, Exception) else CommitUnclear("creditbot is stopping"))
            if not isinstance(error, Exception):
                raise
        else:
            if self.waker is not None:
                self.waker.committed(together.wake_ups)
            together.tell(None)
        finally:
            await self._end(together)

    async def _end(self, together: _Together) -> None:
        try:
            await together.opened.end()
        finally:
            self._turns.give()


async def _to_its_end(future: asyncio.Future[None]) -> None:
    """Wait for it; who is cancelled meanwhile hears it afterwards."""
    try:
        await asyncio.shield(future)
    except asyncio.CancelledError:
        await future
        raise
