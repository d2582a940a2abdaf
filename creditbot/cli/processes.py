"""`creditbot serve`, `web`, `socket` and `worker`: the processes that run until they are told to stop."""

import asyncio
import logging
import os
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from .environment import settings_of
from .terminal import FAULTY_SETTINGS, fail


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


if TYPE_CHECKING:
    from creditbot.settings.environment import Settings


def serve() -> None:
    """Run the whole bot in one process: Slack's events, over Socket Mode or HTTP, and the work."""
    from creditbot.settings.environment import Settings

    _start("serve", settings_of(Settings))


def web() -> None:
    """Receive Slack's events over HTTP; `creditbot worker` does the work. Run as many as you like."""
    from creditbot.settings.environment import WebSettings

    _start("web", settings_of(WebSettings))


def socket() -> None:
    """Receive Slack's events over Socket Mode; `creditbot worker` does the work. Run up to ten."""
    from creditbot.settings.environment import SocketSettings

    _start("socket", settings_of(SocketSettings))


def worker() -> None:
    """Do the work: call SendGrid, post cards and messages. Run as many as you like on PostgreSQL."""
    from creditbot.settings.environment import WorkerSettings

    _start("worker", settings_of(WorkerSettings))


def _start(role: str, settings: "Settings") -> None:
    """Run a process of this role until it is told to stop."""
    from creditbot import bootstrap
    from creditbot.domain.errors import WrongLedgerKey
    from creditbot.service import CannotListen
    from creditbot.settings.errors import ConfigError
    from creditbot.slack.connection import WrongToken
    from creditbot.startup.database import check_ledger_key, prepare_database, warn_of_missing_triggers

    async def service() -> None:
        await prepare_database(settings.database_url)
        await warn_of_missing_triggers(settings.database_url)
        await check_ledger_key(settings)
        await bootstrap.build(settings, bootstrap.Role(role)).run(settings.host, settings.port)
        await _leave_what_hangs()

    try:
        run(service())
    except ConfigError as error:
        fail(*error.lines, code=FAULTY_SETTINGS)
    except (CannotListen, WrongLedgerKey, WrongToken) as error:
        fail(str(error), code=FAULTY_SETTINGS)


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
