"""A Slack and a SendGrid on this machine, and between them the bot as processes, or the bare app."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import IO, Literal

import aiohttp
import psutil
from sqlalchemy import Engine, create_engine, text

from creditbot.sandbox import bot
from creditbot.sandbox.bot import environment, free_port
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import Message, SlackSandbox
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, GENERAL, furnish_sendgrid, furnish_slack
from tests.postgres import PostgresServer, new_server
from tests.processes import ROOT, Bot

from . import load, profiled
from .load import Load, Order, Sent
from .profiled import TO

Kind = Literal["sqlite", "postgresql"]

NAMES: dict[Kind, str] = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_amounts = count(1)
"""Nobody asks for the same twice: that would be answered with a question."""


class Process(Bot):
    """One process, of which the ID is known, so that its use of the processor can be read."""

    pid = 0

    async def _launch(self, *arguments: str, out: IO[bytes], err: IO[bytes]) -> bot.Running:
        running = await super()._launch(*arguments, out=out, err=err)
        if arguments[:1] == (self.role,):
            self.pid = int(getattr(running, "pid"))  # noqa: B009 - each kind of process has one
        return running

    def cpu(self) -> float:
        """Seconds of a processor that it has used since its start, in all its threads."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system


class BareApp(Process):
    """`tests/bench/bare.py`, which is ready as soon as it answers anything."""

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/"):
                return True
        except aiohttp.ClientError:
            return False

    async def _until_it_has_looked(self, patience: float = 5) -> None:
        """It has nothing to look at."""


@dataclass
class Stage:
    """What a row of figures plays on."""

    slack: SlackSandbox
    sendgrid: SendGridSandbox
    load: Load
    folder: Path
    bots: list[Process]
    env: dict[str, str]
    engine: Engine

    @property
    def bot(self) -> Process:
        return self.bots[0]

    def order(self, to: Bot, texts: Sequence[str], **given: object) -> Order:
        return Order(to.url, self.slack.signing_secret, self.slack.team_id, list(texts), **given)  # type: ignore[arg-type]  # as Order says

    async def send(self, to: Bot, texts: Sequence[str], **given: object) -> list[Sent]:
        return await self.load.run(self.order(to, texts, **given))

    async def card(self, subuser: str = "acme", user: str = ALICE) -> Message:
        """Ask for a change and wait for its card, ready to be decided."""
        before = len(self.slack.messages(APPROVALS))
        text = f"/credits add {subuser} {next(_amounts)} bench"
        delivery = await self.slack.command(user, text, channel=GENERAL)
        assert delivery.acked, delivery

        await self.until_idle()
        return await self.slack.until(lambda: self.slack.messages(APPROVALS)[before])

    async def approve(self, card: Message) -> float:
        """Click, and wait until the card shows that; seconds."""
        shown = card.plain()
        started = asyncio.get_running_loop().time()
        delivery = await self.slack.click(BOB, card, "Approve")
        assert delivery.acked, delivery
        await self.slack.until(lambda: card.plain() != shown)
        return asyncio.get_running_loop().time() - started

    async def until_idle(self, patience: float = 60) -> None:
        """Until each request has ended, or waits for a person, and that is shown and told."""
        async with asyncio.timeout(patience):
            while await asyncio.to_thread(self._busy):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)  # what was done last is written down after it shows

    def _busy(self) -> bool:
        return any(self.count(question) for question in BUSY)

    def count(self, question: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text(question)).scalar() or 0)


BUSY = (
    "SELECT count(*) FROM requests WHERE status NOT IN ('pending', 'in_doubt') AND finished_at IS NULL",
    "SELECT count(*) FROM requests WHERE status = 'pending' AND checked_at IS NULL",
    "SELECT count(*) FROM outbox WHERE shown_version < wanted_version AND given_up_at IS NULL",
)


@asynccontextmanager
async def stage(
    kind: Kind = "sqlite",
    *,
    roles: Sequence[str] = ("serve",),
    module: str = "creditbot",
    policy: str | None = None,
    prepare: Callable[[SlackSandbox], None] = lambda _slack: None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Stage]:
    """Everything running, over signed HTTP; what Slack delivers goes to the first process."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="creditbot-bench-")))
        slack = await stack.enter_async_context(SlackSandbox(ack_window=30))
        prepare(slack)
        sendgrid = await stack.enter_async_context(SendGridSandbox())
        furnish_slack(slack)
        furnish_sendgrid(sendgrid, date(2026, 11, 22))
        sendgrid.account.oversell = None
        if policy is not None:
            (folder / "policy.toml").write_text(policy)
        env = environment(slack, sendgrid, folder) | {"PYTHONPATH": str(ROOT), **settings}
        del env["SLACK_APP_TOKEN"]
        if TO in os.environ:
            module = profiled.__name__
            env[TO] = os.environ[TO]
        url = env["DATABASE_URL"]
        if kind == "postgresql":
            name = postgres().create_migrated()
            stack.callback(postgres().drop, name)
            env["DATABASE_URL"], url = postgres().url(name), postgres().driver_url(name)
        bots = [
            Process(
                env | {"PORT": str(free_port())}, folder, role=role, name=f"{role}{number}", module=module
            )
            for number, role in enumerate(roles)
        ]
        engine = create_engine(url, connect_args={"timeout": 30} if kind == "sqlite" else {})
        stack.callback(engine.dispose)
        for process in bots:
            await process.start()
            stack.push_async_callback(process.stop)
        slack.events_url = f"{bots[0].url}/slack/events"
        generator = await stack.enter_async_context(load.started())
        yield Stage(slack, sendgrid, generator, folder, bots, env, engine)


def bare(on: Stage) -> BareApp:
    """The bare app with the bot's settings; not started yet."""
    env = on.env | {"PORT": str(free_port())}
    return BareApp(env, on.folder, role="run", name="bare", module="tests.bench.bare")


@asynccontextmanager
async def bare_app(on: Stage) -> AsyncIterator[BareApp]:
    """The bare app, running beside the bot."""
    app = bare(on)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


@cache
def postgres() -> PostgresServer:
    """One server for all rows; what it has committed, lasts. It ends with this process."""
    return new_server(durable=True)
