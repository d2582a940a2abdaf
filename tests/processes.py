"""Processes of creditbot as tests start them: forked from one that has imported all, or each from nothing."""

import asyncio
import atexit
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

from creditbot.sandbox import bot
from tests.extent import long_form

ROOT = Path(__file__).parent.parent

PATIENCE = 120.0
"""Seconds that a command gets which ends by itself."""


def forking() -> bool:
    """Whether processes are forked. Not on macOS, whose own libraries may not be used in a fork."""
    return sys.platform == "linux" and not long_form()


class Fork:
    """A process that is another's child, with as much of `Popen` as is needed of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self.pid = int(self._lines.readline())
        self._status: int | None = None

    @property
    def returncode(self) -> int | None:
        self._look(0)
        return self._status

    def _look(self, seconds: float) -> None:
        if self._status is None and select.select([self._connection], [], [], seconds)[0]:
            self._status = int(self._lines.readline())
            self._lines.close()
            self._connection.close()

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        while (status := self.returncode) is None:  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(0.01)
        return status

    def wait_here(self) -> int:
        """The exit status; nothing else is done meanwhile."""
        self._look(PATIENCE)
        if self._status is None:
            self.send_signal(signal.SIGKILL)
            raise TimeoutError(f"still running after {PATIENCE:.0f} s")
        return self._status


class ForkServer:
    """The process from which others are forked; it ends with this one."""

    def __init__(self) -> None:
        # Not pytest's folder: the path of a Unix socket has to be short.
        self._folder = Path(tempfile.mkdtemp(prefix="creditbot-"))
        self._path = str(self._folder / "forks")
        self._process = subprocess.Popen(  # noqa: S603 - a program of ours
            [sys.executable, "-m", "tests.forkserver", self._path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self.close)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"listening\n"

    def close(self) -> None:
        self._process.communicate()
        shutil.rmtree(self._folder)

    def start(
        self,
        arguments: tuple[str, ...],
        *,
        module: str,
        env: Mapping[str, str],
        folder: Path,
        out: IO[bytes],
        err: IO[bytes],
    ) -> Fork:
        """Run `python -m module arguments` in that folder, with nothing to read."""
        order = {"module": module, "arguments": arguments, "env": dict(env), "folder": str(folder)}
        data = json.dumps(order).encode()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._path)
        with Path(os.devnull).open("rb") as nothing:
            files = [nothing.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(connection, [len(data).to_bytes(8)], files)
            connection.sendall(data)
            return Fork(connection)


@cache
def fork_server() -> ForkServer:
    return ForkServer()


class Bot(bot.Bot):
    """The bot, whose processes are forked where that is the form of the tests."""

    async def _launch(self, *arguments: str, out: IO[bytes], err: IO[bytes]) -> bot.Running:
        if not forking():
            return await super()._launch(*arguments, out=out, err=err)
        return fork_server().start(
            arguments, module=self._module, env=self.env, folder=self._folder, out=out, err=err
        )


def creditbot(*arguments: str, env: Mapping[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run `creditbot …` to its end, with these settings and no others."""
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | dict(env)
    if not forking():
        return creditbot_from_nothing(*arguments, env=env, cwd=cwd)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = fork_server().start(arguments, module="creditbot", env=env, folder=cwd, out=out, err=err)
        status = process.wait_here()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(("creditbot", *arguments), status, *texts)


def creditbot_from_nothing(
    *arguments: str, env: Mapping[str, str], cwd: Path
) -> "subprocess.CompletedProcess[str]":
    """The same in a Python of its own, as it is started in earnest."""
    return subprocess.run(  # noqa: S603 - our own command line, with arguments of the tests
        [sys.executable, "-m", "creditbot", *arguments],
        env=dict(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
