"""The page's server: static files, a stream of news, and a way to act."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import SlackSandbox

from .acts import Acts, BadAct
from .guard import add_headers, guard
from .news import News
from .record import Record
from .sights import Cast, Sights

STATIC = Path(__file__).parent / "static"
HOST = "127.0.0.1"
IDLE_SECONDS = 15.0
LARGEST_ACT = 256 * 1024


class PageServer:
    """Serves the page on 127.0.0.1, between a Slack and a SendGrid that the caller runs.

    `usage` has a line such as `/credits show ID` for each subcommand; `database` is the bot's SQLite file.
    """

    def __init__(
        self,
        slack: SlackSandbox,
        sendgrid: SendGridSandbox,
        *,
        database: Path,
        cast: Cast,
        usage: Mapping[str, str],
        port: int = 0,
    ) -> None:
        self._record = Record(database)
        self._sights = Sights(slack, sendgrid, self._record, cast=cast, usage=usage)
        self._news = News(slack, sendgrid, self._record, self._sights)
        commands = frozenset(line.split()[0] for line in usage.values())
        self._acts = Acts(slack, sendgrid, self._sights.switchboard, commands)
        self._port = port
        self._run = secrets.token_hex(8)
        """Which run of the sandbox this is: a page that comes back finds out whether it is the same."""
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the page is, once it has started."""
        return f"http://{HOST}:{self._port}/"

    async def __aenter__(self) -> Self:
        if self._runner is None:
            await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; a port of 0 becomes a free one. OSError where the port is taken."""
        app = web.Application(middlewares=[guard(lambda: self._port)], client_max_size=LARGEST_ACT)
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/", self._index)
        app.router.add_get("/events", self._stream)
        app.router.add_post("/act/{name}", self._act)
        app.router.add_static("/static/", STATIC)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        self._news.start()

    async def stop(self) -> None:
        """End the streams, and stop listening."""
        await self._news.stop()
        self._record.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _act(self, request: web.Request) -> web.StreamResponse:
        deed = self._acts.named.get(request.match_info["name"])
        if deed is None:
            raise web.HTTPNotFound(text="There is no such act.\n")
        try:
            done = await deed(_object(await request.read()))
        except (BadAct, LookupError) as error:
            return web.json_response({"refused": str(error.args[0])}, status=422)
        self._news.switched()
        return web.json_response(done)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """https://html.spec.whatwg.org/multipage/server-sent-events.html"""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with self._news.feed() as feed:
            try:
                await response.write(_event("whole", {"run": self._run, **self._sights.whole()}))
                async for batch in feed.batches(IDLE_SECONDS):
                    await response.write(b"".join(_event(*news) for news in batch) or b": idle\n\n")
            except ConnectionError:
                pass  # the page was closed
        return response


def _object(body: bytes) -> dict[str, Any]:
    try:
        act = json.loads(body)
    except ValueError:
        act = None
    if not isinstance(act, dict):
        raise BadAct("An act is an object in JSON.")
    return act


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
