"""Several processes of one bot and their database: on one SQLite file, or on a PostgreSQL server."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from creditbot.sandbox.bot import free_port
from creditbot.sandbox.slack import SlackSandbox
from tests.balancer import Balancer
from tests.postgres import PostgresServer, new_server
from tests.processes import Bot


@dataclass
class Fleet:
    """All processes of one bot; `server` is None on SQLite, whose file can't restart."""

    bots: list[Bot]
    engine: Engine
    server: PostgresServer | None

    def one(self, random: Random) -> Bot:
        return random.choice(self.bots)

    async def restart_database(self, mode: Literal["fast", "immediate"]) -> None:
        if self.server is not None:
            await asyncio.to_thread(self.server.restart, mode)

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        """Read from the database, as soon as it answers."""
        while True:
            try:
                return await asyncio.to_thread(self._read, statement)
            except DBAPIError:
                await asyncio.sleep(0.2)

    def _read(self, statement: str) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement)).mappings()]

    async def change(self, statement: str) -> None:
        """Write to the database behind the bot's back."""
        await asyncio.to_thread(self._change, statement)

    def _change(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))


@asynccontextmanager
async def sqlite_fleet(
    env: Mapping[str, str], folder: Path, slack: SlackSandbox, module: str = "creditbot", *, size: int = 1
) -> AsyncIterator[Fleet]:
    """`creditbot serve`, over Socket Mode, as often as `size` says."""
    engine = create_engine(env["DATABASE_URL"], connect_args={"timeout": 30})
    bots = [
        Bot({**env, "PORT": str(free_port())}, folder, name=f"serve{number}", module=module)
        for number in range(size)
    ]
    async with _running(bots):
        await slack.until(lambda: slack.sockets == size)
        yield Fleet(bots, engine, None)
    engine.dispose()


@asynccontextmanager
async def postgres_fleet(
    env: Mapping[str, str], folder: Path, slack: SlackSandbox, module: str = "creditbot"
) -> AsyncIterator[Fleet]:
    """Two `creditbot web` behind a balancer and two `creditbot worker`, over signed HTTP."""
    async with AsyncExitStack() as stack:
        server = new_server(durable=True)
        stack.callback(server.close)
        name = server.create_migrated()
        ports = [free_port(), free_port()]
        balancer = await stack.enter_async_context(Balancer(ports))
        slack.events_url = f"{balancer.url}/slack/events"
        engine = create_engine(server.driver_url(name), pool_pre_ping=True)
        stack.callback(engine.dispose)
        common = {**env, "DATABASE_URL": server.url(name)}
        del common["SLACK_APP_TOKEN"]
        bots = [
            Bot(common | {"PORT": str(port)}, folder, role="web", name=f"web{port}", module=module)
            for port in ports
        ]
        bots += [
            Bot(common, folder, role="worker", name=f"worker{number}", module=module) for number in (1, 2)
        ]
        yield Fleet(await stack.enter_async_context(_running(bots)), engine, server)


@asynccontextmanager
async def _running(bots: list[Bot]) -> AsyncIterator[list[Bot]]:
    await asyncio.gather(*(bot.start() for bot in bots))
    try:
        yield bots
    finally:
        await asyncio.gather(*(bot.stop(30) for bot in bots))


FLEETS = {"sqlite": sqlite_fleet, "postgresql": postgres_fleet}
