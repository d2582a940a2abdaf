"""The running of one process: start the parts, wait for the word to stop, end them in order."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn

from creditbot.runners import EmbeddedRunner
from creditbot.slack.connection import SocketConnection
from creditbot.slack.tasks import Tasks
from creditbot.web import Web

log = structlog.get_logger(__name__)


class CannotListen(Exception):
    """The address is taken or not this machine's; the text says what to set."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a process that serves Slack and does the work; `close` ends what they share."""

    web: Web
    runner: EmbeddedRunner
    tasks: Tasks
    socket: SocketConnection | None
    greet: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]

    async def run(self, host: str, port: int) -> None:
        """Go on until SIGTERM or SIGINT, then end within ten seconds.

        Raises:
            CannotListen: nothing can listen on this host and port.
            WrongToken: Slack does not accept a token.
        """
        stop = asyncio.Event()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
        server = QuietServer(_uvicorn_config(self.web))
        running: list[asyncio.Task[Any]] = []
        try:
            listening = listen(host, port)
            await self.greet()
            running += [asyncio.create_task(server.serve(sockets=[listening]))]
            running += [asyncio.create_task(self.runner.run())]
            opening = [asyncio.create_task(self.socket.open())] if self.socket else []
            running += opening
            bound_host, bound_port = listening.getsockname()[:2]
            log.info(
                "creditbot is up",
                slack="Socket Mode" if self.socket else "HTTP",
                address=f"http://{bound_host}:{bound_port}",
            )
            await _until_stopped(stop, running, may_end=opening)
        finally:
            await self._shut_down(server, running)

    async def _shut_down(self, server: "QuietServer", running: list[asyncio.Task[Any]]) -> None:
        """Stop taking, let what was taken be acked and recorded, then close.

        The limits add up to under ten seconds, after which a supervisor would kill.
        """
        log.info("creditbot is stopping")
        server.should_exit = True
        ending = [self.runner.stop()]
        if self.socket is not None:
            ending.append(self.socket.close())
        if running:
            ending.append(_wait(running[:1], 4))  # the server: it acks what it has taken
        await asyncio.gather(*ending)
        await self.tasks.drain(1)
        for task in running:
            task.cancel()
        await _wait(running, 1)
        await self.close()
        log.info("creditbot has stopped")


async def _wait(tasks: list[asyncio.Task[Any]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)


async def _until_stopped(
    stop: asyncio.Event, running: list[asyncio.Task[Any]], *, may_end: list[asyncio.Task[Any]]
) -> None:
    """Wait for the word to stop, or for a part to end that should not; raise what ended it."""
    stopping = asyncio.create_task(stop.wait())
    watched = {stopping, *running}
    while not stopping.done():
        ended, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
            if task is not stopping and task not in may_end:
                stopping.cancel()
                return


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, UnicodeError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or "not an address"
        raise CannotListen(
            f"PORT is wrong: nothing can listen on {host}:{port} ({why}). "
            "Set PORT to a number that is free, or HOST to an address of this machine."
        ) from error
    return listening


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the service ends everything in its order."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _uvicorn_config(web: Web) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
