"""People who type commands, as a process of its own, so that what it costs to be them is not counted.

`python -m tests.bench.load` reads an order, a line of JSON, and once all is done writes a line of JSON about
each command; and so on, until its standard input ends. It signs as Slack does, and listens itself where the
answers go that come after the ack.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.processes import ROOT

LINE = 2**24
"""Bytes that a line may have."""


@dataclass(frozen=True, slots=True)
class Order:
    """Commands for a bot at `url`, each typed by someone of its own.

    So many are under way `at_once`, each until it is acked, and answered if it is `answered` later. With
    `within`, they are sent evenly over so many seconds instead, whatever has become of the others.
    """

    url: str
    secret: str
    team: str
    texts: list[str]
    at_once: int = 1
    answered: bool = False
    within: float | None = None
    patience: float = 15.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a command: the ack's status and text, and seconds until the ack and the answer."""

    status: int | None
    text: str
    ack: float
    answer: float | None

    @property
    def acked(self) -> bool:
        return self.status == 200


class Load:
    """The process, from outside."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def run(self, order: Order) -> list[Sent]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator has ended")
        return [Sent(**found) for found in json.loads(line)]


@asynccontextmanager
async def started() -> AsyncIterator[Load]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", cwd=ROOT, stdin=PIPE, stdout=PIPE, limit=LINE
    )
    try:
        yield Load(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


class People:
    """The process, from inside."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._numbers = count(time.time_ns() // 1_000_000)
        self._answers: dict[str, asyncio.Future[float]] = {}
        self._url = ""

    async def listen(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/{name}", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        self._url = "http://{}:{}/".format(*runner.addresses[0][:2])
        return runner

    async def _take(self, request: web.Request) -> web.Response:
        found = self._answers.get(request.match_info["name"])
        if found is not None and not found.done():
            found.set_result(time.perf_counter())
        return web.Response(text="ok")

    async def obey(self, order: Order) -> list[Sent]:
        if order.within is not None:
            pause = order.within / len(order.texts)
            return await asyncio.gather(
                *(self._say(text, order, pause * place) for place, text in enumerate(order.texts))
            )
        found: list[Sent] = []
        waiting = iter(order.texts)

        async def one_after_another() -> None:
            for text in waiting:
                found.append(await self._say(text, order))  # noqa: PERF401 - several share the list

        await asyncio.gather(*(one_after_another() for _ in range(order.at_once)))
        return found

    async def _say(self, text: str, order: Order, delay: float = 0) -> Sent:
        number = next(self._numbers)
        name = str(number)
        answer = self._answers[name] = asyncio.get_running_loop().create_future()
        command, _, rest = text.partition(" ")
        body = urlencode(
            {
                "token": "not-used",
                "team_id": order.team,
                "team_domain": "sandbox",
                "channel_id": "C0GENERAL",
                "channel_name": "general",
                "user_id": f"U0LOAD{number % 1000}",
                "user_name": "load",
                "command": command,
                "text": rest,
                "api_app_id": "A0SANDBOX",
                "is_enterprise_install": "false",
                "response_url": self._url + name,
                "trigger_id": f"{number}.load",
            }
        ).encode()
        if delay:
            await asyncio.sleep(delay)
        started = time.perf_counter()
        status, ack = await self._post(order, body)
        acked = time.perf_counter() - started
        answered: float | None = None
        if order.answered and status == 200:
            with suppress(TimeoutError):
                answered = await asyncio.wait_for(answer, order.patience) - started
        del self._answers[name]
        return Sent(status, ack[:300], acked, answered)

    async def _post(self, order: Order, body: bytes) -> tuple[int | None, str]:
        """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        timestamp = str(int(time.time()))
        base = b"v0:" + timestamp.encode() + b":" + body
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": "v0=" + hmac.new(order.secret.encode(), base, hashlib.sha256).hexdigest(),
        }
        try:
            async with asyncio.timeout(order.patience):
                async with self._session.post(f"{order.url}/slack/events", data=body, headers=headers) as got:
                    return got.status, await got.text()
        except (TimeoutError, aiohttp.ClientError):
            return None, ""


async def main() -> None:
    # A server closes what was idle for five seconds; a command that leaves just then would be lost.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    async with aiohttp.ClientSession(connector=connector) as session:
        people = People(session)
        runner = await people.listen()
        while line := await asyncio.to_thread(sys.stdin.readline):
            found = await people.obey(Order(**json.loads(line)))
            sys.stdout.write(json.dumps([asdict(sent) for sent in found]) + "\n")
            sys.stdout.flush()
        await runner.cleanup()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
