"""What a host's monitoring asks: is it alive, is it ready, and how much is there to do."""

from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy.exc import SQLAlchemyError

from creditbot.domain.errors import NotAnswered, WrongLedgerKey
from creditbot.store import events, health
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Database

Probe = Callable[[], Awaitable[str | None]]
"""What is not as it must be for the process to do its work, in a few words."""


class Probes:
    """Each answers a status and a text."""

    def __init__(self, database: Database, probes: Iterable[Probe]) -> None:
        """`probes` are asked in their order, after the database's."""
        self._database = database
        self._probes = (self._database_trouble, *probes)

    async def alive(self) -> tuple[int, str]:
        return 200, "alive\n"

    async def ready(self) -> tuple[int, str]:
        """Ready when whatever is asked or decided here can be written down, and answered."""
        for probe in self._probes:
            if trouble := await probe():
                return 503, f"{trouble}\n"
        return 200, "ready\n"

    async def _database_trouble(self) -> str | None:
        try:
            return await self._database.read_for_person(_what_keeps_from_writing)
        except (NotAnswered, SQLAlchemyError, OSError):
            return "the database does not answer"
        except WrongLedgerKey:
            return "the ledger can't be written to with CREDITBOT_LEDGER_KEY as it is"

    async def metrics(self) -> tuple[int, str]:
        """Prometheus' text format."""
        try:
            counts = await self._database.read_for_person(health.counts)
        except (NotAnswered, SQLAlchemyError, OSError):
            return 503, "the database does not answer\n"
        lines = ["# HELP creditbot_requests Requests by status.", "# TYPE creditbot_requests gauge"]
        lines += [f'creditbot_requests{{status="{status}"}} {number}' for status, number in counts.items()]
        return 200, "\n".join(lines) + "\n"


async def _what_keeps_from_writing(connection: AsyncConnection) -> str | None:
    await health.has_tables(connection)
    await events.check_key(connection)
    if await health.is_read_only(connection):
        return "the database is read-only"
    if not await health.has_queue(connection):
        return "the job queue can't be reached"
    return None
