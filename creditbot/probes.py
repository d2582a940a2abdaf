"""What a host's monitoring asks: is it alive, is it ready, and how much is there to do."""

from sqlalchemy.exc import SQLAlchemyError

from creditbot.slack.connection import SocketConnection
from creditbot.store import health
from creditbot.store.database import Database


class Probes:
    """Each answers a status and a text."""

    def __init__(self, database: Database, socket: SocketConnection | None) -> None:
        self._database = database
        self._socket = socket

    async def alive(self) -> tuple[int, str]:
        return 200, "alive\n"

    async def ready(self) -> tuple[int, str]:
        """Ready when the database answers and, in Socket Mode, the connection is open."""
        try:
            async with self._database.read() as connection:
                await health.counts(connection)
        except (SQLAlchemyError, OSError):
            return 503, "the database does not answer\n"
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
