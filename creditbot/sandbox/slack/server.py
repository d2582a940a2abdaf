"""The Slack of this machine: it wires the workspace, the people in it and the ways to a bot together."""

import time
from collections.abc import Callable
from typing import Self

from aiohttp import web

from .acts import Acts
from .answer_urls import AnswerUrls
from .delivery import Courier
from .faults import SlackFaults
from .methods import all_methods
from .payloads import Payloads
from .sights import Sights
from .sockets import SocketHub
from .tickets import Tickets
from .web_api import WebApi
from .workspace import Workspace

LARGEST_REQUEST = 8 * 1024 * 1024


class SlackSandbox(Acts, Sights):
    """A Slack workspace on a port of this machine; use it as an async context manager."""

    def __init__(
        self,
        *,
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - it guards nothing but this sandbox
        bot_token: str = "xoxb-sandbox-bot-token",  # noqa: S107 - it guards nothing but this sandbox
        app_token: str = "xapp-sandbox-app-token",  # noqa: S107 - it guards nothing but this sandbox
        port: int = 0,
        clock: Callable[[], float] = time.time,
        ack_window: float = 3.0,
    ) -> None:
        self.signing_secret = signing_secret
        self.bot_token = bot_token
        self.app_token = app_token
        self.faults = SlackFaults()
        self._port = port
        self._runner: web.AppRunner | None = None
        workspace = Workspace(clock)
        tickets = Tickets(clock)
        payloads = Payloads(workspace, clock)
        self._hub = SocketHub(workspace.app_id, workspace.changed)
        courier = Courier(self._hub, signing_secret=signing_secret, ack_window=ack_window, clock=clock)
        Sights.__init__(self, workspace)
        Acts.__init__(self, workspace, tickets, courier, payloads, self._response_url)
        self._answer_urls = AnswerUrls(tickets, self._answers, self.faults)
        self._web_api = WebApi(
            all_methods(workspace, payloads, tickets, self._new_socket_url),
            bot_token=bot_token,
            app_token=app_token,
            faults=self.faults,
            clock=clock,
            called=self._record,
        )

    @property
    def bot_user_id(self) -> str:
        """The bot, as a member of the workspace."""
        return self.workspace.bot_user_id

    @property
    def team_id(self) -> str:
        """The workspace."""
        return self.workspace.team_id

    @property
    def api_url(self) -> str:
        """Where the Web API is, once the sandbox has started."""
        return f"http://127.0.0.1:{self._port}/api/"

    @property
    def events_url(self) -> str | None:
        """Where payloads are posted to; None delivers them over Socket Mode."""
        return self._courier.events_url

    @events_url.setter
    def events_url(self, url: str | None) -> None:
        self._courier.events_url = url

    @property
    def scopes(self) -> set[str]:
        """What the bot token may do; take a scope away to meet `missing_scope`."""
        return self._web_api.scopes

    @property
    def sockets(self) -> int:
        """How many Socket Mode connections there are."""
        return len(self._hub.connections)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. A port of 0 becomes a free one, which stays the same over a stop and another start."""
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_route("*", "/api/{method}", self._web_api.handle)
        app.router.add_post("/response/{secret}", self._answer_urls.handle)
        app.router.add_get("/socket", self._hub.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End every connection, and stop listening; all that was written stays."""
        self.faults.clear()
        await self._hub.close()
        await self._courier.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for_socket(self, timeout: float = 60) -> None:  # noqa: ASYNC109 - a caller gives a number of seconds here
        """Wait until a bot is connected by Socket Mode."""
        await self.until(lambda: self.sockets > 0, timeout)

    async def refresh_sockets(self) -> None:
        """Ask every connection to come again, as Slack does about hourly."""
        await self._hub.refresh()

    def _new_socket_url(self) -> str:
        ticket = self._hub.new_ticket()
        return f"ws://127.0.0.1:{self._port}/socket?ticket={ticket}&app_id={self.workspace.app_id}"

    def _response_url(self, secret: str) -> str:
        return f"http://127.0.0.1:{self._port}/response/{secret}"
