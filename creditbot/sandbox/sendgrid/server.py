"""The sandbox as a server on this machine: sockets around the pure API, its faults and its log of calls."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Self

from aiohttp import web

from creditbot.sandbox.sendgrid import bodies
from creditbot.sandbox.sendgrid.account import Account
from creditbot.sandbox.sendgrid.api import SCOPES, Api
from creditbot.sandbox.sendgrid.balance import Region
from creditbot.sandbox.sendgrid.breaking import Encounter, Outcome, meet, reply
from creditbot.sandbox.sendgrid.burn import Burn
from creditbot.sandbox.sendgrid.calls import Answer, Call, Incoming, logged
from creditbot.sandbox.sendgrid.changes import Changes, Listener
from creditbot.sandbox.sendgrid.faults import Faults
from creditbot.sandbox.sendgrid.listener import HOST, ListeningSocket
from creditbot.sandbox.sendgrid.rates import RateWindow

RECENT_CALLS = 10
STOP_SECONDS = 1.0


class SendGridSandbox:
    """A SendGrid on 127.0.0.1 that answers as the documented API does.

        async with SendGridSandbox() as sendgrid:
            sendgrid.account.add_subuser(Subuser("acme", type="nonrecurring", remain=500))
            ...  # a client uses sendgrid.url and sendgrid.api_key
            assert sendgrid.account.applied("acme") == [250]

    Two sandboxes that share an `account` and differ in `region` are the two hosts of SendGrid. `scopes` are
    those of the API key, and may be changed while it runs. `clock` gives seconds since 1970; an `account`
    that is passed in keeps its own. All of it lives on one event loop.
    """

    def __init__(
        self,
        *,
        api_key: str = "SG.sandbox.not-a-real-key",
        scopes: Iterable[str] = SCOPES,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        region: Region = "global",
        account: Account | None = None,
    ) -> None:
        self.account = account or Account(clock=clock)
        self.faults = Faults(refuse=self._refuse, accept=self._accept)
        self.calls: list[Call] = []
        self._api = Api(self.account, api_key=api_key, scopes=scopes, region=region)
        self._rates = RateWindow(clock)
        self._clock = clock
        self._changes = Changes()
        self._port = port
        self._web_server: web.Server | None = None
        self._socket: ListeningSocket | None = None
        self._busy: set[object] = set()
        self._burning: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def api_key(self) -> str:
        return self._api.api_key

    @property
    def scopes(self) -> set[str]:
        return self._api.scopes

    @scopes.setter
    def scopes(self, scopes: Iterable[str]) -> None:
        self._api.scopes = set(scopes)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, known once the sandbox has started."""
        if self._socket is None:
            raise RuntimeError("the sandbox isn't running")
        return f"http://{HOST}:{self._socket.port}"

    async def start(self) -> None:
        self._stopping = False
        self._web_server = web.Server(self._handle, access_log=None)
        socket = ListeningSocket(self._web_server, self._port)
        await socket.open()
        self._socket = socket

    async def stop(self) -> None:
        """Closes every connection; requests that hang or wait end without an answer."""
        self._stopping = True
        await self._stop_burn()
        if self._socket is not None:
            await self._socket.close()
            self._socket = None
        if self._web_server is not None:
            self._web_server.pre_shutdown()
            await self._web_server.shutdown(STOP_SECONDS)
            self._web_server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start_burn(self) -> None:
        """Lets mail flow at `account.burn_rates` until the sandbox stops."""
        if self._burning is None:
            self._burning = asyncio.get_running_loop().create_task(Burn(self.account).run())

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Follows this sandbox's calls and its account's balances and ledger, until the result is called."""
        ends = [self._changes.subscribe(listener), self.account.changes.subscribe(listener)]

        def unsubscribe() -> None:
            for end in ends:
                end()

        return unsubscribe

    async def until(
        self,
        predicate: Callable[[], object],
        timeout: float = 60,  # noqa: ASYNC109 - a failure should show the recent calls, which a caller's timeout can't
    ) -> None:
        """Waits until `predicate` holds, asking at each change; AssertionError after `timeout` seconds."""
        changed = asyncio.Event()
        unsubscribe = self.subscribe(lambda _change: changed.set())
        try:
            async with asyncio.timeout(timeout):
                while not predicate():
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            recent = "\n".join(f"  {call}" for call in self.calls[-RECENT_CALLS:]) or "  none"
            raise AssertionError(f"not reached in {timeout} s; recent calls:\n{recent}") from None
        finally:
            unsubscribe()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._busy.add(request.protocol)
        try:
            return await self._serve(request)
        finally:
            self._busy.discard(request.protocol)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        incoming = Incoming(request.method, request.raw_path, request.headers, body)
        call = logged(incoming, self._clock())
        self.calls.append(call)
        self._changes.publish("call", call)
        outcome = await self._outcome(call, incoming, request)
        # Who left before the answer was ready has read no status.
        call.status = None if request.transport is None else outcome.status
        self._changes.publish("answer", call)
        return outcome.response

    async def _outcome(self, call: Call, incoming: Incoming, request: web.BaseRequest) -> Outcome:
        rate_headers = self._rates.headers()
        if self.faults.down:
            call.fault = "down"
            return reply(Answer(503, bodies.error("service unavailable")), rate_headers)
        fault = self.faults.take(call)
        if fault is None:
            return reply(self._api.answer(incoming), rate_headers)
        call.fault = fault.kind
        return await meet(
            Encounter(
                fault=fault,
                request=request,
                apply=lambda: self._api.answer(incoming),
                rate_headers=rate_headers,
                stopping=lambda: self._stopping,
            )
        )

    def _refuse(self, seconds: float) -> None:
        if self._socket is None or self._web_server is None:
            raise RuntimeError("the sandbox isn't running")
        self._socket.shut(seconds)
        # A kept-open connection would let a client's next request slip past the refusal.
        for connection in self._web_server.connections:
            if connection not in self._busy:
                connection.force_close()

    def _accept(self) -> None:
        if self._socket is not None:
            self._socket.reopen()

    async def _stop_burn(self) -> None:
        if self._burning is not None:
            self._burning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._burning
            self._burning = None
