"""The real bot as a process of its own, pointed at the sandbox."""

import asyncio
import os
import shlex
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

import aiohttp

from .sendgrid import SendGridSandbox
from .slack import SlackSandbox
from .world import APPROVALS, APPROVERS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(slack: SlackSandbox, sendgrid: SendGridSandbox, folder: Path) -> dict[str, str]:
    """The settings for a bot that uses this sandbox, over Socket Mode; nothing else of ours leaks in."""
    inherited = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ
    }
    return inherited | {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "SENDGRID_API_KEY": sendgrid.api_key,
        "SENDGRID_API_URL": sendgrid.url,
        "DATABASE_URL": f"sqlite:///{quote(str(folder / 'creditbot.db'))}",
        "CREDITBOT_APPROVALS_CHANNEL": APPROVALS,
        "CREDITBOT_APPROVERS": APPROVERS,
        "CREDITBOT_POSTS_PER_SECOND": "100",  # this Slack takes them as they come
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
    }


UP = b"creditbot is up"
"""What a process logs once all its parts have been started."""

LOOKED = b"The settings were checked with SendGrid and Slack"
"""And once it has asked SendGrid and Slack about its settings, which keeps nobody waiting."""


class Running(Protocol):
    """A process that was started, as far as it matters here."""

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...

    async def wait(self) -> int: ...


class Bot:
    """One process of creditbot, which can be started, asked, stopped, killed and started again."""

    def __init__(
        self,
        env: Mapping[str, str],
        folder: Path,
        *,
        role: str = "serve",
        name: str = "bot",
        module: str = "creditbot",
    ) -> None:
        """`role` is the command (serve, web, socket, worker), `name` that of its log file.

        `module` is what Python runs; a control experiment puts a broken bot here.
        """
        self.env = dict(env)
        self.role = role
        self.name = name
        self._folder = folder
        self._module = module
        self._process: Running | None = None
        self._log: IO[bytes] | None = None
        self._log_start = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.env['PORT']}"

    @property
    def log_file(self) -> Path:
        return self._folder / f"{self.name}.log"

    async def start(self) -> None:
        """Start the process and wait until it says that it is ready."""
        self._log = self.log_file.open("ab")
        self._log_start = self._log.tell()
        self._process = await self._launch(self.role, out=self._log, err=self._log)
        await self.wait_until_ready()
        await self._until_it_has_looked()

    async def _until_it_has_looked(self, patience: float = 5) -> None:
        """Let it ask its first questions, so that none of them meets a fault that is set from here on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while LOOKED not in self._written():  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.02)

    def _written(self) -> bytes:
        """What it has logged since it was started."""
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            return log.read()

    async def _launch(self, *arguments: str, out: IO[bytes], err: IO[bytes]) -> Running:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            *arguments,
            env=self.env,
            cwd=self._folder,
            stdin=DEVNULL,
            stdout=out,
            stderr=err,
        )

    async def wait_until_ready(self, patience: float = 60) -> None:
        async with asyncio.timeout(patience), aiohttp.ClientSession() as session:
            while not await self._is_ready(session):
                if self._process is not None and self._process.returncode is not None:
                    raise RuntimeError(f"the bot ended:\n{self.log_file.read_text()[-3000:]}")
                await asyncio.sleep(0.02)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        if self.role in {"socket", "worker"}:  # these answer no HTTP
            return UP in self._written()
        try:
            async with session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def stop(self, patience: float = 30) -> int:
        """SIGTERM, and the exit status."""
        return await self._end(signal.SIGTERM, patience)

    async def kill(self) -> None:
        """SIGKILL: no warning, no clean-up."""
        await self._end(signal.SIGKILL, 10)

    async def ended(self, patience: float = 60) -> int:
        """Wait until it has ended by itself, and the exit status."""
        if self._process is None:
            return 0
        async with asyncio.timeout(patience):
            return await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    async def _end(self, number: signal.Signals, patience: float) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(patience):
            status = await self._process.wait()
        self._process = None
        if self._log is not None:
            self._log.close()
        return status

    def in_a_shell(self, *arguments: str) -> str:
        """`creditbot …` on the bot's database, as it can be typed in any shell on this machine."""
        settings = {name: self.env[name] for name in ("PYTHONPATH", "DATABASE_URL") if name in self.env}
        given = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
        return " ".join([*given, shlex.join([sys.executable, "-m", "creditbot", *arguments])])

    async def command_line(self, *arguments: str) -> tuple[int, str, str]:
        """Run `creditbot …` with the bot's settings: exit status, standard output, standard error."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = await self._launch(*arguments, out=out, err=err)
            status = await process.wait()
            out.seek(0)
            err.seek(0)
            return status, out.read().decode(), err.read().decode()
