"""What a host's monitoring asks: is it alive, is it ready, and how much is there to do."""

from sqlalchemy.exc import SQLAlchemyError

from creditbot.domain.errors import WrongLedgerKey
from creditbot.slack.connection import SocketConnection
from creditbot.store import events, health
from creditbot.store.database import Database


class Probes:
    """Each answers a status and a text."""

    def __init__(self, database: Database, socket: SocketConnection | None) -> None:
        self._database = database
        self._socket = socket

    async def alive(self) -> tuple[int, str]:
        return 200, "alive\n"

    async def ready(self) -> tuple[int, str]:
        """Ready when the database answers, the ledger can be written to and any Socket Mode is connected."""
        try:
            async with self._database.read() as connection:
                await health.counts(connection)
                await events.check_key(connection)
        except (SQLAlchemyError, OSError):
            return 503, "the database does not answer\n"
        except WrongLedgerKey:
            return 503, "the ledger can't be written to with CREDITBOT_LEDGER_KEY as it is\n"
        if self._socket is not None and not await self._socket.is_open():
            return 503, "the Socket Mode connection is not open\n"
        return 200, "ready\n"

    async def metrics(self) -> tuple[int, str]:
        """Prometheus' text format."""
        try:
            async with self._database.read() as connection:
                counts = await health.counts(connection)
        except (SQLAlchemyError, OSError):
            return 503, "the database does not answer\n"
        lines = ["# HELP creditbot_requests Requests by status.", "# TYPE creditbot_requests gauge"]
        lines += [f'creditbot_requests{{status="{status}"}} {number}' for status, number in counts.items()]
        return 200, "\n".join(lines) + "\n"
