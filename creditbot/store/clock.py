"""One clock for all processes, the database server's: leases and deadlines mean the same everywhere."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import func, select

from .database import AWAY, Database

EVERY = 20.0
"""Seconds between two comparisons with the server; crystals drift less than a millisecond meanwhile."""

log = structlog.get_logger(__name__)


class ServerClock:
    """The server's time, read now and then and counted on by a clock that nobody can set back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ahead = timedelta(seconds=time.time() - time.monotonic())

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(time.monotonic(), UTC) + self._ahead

    async def compare(self) -> None:
        """Read the server's time, which is right to half the time that reading it took."""
        async with self._database.read() as connection:
            await connection.execute(select(1))  # connects, so that this is not measured
            before = time.monotonic()
            there: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            middle = (before + time.monotonic()) / 2
        self._ahead = there.astimezone(UTC) - datetime.fromtimestamp(middle, UTC)

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
