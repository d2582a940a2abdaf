"""A load balancer as a host puts one before several processes: each in turn, and past those that are down."""

import asyncio
from itertools import cycle
from typing import Self

from creditbot.sandbox.bot import free_port


class Balancer:
    """Forwards each connection to one of `ports`; use it as an async context manager."""

    def __init__(self, ports: list[int]) -> None:
        self.port = free_port()
        self._turns = cycle(ports)
        self._ports = len(ports)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind_reader, behind_writer = await self._open()
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The next process that takes a connection."""
        for _ in range(self._ports - 1):
            try:
                return await asyncio.open_connection("127.0.0.1", next(self._turns))
            except OSError:
                continue
        return await asyncio.open_connection("127.0.0.1", next(self._turns))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side has died: the other is to see an end too
    finally:
        writer.close()
