"""Rows about starting."""

import asyncio
import subprocess
import sys
import time
from statistics import median

from creditbot.sandbox.bot import free_port

from .figures import Figure, milliseconds, ratio
from .size import Size
from .stage import Process, Stage, bare, stage


async def help_(size: Size) -> list[Figure]:
    """`creditbot --help`, beside a Python that does nothing."""
    nothing, help_times = [], []
    _seconds("-m", "creditbot", "--help")  # what is compiled, lasts
    for _ in range(size.of(5, 15)):
        nothing.append(_seconds("-c", "pass"))
        help_times.append(_seconds("-m", "creditbot", "--help"))
    seconds = median(help_times)
    figure = f"{milliseconds(seconds)}, of which {milliseconds(median(nothing))} is Python itself"
    return [Figure("creditbot --help", "under 150 ms", figure, seconds < 0.15)]


def _seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)  # noqa: S603 - our own words
    return time.perf_counter() - started


async def start(size: Size) -> list[Figure]:
    """From the start of a process to its first ack."""
    ours: list[float] = []
    theirs: list[float] = []
    async with stage() as on:
        await on.bot.stop()
        for number in range(size.of(3, 10)):
            env = on.env | {"PORT": str(free_port())}
            sides = [(Process(env, on.folder, name="started"), ours), (bare(on), theirs)]
            for process, side in sides if number % 2 == 0 else sides[::-1]:
                side.append(await _first_ack(on, process))
    times = ratio(ours, theirs)
    figure = f"{times:.2f} times ({milliseconds(median(ours))} to {milliseconds(median(theirs))})"
    return [Figure("start to first ack", "at most 1.5 times the bare app", figure, times <= 1.5)]


async def _first_ack(on: Stage, process: Process) -> float:
    started = time.perf_counter()
    starting = asyncio.create_task(process.start())
    while not (await on.send(process, ["/credits help"]))[0].acked:  # noqa: ASYNC110 - it does not listen yet
        await asyncio.sleep(0.005)
    seconds = time.perf_counter() - started
    await starting
    await process.stop()
    return seconds
