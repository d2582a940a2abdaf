"""The row about memory: what one process keeps after many commands, every tenth of which leads to a PATCH."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

from creditbot.sandbox.sendgrid import Subuser
from creditbot.sandbox.slack import Message, Person
from creditbot.sandbox.world import BOB, GENERAL

from .figures import Figure
from .size import Size
from .stage import NAMES, Kind, Stage, stage
from .watched import blocks_file

MOST = 1.1

CHANNELS = 100
"""Slack takes a message a second in each, and changes are to be made faster than that."""

PEOPLE = 1000

CHANGES, AT_A_TIME = 10, 300
"""One command in so many asks for a change; and so many are under way before the next ones are."""

OTHERS = (
    "balance brand-{0}",
    "balance brand-{0}",
    "balance nobody-{1}",
    "pending",
    "history",
    "history brand-{0}",
    "show {1}",
    "add brand-{0} nothing why",
    "help",
)

AT_ONCE = 16

PATIENCE, TRIES = 20.0, 10
"""Seconds after which it is done again, and how often: people try again, too, if they are told no."""

POLICY = "\n".join(
    [
        '[who]\nmay_ask = "anyone"\nmay_see = "anyone"',
        f'[[tiers]]\nname = "all"\napprovers = ["{BOB}"]',
        *(
            f'[[channels]]\nsubusers = ["brand-{number}"]\nchannel = "C0BRAND{number}"'
            for number in range(CHANNELS)
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class Used:
    """By the bot's process, after so many commands: resident bytes, and blocks that Python has allocated."""

    commands: int
    resident: int
    blocks: int

    def __str__(self) -> str:
        return f"{self.resident / 2**20:.1f} MiB and {self.blocks:,} blocks after {self.commands:,}"


async def memory(size: Size) -> list[Figure]:
    """What one process keeps in memory."""
    kinds: tuple[Kind, ...] = size.of(("sqlite",), ("sqlite", "postgresql"))
    return [await _memory(kind, size.commands or size.of(3_000, 100_000)) for kind in kinds]


async def _memory(kind: Kind, number: int) -> Figure:
    step = 10 * AT_A_TIME
    number = max(number // step, 1) * step
    looks = {min(1_000, number // 10), number // 10, number}
    found: list[Used] = []
    async with stage(kind, module="tests.bench.watched", policy=POLICY) as on:
        _furnish(on)
        earlier: list[Message] = []
        for done in range(0, number, AT_A_TIME):
            changes = range(done // CHANGES + 1, (done + AT_A_TIME) // CHANGES + 1)
            earlier = await _some(on, changes, earlier)
            if (after := done + AT_A_TIME) in looks:
                found.append(await _used(on, after))
    tenth, end = found[-2:]
    resident, blocks = end.resident / tenth.resident, end.blocks / tenth.blocks
    each = "\n".join(map(str, found))
    return Figure(
        f"memory after {number:,} commands, each tenth a change, beside {tenth.commands:,}",
        f"at most {MOST} times",
        f"{resident:.2f} times, and {blocks:.2f} times as many blocks of Python:\n{each}",
        max(resident, blocks) <= MOST,
        NAMES[kind],
    )


def _furnish(on: Stage) -> None:
    workspace = on.slack.workspace
    people = {f"U0P{number}" for number in range(PEOPLE)}
    for person in people:
        workspace.add_person(Person(person, person.lower(), person))
    workspace.channels[GENERAL].members |= people
    for number in range(CHANNELS):
        workspace.add_channel(f"C0BRAND{number}", f"brand-{number}", [BOB])
        on.sendgrid.account.add_subuser(Subuser(f"brand-{number}", "nonrecurring", remain=10**6))


async def _some(on: Stage, numbers: range, earlier: list[Message]) -> list[Message]:
    """Have these changes asked for, approved and applied, and all else said as often.

    Slack forgets what is older than that, but not us.
    """
    messages = on.slack.workspace.messages
    before = len(messages)

    async def say(words: str, number: int) -> None:
        words = words.format(number % CHANNELS, number)
        await on.slack.command(f"U0P{number % PEOPLE}", f"/credits {words}", channel=GENERAL)

    async def ask(number: int) -> None:
        await say("add brand-{0} {1} why", number)

    async def say_all_else(number: int) -> None:
        for words in OTHERS:
            await say(words, number)

    def card(number: int) -> Message | None:
        channel = f"C0BRAND{number % CHANNELS}"
        return next((message for message in messages[before:] if message.channel == channel), None)

    async def approve(number: int) -> None:
        shown = card(number)
        assert shown is not None
        with suppress(LookupError):  # it was taken the last time
            await on.slack.click(BOB, shown, "Approve")

    def is_applied(number: int) -> bool:
        return (shown := card(number)) is not None and "Applied" in shown.text

    await _all(say_all_else, numbers, lambda _: True)
    await _all(ask, numbers, lambda number: card(number) is not None)
    await _all(approve, numbers, is_applied)
    old = set(map(id, earlier))
    messages[:] = [message for message in messages if id(message) not in old]
    for kept in (on.slack.calls, on.sendgrid.calls, on.sendgrid.account.ledger):
        kept.clear()
    return list(messages)


async def _all(
    do: Callable[[int], Awaitable[None]], numbers: Iterable[int], done: Callable[[int], bool]
) -> None:
    """Do it for each, several at once; again where it was not taken in time."""
    for _ in range(TRIES):
        waiting = iter(numbers)

        async def one_after_another(waiting: Iterator[int] = waiting) -> None:
            for one in waiting:
                await do(one)

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
        ends = time.monotonic() + PATIENCE
        while numbers := [number for number in numbers if not done(number)]:
            if time.monotonic() > ends:
                break
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError(f"never done: {numbers}")


async def _used(on: Stage, after: int) -> Used:
    path = blocks_file(on.folder, on.bot.pid)
    path.unlink(missing_ok=True)
    on.bot.send(signal.SIGUSR1)
    while not path.exists():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.05)
    return Used(after, psutil.Process(on.bot.pid).memory_info().rss, int(path.read_text()))
