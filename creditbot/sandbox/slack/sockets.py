"""Socket Mode: WebSocket connections of a bot, and the envelopes that travel over them.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import contextlib
import itertools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from .model import Json

MOST_CONNECTIONS = 10
MOST_ATTEMPTS = 3
"""An envelope whose connection dies before the ack goes out at most twice more."""
CONNECTION_SECONDS = 3600


class NotConnected(Exception):
    """No bot is connected."""


@dataclass(eq=False)
class Pending:
    """An envelope that nobody has acknowledged yet; `connection` is None while there is none to carry it."""

    envelope: Json
    answered: asyncio.Future[Json | None]
    connection: web.WebSocketResponse | None = None
    attempts: int = 0


@dataclass(eq=False)
class SocketHub:
    """The live connections, and what is under way on them."""

    app_id: str
    changed: Callable[[str, Any], None]
    connections: list[web.WebSocketResponse] = field(default_factory=list)
    _tickets: set[str] = field(default_factory=set)
    _pending: dict[str, Pending] = field(default_factory=dict)
    _turn: "itertools.count[int]" = field(default_factory=itertools.count)

    def new_ticket(self) -> str:
        """The right to connect once."""
        ticket = secrets.token_urlsafe(18)
        self._tickets.add(ticket)
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="unknown ticket")
        self._tickets.remove(ticket)
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await self._send(connection, {"type": "disconnect", "reason": "too_many_websockets"})
            await connection.close()
            return connection
        self.connections.append(connection)
        try:
            await self._send(connection, self._hello())
            self.changed("socket_connected", len(self.connections))
            await self._send_waiting()
            await self._read(connection)
        finally:
            self.connections.remove(connection)
            self.changed("socket_closed", len(self.connections))
            await self._send_elsewhere(connection)
        return connection

    async def deliver(self, envelope: Json, within: float) -> Json | None:
        """Send an envelope to any connection and return the payload of its ack.

        Raises NotConnected at once where nobody is connected, TimeoutError after `within` seconds. An
        envelope whose connection died within that time goes out again, even after this has given up.
        """
        if not self.connections:
            raise NotConnected
        pending = Pending(envelope, asyncio.get_running_loop().create_future())
        self._pending[envelope["envelope_id"]] = pending
        await self._send_on(pending)
        try:
            return await asyncio.wait_for(asyncio.shield(pending.answered), within)
        except TimeoutError:
            if pending.connection is not None:
                self._forget(pending)
            raise

    async def refresh(self) -> None:
        """Ask every connection to come again, as Slack does about hourly."""
        message = {
            "type": "disconnect",
            "reason": "refresh_requested",
            "debug_info": {"host": "applink-sandbox"},
        }
        for connection in list(self.connections):
            await self._send(connection, message)

    async def close(self) -> None:
        """End all connections, and forget what was under way."""
        self._pending.clear()
        for connection in list(self.connections):
            await connection.close(code=1001)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self.app_id},
            "debug_info": {
                "host": "applink-sandbox",
                "build_number": 1,
                "approximate_connection_time": CONNECTION_SECONDS,
            },
        }

    async def _read(self, connection: web.WebSocketResponse) -> None:
        async for message in connection:
            if message.type is WSMsgType.TEXT:
                with contextlib.suppress(ValueError, AttributeError, TypeError):
                    self._acknowledge(json.loads(message.data))

    def _acknowledge(self, answer: Json) -> None:
        pending = self._pending.pop(answer.get("envelope_id", ""), None)
        if pending is not None and not pending.answered.done():
            pending.answered.set_result(answer.get("payload"))

    async def _send_on(self, pending: Pending) -> None:
        """Give an envelope to the next connection; where there is none, it waits for one."""
        pending.connection = None
        while self.connections and pending.attempts < MOST_ATTEMPTS:
            connection = self.connections[next(self._turn) % len(self.connections)]
            pending.attempts += 1
            pending.connection = connection
            if await self._send(connection, pending.envelope):
                return
            pending.connection = None
            # A connection that can't be written to is about to be taken off the list by its reader.
            await asyncio.sleep(0)
        if pending.attempts >= MOST_ATTEMPTS:
            self._forget(pending)

    async def _send_elsewhere(self, dead: web.WebSocketResponse) -> None:
        for pending in list(self._pending.values()):
            if pending.connection is dead:
                await self._send_on(pending)

    async def _send_waiting(self) -> None:
        for pending in list(self._pending.values()):
            if pending.connection is None:
                await self._send_on(pending)

    def _forget(self, pending: Pending) -> None:
        self._pending.pop(pending.envelope["envelope_id"], None)

    async def _send(self, connection: web.WebSocketResponse, message: Json) -> bool:
        try:
            await connection.send_json(message)
        except (ConnectionError, RuntimeError):
            return False
        return True
