"""The runner for SQLite: a loop in this process that starts what is due."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from creditbot.domain.errors import WrongLedgerKey
from creditbot.store.connection import AsyncConnection
from creditbot.store.work import WakeUp, Work

from .faults import Faults

POLL = 1.0
"""Seconds between two looks at what is due, if nothing wakes the loop earlier."""

AT_ONCE = 25
"""Of each job, so that a SendGrid that hangs holds up no card and no notice."""

FINISH = 5.0
"""Seconds that running jobs get to finish when the process is asked to stop."""

Run = Callable[[int], Awaitable[None]]
"""Does one piece of work, by its key."""


class EmbeddedRunner:
    """Starts each due job once at a time in this process; after an unexpected error it waits, ever longer."""

    def __init__(self, jobs: Mapping[Work, Run], due: Callable[[], Awaitable[list[WakeUp]]]) -> None:
        self._jobs = jobs
        self._due = due
        self._wake = asyncio.Event()
        self._stopping = False
        self._useless: WrongLedgerKey | None = None
        self._running: dict[WakeUp, asyncio.Task[None]] = {}
        self._at_once: Counter[Work] = Counter()
        self._faults = Faults()
        # Jobs that ended since the present look at the tables began: it may have seen them before their end.
        self._ended_meanwhile: set[WakeUp] = set()

    async def defer(self, connection: AsyncConnection, wake_ups: list[WakeUp]) -> None:
        """Nothing to write: what is due is read from the tables."""

    def committed(self, wake_ups: list[WakeUp]) -> None:
        if wake_ups:
            self._wake.set()

    async def run(self) -> None:
        """Look, start, wait; until `stop`, or until a job finds that none can write anything down."""
        while not self._stopping:
            if self._useless is not None:
                raise self._useless
            self._wake.clear()
            self._ended_meanwhile.clear()
            try:
                for wake_up in await self._due():
                    self._start(wake_up)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look may do
                self._faults.failed("look at what is due", error)
            else:
                self._faults.succeeded("look at what is due")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._wake.wait()

    async def trouble(self) -> str | None:
        """Nothing but the database, which has a check of its own."""
        return None

    async def stop(self) -> None:
        """Start nothing more; let what runs finish, then cancel it, so that it records where it stood."""
        self._stopping = True
        self._wake.set()
        running = list(self._running.values())
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=FINISH)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.5)

    def _start(self, wake_up: WakeUp) -> None:
        if self._stopping or wake_up in self._running or self._at_once[wake_up.work] >= AT_ONCE:
            return
        if wake_up in self._ended_meanwhile:
            return
        if self._faults.must_wait(wake_up):
            return
        self._at_once[wake_up.work] += 1
        self._running[wake_up] = asyncio.create_task(self._run(wake_up), name=str(wake_up))

    async def _run(self, wake_up: WakeUp) -> None:
        try:
            await self._jobs[wake_up.work](wake_up.key)
            self._faults.succeeded(wake_up)
        except WrongLedgerKey as error:
            self._useless = error
        except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
            self._faults.failed(wake_up, error)
        finally:
            self._running.pop(wake_up, None)
            self._at_once[wake_up.work] -= 1
            self._ended_meanwhile.add(wake_up)
            # What could not start for want of room, or came meanwhile, is due still.
            self._wake.set()
