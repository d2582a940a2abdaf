"""An HTTP proxy on this machine, which knows where hosts of `.test` really are, and can fail in every way."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

import aiohttp.connector

TLS = Path(__file__).parent / "tls"
CERTIFICATE = TLS / "certificate.pem"

Failure = Literal["silent", "hang up"]
"""What else it may do instead of opening a tunnel but refuse with a status."""

Cut = Literal["before", "after"]
"""It dies with a request in hand: before it is passed on, or when its answer is there."""


def trust() -> None:
    """Have connections of this process take the certificate; for a new process, set `SSL_CERT_FILE`."""
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(CERTIFICATE)


@dataclass(frozen=True)
class Asked:
    """One connection, as it was asked for: `CONNECT` a host, or another method for plain HTTP.

    `host` is a name, or an address with its port; `status` is None where it gave no answer.
    """

    method: str
    host: str
    authorization: str | None
    status: int | None


class HttpProxy:
    """Use it as an async context manager; `login` (`name:password`) is asked for if there is one.

    What comes through a tunnel is passed on without TLS, which ends here.
    """

    def __init__(self, hosts: Mapping[str, int], login: str | None = None) -> None:
        """`hosts` are names and the ports of this machine where these hosts are."""
        self.hosts = dict(hosts)
        self.asked: list[Asked] = []
        self.refusing: dict[str, int | Failure] = {}
        self.cut: Cut | None = None
        self._login = login
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(CERTIFICATE, TLS / "key.pem")
        self._connections: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tunnels(self) -> list[str]:
        """The hosts to which it has opened tunnels."""
        return [each.host for each in self.asked if each.method == "CONNECT" and each.status == 200]

    def refused(self, host: str) -> int:
        """How often it would not let somebody through to this host."""
        return len([each for each in self.asked if each.host == host and each.status != 200])

    async def until(self, predicate: Callable[[], object]) -> None:
        """Wait until that holds, asking whenever somebody has asked for a connection."""
        async with asyncio.timeout(60):
            while not predicate():
                self._news.clear()
                await self._news.wait()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            yield
        finally:
            self._connections.discard(task)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Python 3.11 complains of a connection whose task ends as cancelled.
        with self._counted(), suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                await self._serve(reader, writer)
            finally:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        parsed = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host = parsed.netloc if parsed.hostname == "127.0.0.1" else parsed.hostname or ""
        authorization = headers.get("proxy-authorization")
        answer = self._answer(host, authorization)
        self.asked.append(Asked(method, host, authorization, answer if isinstance(answer, int) else None))
        self._news.set()
        if answer == "silent":
            await asyncio.Event().wait()
        if answer == "hang up":
            return
        if answer != 200:
            writer.write(f"HTTP/1.1 {answer} As it likes\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            reader, writer = await self._end_tls(writer)
            head = b""
        else:
            # One request a connection, as the host itself would get it.
            last = [] if "upgrade" in headers else ["Connection: close"]
            path = target.removeprefix(f"{parsed.scheme}://{parsed.netloc}")
            head = "\r\n".join([first.replace(target, path), *last, *rest]).encode("latin-1")
        await self._pass_on(host, head, reader, writer)

    async def _end_tls(
        self, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """What is inside the TLS that a client begins; Python 3.11's streams can't start it on this side."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport = await loop.start_tls(writer.transport, protocol, self._tls, server_side=True)
        assert transport is not None
        protocol.connection_made(transport)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    def _answer(self, host: str, authorization: str | None) -> int | Failure:
        if self._login is not None and authorization != f"Basic {b64encode(self._login.encode()).decode()}":
            return 407
        if host in self.refusing:
            return self.refusing[host]
        return 200 if host in self.hosts or host.startswith("127.0.0.1:") else 502

    async def _pass_on(
        self, host: str, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        port = self.hosts[host] if host in self.hosts else int(host.rpartition(":")[2])
        behind, to_host = await asyncio.open_connection("127.0.0.1", port)
        changes = False

        async def there() -> None:
            nonlocal changes
            data = head or await reader.read(65536)
            while data:
                changes = changes or data.startswith(b"PATCH ")
                if self.cut == "before" and changes:
                    return
                to_host.write(data)
                await to_host.drain()
                data = await reader.read(65536)

        async def back() -> None:
            while data := await behind.read(65536):
                if self.cut == "after" and changes:
                    return
                writer.write(data)
                await writer.drain()

        ways = [asyncio.create_task(there()), asyncio.create_task(back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            to_host.transport.abort()
            writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
