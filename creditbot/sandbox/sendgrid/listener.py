"""The listening socket, which can be shut for a while and opened again on the same port."""

import asyncio
import contextlib

from aiohttp import web

HOST = "127.0.0.1"


class ListeningSocket:
    """One task at most waits to open the socket again; it is woken, never cancelled.

    Cancelling it while it opens the socket would leave a socket behind that nobody closes.
    """

    def __init__(self, server: web.Server, port: int) -> None:
        self.port = port
        self._web_server = server
        self._socket: asyncio.Server | None = None
        self._shut_until = 0.0
        self._wake = asyncio.Event()
        self._reopening: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Listens; a port of 0 is replaced by the one that the system chose."""
        loop = asyncio.get_running_loop()
        self._socket = await loop.create_server(self._web_server, HOST, self.port)
        self.port = self._socket.sockets[0].getsockname()[1]

    def shut(self, seconds: float) -> None:
        """Refuses connections at once, and until `seconds` have passed or `reopen` is called."""
        loop = asyncio.get_running_loop()
        self._shut_until = loop.time() + seconds
        self._wake.set()
        self._close_socket()
        if self._reopening is None:
            self._reopening = loop.create_task(self._reopen_later())

    def reopen(self) -> None:
        """Ends a time of refusal early; new connections are accepted a moment later."""
        self._shut_until = 0.0
        self._wake.set()

    async def close(self) -> None:
        self._closed = True
        self.reopen()
        if self._reopening is not None:
            await self._reopening
        self._close_socket()

    async def _reopen_later(self) -> None:
        while self._socket is None and not self._closed:
            await self._wait_while_shut()
            if not self._closed:
                await self.open()
            if self._seconds_shut() > 0:
                self._close_socket()  # shut again while it was opening
        self._reopening = None

    async def _wait_while_shut(self) -> None:
        while (seconds := self._seconds_shut()) > 0:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    def _seconds_shut(self) -> float:
        return self._shut_until - asyncio.get_running_loop().time()

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
