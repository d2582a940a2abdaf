"""`creditbot demo`: the page is there, and what it keeps is kept only if asked."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

from tests.processes import creditbot

PATIENCE = 120

COMMAND = {"user": "U0ALICE", "channel": "C0GENERAL", "text": "/credits add acme 5000 Black Friday"}
CLICK = {"user": "U0BOB", "channel": "C0APPROVALS", "action_id": "approve", "block_id": "decision"}


@asynccontextmanager
async def demo(folder: Path, *arguments: str) -> AsyncIterator[str]:
    """The command running, by the address that it printed; it ends with Ctrl+C."""
    async with told(folder, *arguments) as (url, _):
        yield url


@asynccontextmanager
async def told(folder: Path, *arguments: str) -> AsyncIterator[tuple[str, str]]:
    """The command running, by the address and by all that it printed until it was up."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "creditbot",
        "demo",
        *arguments,
        cwd=folder,
        env={**os.environ, "CI": "true"},  # no browser is opened on the desktop of whoever runs the tests
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            printed = await until_it_is_up(process)
        found = re.search(r"http://127\.0\.0\.1:\d+", printed)
        assert found is not None, printed
        yield found[0], printed
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        assert (process.returncode, b"Traceback" in out) == (0, False), out.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_it_is_up(process: Process) -> str:
    assert process.stdout is not None
    printed = ""
    while line := (await process.stdout.readline()).decode():
        printed += line
        if line.startswith("Press Ctrl+C"):
            return printed
    raise AssertionError(f"it ended: {printed}")


async def seen(url: str, wanted: Callable[[Any], object]) -> Any:
    """All that the page shows, once it shows what is wanted."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession(url) as session:
        while True:
            async with session.get("/events") as stream:
                await stream.content.readline()
                data = (await stream.content.readline()).decode().removeprefix("data: ")
            if wanted(whole := json.loads(data)):
                return whole
            await asyncio.sleep(0.1)


def connected(whole: Any) -> bool:
    return bool(whole["bot"]["connected"])


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_the_page_is_there_and_the_bot_behind_it(tmp_path: Path) -> None:
    async with demo(tmp_path, "--port", "0") as url:
        await seen(url, connected)
        async with aiohttp.ClientSession(url) as session, session.get("/") as answer:
            assert "creditbot sandbox" in await answer.text()
    assert files(tmp_path) == set()


@pytest.mark.lasts
async def test_another_run_goes_on_with_what_was_kept(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    async with demo(tmp_path, "--port", "0", "--keep", str(kept)) as url:
        await seen(url, connected)
        async with aiohttp.ClientSession(url) as session, session.post("/act/say", json=COMMAND) as answer:
            assert (await answer.json())["acked"]
        await seen(url, lambda whole: card_of(whole) is not None)
    assert {"creditbot.db", "bot.log", "sandbox.json"} <= files(kept)
    async with demo(tmp_path, "--port", "0", "--keep", str(kept)) as url:
        whole = await seen(url, connected)
        assert [request["status"] for request in whole["record"]["requests"]] == ["pending"]
        approve = {**CLICK, "ts": card_of(whole)}
        async with aiohttp.ClientSession(url) as session, session.post("/act/click", json=approve) as answer:
            assert (await answer.json())["acked"]
        whole = await seen(url, lambda whole: whole["record"]["requests"][0]["status"] == "applied")
        assert whole["subusers"]["list"][0]["applied"] == [5000]


@pytest.mark.lasts
async def test_the_commands_that_it_prints_work_as_they_are(tmp_path: Path) -> None:
    kept = tmp_path / "it's :ok: [a] 100% & more?"
    async with told(tmp_path, "--port", "0", "--keep", str(kept)) as (url, printed):
        await seen(url, connected)
        async with aiohttp.ClientSession(url) as session, session.post("/act/say", json=COMMAND) as answer:
            assert (await answer.json())["acked"]
        hints = dict(re.findall(r"^  \w+ the (\w+) +(.+)$", printed, re.MULTILINE))
        shown = {what: await in_a_shell(hint) for what, hint in hints.items() if what != "log"}
        log = await in_a_shell(hints["log"].replace("tail -F", "tail"))
    assert shown["requests"].splitlines()[1].endswith("\tBlack Friday")
    assert "The ledger is intact" in shown["ledger"]
    assert "creditbot is up" in log


async def in_a_shell(command: str) -> str:
    """What it prints in another folder, with nothing else set than what a shell has."""
    with TemporaryDirectory() as elsewhere:
        process = await asyncio.create_subprocess_shell(
            command, cwd=elsewhere, env={"PATH": os.environ["PATH"]}, stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def card_of(whole: Any) -> str | None:
    return next((message["ts"] for message in whole["messages"] if message["channel"] == "C0APPROVALS"), None)


async def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, err = await run(tmp_path, "--port", port)
    assert status == 2
    assert err == f"Port {port} is already in use. Choose another one with --port.\n"


async def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and standard error of a demo that ends by itself."""
    done = await asyncio.to_thread(creditbot, "demo", *arguments, env={}, cwd=folder)
    return done.returncode, done.stderr


async def test_a_folder_in_which_nothing_can_be_kept_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, err = await run(tmp_path, "--keep", "file/folder")
    assert status == 2
    assert err == ("Can't write to file/folder (Not a directory). Choose another folder with --keep.\n")


@pytest.mark.parametrize("other", [("--keep", "kept"), ("--port", "0"), ("--story",)])
async def test_the_story_alone_takes_no_option_of_the_page(tmp_path: Path, other: tuple[str, ...]) -> None:
    status, err = await run(tmp_path, "--once", *other)
    assert (status, files(tmp_path)) == (2, set())
    assert err.startswith("--once shows no page and keeps nothing")
