"""One clock for all processes, the database server's: leases and deadlines mean the same everywhere."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import func, select

from creditbot.elapsed import boottime

from .database import AWAY, Database

EVERY = 20.0
"""Seconds between two comparisons with the server; crystals drift less than a millisecond meanwhile."""

SLOW = 2.0
"""Seconds after which an answer says too little: the server is busy, or this machine has slept meanwhile."""

log = structlog.get_logger(__name__)


class ServerClock:
    """The server's time, read now and then and counted on by a clock that nobody can set back."""

    def __init__(self, database: Database, elapsed: Callable[[], float] = boottime) -> None:
        self._database = database
        self._elapsed = elapsed
        self._ahead = timedelta(seconds=time.time() - elapsed())

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self._elapsed(), UTC) + self._ahead

    async def compare(self) -> None:
        """Read the server's time, which is right to half the time that reading it took."""
        async with self._database.read() as connection:
            await connection.execute(select(1))  # connects, so that this is not measured
            before = self._elapsed()
            there: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            took = self._elapsed() - before
        if took > SLOW:
            log.warning("The server's time was read too slowly to be used; going on", seconds=round(took, 1))
            return
        self._ahead = there.astimezone(UTC) - datetime.fromtimestamp(before + took / 2, UTC)

    async def try_compare(self) -> None:
        """While the server is away, the last comparison holds."""
        try:
            await self.compare()
        except AWAY as error:
            log.warning("The server's time could not be read; going on", error=str(error).splitlines()[0])

    async def keep(self) -> None:
        """Compare every now and then, for ever."""
        while True:
            await asyncio.sleep(EVERY)
            await self.try_compare()
