"""Rows about one request: its write transactions, and how soon its card shows what was decided."""

import json
from collections import Counter
from statistics import median
from typing import Any

from creditbot.sandbox.world import APPROVALS

from .figures import Figure, milliseconds, percentile
from .size import Size
from .stage import NAMES, Kind, Stage, stage

COUNTED = "tests.bench.counted"

MOST = 9

SLOW = 0.3
"""Seconds; longer than anything takes that needs no answer from outside."""


class Locks:
    """What the processes on a stage have noted since the last look."""

    def __init__(self, on: Stage) -> None:
        self._folder = on.folder
        self._read: Counter[str] = Counter()

    def new(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for path in sorted(self._folder.glob("locks-*.jsonl")):
            lines = path.read_text().splitlines()
            found += map(json.loads, lines[self._read[path.name] :])
            self._read[path.name] = len(lines)
        return found


async def _to_its_end(on: Stage, subuser: str) -> None:
    await on.approve(await on.card(subuser))
    await on.until_idle()


async def transactions(size: Size) -> list[Figure]:
    """Those that hold the write lock, from a command to the end of its request."""
    return [await _transactions(kind, size.of(2, 5)) for kind in NAMES]


async def _transactions(kind: Kind, number: int) -> Figure:
    async with stage(kind, module=COUNTED) as on:
        locks = Locks(on)
        await _to_its_end(on, "globex")
        locks.new()
        runs = []
        for _ in range(number):
            await _to_its_end(on, "acme")
            runs.append(locks.new())
    fewest = min(runs, key=len)
    held = median(sum(one["held"] for one in run) for run in runs)
    named = Counter(one["name"].partition(":")[0] for one in fewest)
    whose = ", ".join(name if times == 1 else f"{times} times {name}" for name, times in named.items())
    return Figure(
        "a request from command to end: transactions that hold the write lock",
        f"at most {MOST}",
        f"{len(fewest)}, which hold it for {milliseconds(held)} in all:\n{whose}",
        len(fewest) <= MOST,
        NAMES[kind],
    )


async def two_webs(size: Size) -> list[Figure]:
    """How long the lock of the whole fleet is held for a request, with several processes.

    SendGrid and Slack are slow, so that a lock that is held while they are asked would show.
    """
    number = size.of(3, 20)
    async with stage("postgresql", module=COUNTED, roles=("web", "web", "worker")) as on:
        locks = Locks(on)
        await _to_its_end(on, "globex")
        locks.new()
        on.sendgrid.faults.add("slow", method=None, times=10**6, seconds=SLOW)
        for method in ("chat.postMessage", "chat.update"):
            on.slack.faults.hang(method, SLOW, times=1000)
        for place in range(number):
            on.slack.events_url = f"{on.bots[place % 2].url}/slack/events"
            await _to_its_end(on, "acme")
        found = locks.new()
    held = [one["held"] for one in found]
    longest = max(found, key=lambda one: one["held"])
    statements = sum(one["statements"] for one in found)
    return [
        Figure(
            f"two web processes and a worker, SendGrid and Slack take {SLOW:g} s: the write lock",
            "held across no call of them",
            f"{milliseconds(sum(held) / number)} a request, in {len(found) / number:.1f} transactions with "
            f"{statements / number:.0f} statements; p50 {milliseconds(percentile(held, 0.5))}, "
            f"longest {milliseconds(longest['held'])} ({longest['name']})",
            longest["held"] < SLOW,
            NAMES["postgresql"],
        )
    ]


async def click(size: Size) -> list[Figure]:
    """From a click to the card that shows it, with nothing else going on."""
    found = []
    for kind in NAMES:
        async with stage(kind) as on:
            seconds = []
            for _ in range(size.of(5, 20)):
                seconds.append(await on.approve(await on.card()))
                await on.until_idle()
            posted = len(on.slack.messages(APPROVALS))
        p50 = percentile(seconds, 0.5)
        figure = f"{milliseconds(p50)} at p50, {milliseconds(max(seconds))} at most, of {posted} cards"
        found.append(
            Figure("click to redrawn card, idle", "under 0.3 s at p50", figure, p50 < 0.3, NAMES[kind])
        )
    return found
