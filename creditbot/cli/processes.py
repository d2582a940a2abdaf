"""`creditbot serve`, `web`, `socket` and `worker`: the processes that run until they are told to stop."""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal

from .environment import settings_of
from .terminal import FAULTY_SETTINGS, fail

if TYPE_CHECKING:
    from creditbot.settings.environment import Settings


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def serve() -> None:
    """Run the whole bot in one process: Slack's events, over Socket Mode or HTTP, and the work."""
    _start("serve")


def web() -> None:
    """Receive Slack's events over HTTP; `creditbot worker` does the work. Run as many as you like."""
    _start("web")


def socket() -> None:
    """Receive Slack's events over Socket Mode; `creditbot worker` does the work. Run up to ten."""
    _start("socket")


def worker() -> None:
    """Do the work: call SendGrid, post cards and messages. Run as many as you like on PostgreSQL."""
    _start("worker")


PROCESSES = {command.__name__: command for command in (serve, web, socket, worker)}


def _start(role: Literal["serve", "web", "socket", "worker"]) -> None:
    """Run a process of this role until it is told to stop."""
    # Nothing that is imported is garbage; to look for some takes a seventh of the start.
    gc.disable()
    # structlog and httpx import rich if they can, for tracebacks and a command line that no process has.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # how Python marks what is not there
    settings = settings_of(_kind_of_settings(role))

    from creditbot import bootstrap
    from creditbot.domain.errors import WrongLedgerKey
    from creditbot.service import CannotListen
    from creditbot.slack.connection import WrongToken
    from creditbot.startup.database import check_database, prepare_database

    async def service() -> None:
        await prepare_database(settings.database_url)
        await check_database(settings.database_url, settings.ledger_keys)
        built = bootstrap.build(settings, bootstrap.Role(role))
        gc.freeze()
        gc.enable()
        await built.run(settings.host, settings.port)
        await _leave_what_hangs()

    try:
        run(service())
    except (CannotListen, WrongLedgerKey, WrongToken) as error:
        fail(str(error), code=FAULTY_SETTINGS)


def _kind_of_settings(role: str) -> "type[Settings]":
    from creditbot.settings.environment import Settings, SocketSettings, WebSettings, WorkerSettings

    kinds = {"web": WebSettings, "socket": SocketSettings, "worker": WorkerSettings}
    return kinds.get(role, Settings)


async def _leave_what_hangs() -> None:
    """Everything is recorded and closed; what still waits for a silent database must not keep the process."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        _, hanging = await asyncio.wait(left, timeout=1)
        if hanging:
            logging.shutdown()
            os._exit(0)
