"""HTTP as bytes on a socket, for what no HTTP client would send."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

Headers = list[tuple[bytes, bytes]]

SLACKS = b"POST /slack/events HTTP/1.1"


def head(headers: Headers, first: bytes = SLACKS) -> bytes:
    """The request line and the headers, as they are given."""
    lines = [first, b"Host: bot.example", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def request(body: bytes, headers: Headers, first: bytes = SLACKS) -> bytes:
    """A whole request whose length is told as it should be."""
    return head([*headers, (b"Content-Length", b"%d" % len(body))], first) + body


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    closes: bool


class Connection:
    """One TCP connection to a bot."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def close(self) -> None:
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def exchange(self, pieces: Iterable[bytes], answers: int) -> list[Answer]:
        """Send, and read that many answers meanwhile; fewer if the other side closes."""
        sending = asyncio.create_task(self.send(pieces))
        found: list[Answer] = []
        while len(found) < answers and (answer := await self.answer()):
            found.append(answer)
            if answer.closes:
                break
        await sending
        return found

    async def send(self, pieces: Iterable[bytes]) -> None:
        """The other side may close at any byte; what it said before is there to be read."""
        with suppress(OSError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()

    async def hang_up(self) -> list[Answer]:
        """Send nothing more, and read all that there is."""
        with suppress(OSError):
            self._writer.write_eof()
        found = []
        while answer := await self.answer():
            found.append(answer)
        return found

    async def answer(self) -> Answer | None:
        """The next answer but `100 Continue`; None if the connection is closed instead."""
        try:
            while True:
                found = await self._answer()
                if found is None or found.status >= 200:
                    return found
        except (OSError, asyncio.IncompleteReadError):
            return None

    async def _answer(self) -> Answer | None:
        first = await self._reader.readline()
        if not first:
            return None
        words = first.split(b" ")
        assert words[0] == b"HTTP/1.1", f"no answer, or none that was asked for: {first[:200]!r}"
        headers: dict[bytes, bytes] = {}
        while line := (await self._reader.readline()).strip():
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        body = await self._reader.readexactly(int(headers.get(b"content-length", b"0")))
        return Answer(int(words[1]), body, headers.get(b"connection", b"").lower() == b"close")
