"""A wire between the bot and PostgreSQL that can be cut at the worst of moments: during a commit."""

import asyncio
import shutil
import tempfile
from typing import Literal, Self

from sqlalchemy import make_url

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""A simple query on the wire: its kind, its length, its text."""

SOCKET = ".s.PGSQL.5432"

Cut = Literal["before", "after"]
"""Before the server hears of the commit, so that nothing is written; or after it has done it, so that
only the answer is lost."""


class Proxy:
    """Listens on a Unix socket and passes on what it hears; `url` is the address on this side of it."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        self._folder = tempfile.mkdtemp(prefix="creditbot-")
        self._server = f"{address.query['host']}/{SOCKET}"
        self.url = address.update_query_dict({"host": self._folder}).render_as_string(hide_password=False)
        self._cut_next: Cut | None = None
        self._wires: set[asyncio.Task[None]] = set()
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_unix_server(self._connected, f"{self._folder}/{SOCKET}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.cut_all()
        await asyncio.gather(*self._wires, return_exceptions=True)
        shutil.rmtree(self._folder)

    def cut_next_commit(self, moment: Cut) -> None:
        """Cut the connection over which the next COMMIT comes."""
        self._cut_next = moment

    def cut_all(self) -> None:
        """Cut every connection that there is; new ones can be made."""
        for wire in self._wires:
            wire.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = asyncio.ensure_future(self._wire(reader, writer))
        self._wires.add(wire)
        wire.add_done_callback(self._wires.discard)

    async def _wire(self, from_bot: asyncio.StreamReader, to_bot: asyncio.StreamWriter) -> None:
        """One connection, until either side or a cut ends it."""
        from_server, to_server = await asyncio.open_unix_connection(self._server)
        answer_is_lost = asyncio.Event()

        async def questions() -> None:
            while said := await from_bot.read(65536):
                moment = self._take(said)
                if moment == "before":
                    return
                if moment == "after":
                    answer_is_lost.set()
                to_server.write(said)
                await to_server.drain()

        async def answers() -> None:
            while said := await from_server.read(65536):
                if answer_is_lost.is_set():
                    return  # the server has committed: it would not answer earlier
                to_bot.write(said)
                await to_bot.drain()

        directions = [asyncio.ensure_future(questions()), asyncio.ensure_future(answers())]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            to_bot.transport.abort()
            to_server.transport.abort()
            await asyncio.gather(*directions, return_exceptions=True)

    def _take(self, said: bytes) -> Cut | None:
        """When to cut, if this is the commit to cut at."""
        if said != COMMIT or self._cut_next is None:
            return None
        moment, self._cut_next = self._cut_next, None
        self.cuts += 1
        return moment
