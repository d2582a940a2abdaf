"""The running of one process: start the parts, wait for the word to stop, end them in order."""

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Container, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn

from creditbot.runners import Runner
from creditbot.slack.connection import SocketConnection
from creditbot.slack.tasks import Tasks
from creditbot.web import Web

log = structlog.get_logger(__name__)


class CannotListen(Exception):
    """The address is taken or not this machine's; the text says what to set."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a process, each only if it is this process's work.

    No part is started before `prepare` has returned; `self_check` runs once all are, and keeps nobody
    waiting; `close` ends what they share.
    """

    web: Web | None
    runner: Runner | None
    tasks: Tasks
    socket: SocketConnection | None
    prepare: Callable[[], Coroutine[Any, Any, None]]
    self_check: Callable[[], Coroutine[Any, Any, None]]
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
        parts = Running()
        try:
            listening = listen(host, port) if self.web else None
            if not await _unless_stopped(stop, self.prepare()):
                return
            if self.web is not None and listening is not None:
                parts.server = QuietServer(uvicorn_config(self.web))
                parts.serving = asyncio.create_task(parts.server.serve(sockets=[listening]))
            if self.runner is not None:
                parts.working = asyncio.create_task(self.runner.run())
            if self.socket is not None:
                parts.opening = asyncio.create_task(self.socket.open())
            self._announce(listening.getsockname()[:2] if listening else None)
            parts.checking = asyncio.create_task(self.self_check())
            await _until_stopped(stop, parts.tasks, may_end=(parts.opening, parts.checking))
        finally:
            await self._shut_down(parts)

    def _announce(self, address: tuple[str, int] | None) -> None:
        about: dict[str, str] = {}
        if self.web is not None or self.socket is not None:
            about["slack"] = "Socket Mode" if self.socket else "HTTP"
        if address is not None:
            about["address"] = "http://{}:{}".format(*address)
        log.info("creditbot is up", jobs="here" if self.runner else "elsewhere", **about)

    async def _shut_down(self, parts: "Running") -> None:
        """Stop taking, let what was taken be acked and recorded, then close.

        The limits add up to under ten seconds, after which a supervisor would kill.
        """
        log.info("creditbot is stopping")
        ending: list[Awaitable[None]] = []
        if parts.server is not None:
            parts.server.should_exit = True
        if self.runner is not None:
            ending.append(self.runner.stop())
        if self.socket is not None:
            ending.append(self.socket.close())
        if parts.serving is not None:
            ending.append(_wait([parts.serving], 4))  # it acks what it has taken
        await asyncio.gather(*ending)
        await self.tasks.drain(1)
        for task in parts.tasks:
            task.cancel()
        await _wait(parts.tasks, 1)
        await self.close()
        log.info("creditbot has stopped")


@dataclass(slots=True)
class Running:
    """What runs in this process by now."""

    server: "QuietServer | None" = None
    serving: asyncio.Task[None] | None = None
    working: asyncio.Task[None] | None = None
    opening: asyncio.Task[None] | None = None
    checking: asyncio.Task[None] | None = None

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return [
            task for task in (self.serving, self.working, self.opening, self.checking) if task is not None
        ]


async def _wait(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)


async def _unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work, or leave it at the word to stop; whether it was done."""
    stopping, working = asyncio.create_task(stop.wait()), asyncio.create_task(work)
    await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
    done = working.done()
    for task in (stopping, working):
        task.cancel()
    await _wait([working], 1)
    if done:
        working.result()
    return done


async def _until_stopped(
    stop: asyncio.Event, running: list[asyncio.Task[None]], *, may_end: Container[asyncio.Task[None] | None]
) -> None:
    """Wait for the word to stop, or for a part to end that should not; raise what ended it."""
    stopping = asyncio.create_task(stop.wait())
    watched: set[asyncio.Task[Any]] = {stopping, *running}
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
        raise CannotListen(_why_not(host, port, error)) from error
    return listening


def _why_not(host: str, port: int, error: OSError | UnicodeError) -> str:
    why = getattr(error, "strerror", None) or "not an address"
    name, right = "HOST", "an address of this machine, or to 0.0.0.0 for all that it has"
    if getattr(error, "errno", None) in {errno.EADDRINUSE, errno.EACCES}:
        name, right = "PORT", "a free number above 1023"
    return f"{name} is wrong: creditbot can't listen on {host}:{port} ({why}). Set it to {right}."


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the service ends everything in its order."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def uvicorn_config(web: Web) -> uvicorn.Config:
    return uvicorn.Config(
        web,
        http="httptools",
        lifespan="off",
        ws="none",  # else whoever has a library for it beside has upgrades answered with 500
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
