"""Rows beside the bare app: what a command costs, and how long it takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from creditbot.sandbox.sendgrid import Subuser

from .figures import Figure, milliseconds, percentile, ratio
from .load import Sent
from .size import Size
from .stage import Process, Stage, bare_app, stage

AT_ONCE = 32


@dataclass
class Rounds:
    """What the rounds of one side have shown."""

    cpu: list[float] = field(default_factory=list)  # seconds a command, by round
    wall: list[float] = field(default_factory=list)  # likewise
    acks: list[list[float]] = field(default_factory=list)

    def ack(self, share: float) -> list[float]:
        return [percentile(acks, share) for acks in self.acks]

    def add(self, sent: Sequence[Sent], cpu: float, *, answered: bool) -> None:
        failed = [one for one in sent if not one.acked or (answered and one.answer is None)]
        assert not failed, f"{len(failed)} of {len(sent)} commands have failed: {failed[0]}"
        self.cpu.append(cpu / len(sent))
        self.acks.append([one.ack for one in sent])
        self.wall.append(median(one.answer or one.ack for one in sent))


async def in_turns(
    on: Stage, texts: Sequence[str], *, rounds: int, at_once: int, answered: bool = False, calls: int = 0
) -> tuple[Rounds, Rounds]:
    """The bot's rounds and the bare app's; each command makes so many calls of SendGrid on either side."""
    ours, theirs = Rounds(), Rounds()
    async with bare_app(on) as bare:
        sides: list[tuple[Process, Rounds]] = [(on.bot, ours), (bare, theirs)]
        for process, _ in sides:  # warm up
            await on.send(process, texts[: 2 * at_once + 10], at_once=at_once, answered=answered)
        for number in range(rounds):
            for process, side in sides if number % 2 == 0 else sides[::-1]:
                on.sendgrid.calls.clear()
                before = process.cpu()
                sent = await on.send(process, texts, at_once=at_once, answered=answered)
                side.add(sent, process.cpu() - before, answered=answered)
                assert len(on.sendgrid.calls) == calls * len(texts)
    return ours, theirs


def _compared(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{ratio(ours, theirs):.2f} times ({milliseconds(median(ours))} to {milliseconds(median(theirs))})"


async def balance(size: Size) -> list[Figure]:
    """CPU and time of a balance at 32 at once."""
    async with stage() as on:
        # Each of its own, since the bot answers all who ask for the same at once by one reading.
        names = [f"brand-{number}" for number in range(2 * AT_ONCE)]
        for name in names:
            on.sendgrid.account.add_subuser(Subuser(name, type="nonrecurring", remain=1000))
        texts = [f"/credits balance {name}" for name in names] * size.of(3, 16)
        ours, theirs = await in_turns(
            on, texts, rounds=size.of(3, 7), at_once=AT_ONCE, answered=True, calls=2
        )
    what = f"balance, {AT_ONCE} at once"
    cpu, wall = ratio(ours.cpu, theirs.cpu), ratio(ours.wall, theirs.wall)
    return [
        Figure(f"{what}: CPU", "at most 1.5 times the bare app", _compared(ours.cpu, theirs.cpu), cpu <= 1.5),
        Figure(f"{what}: until the answer, p50", "", f"{wall:.2f} times ({milliseconds(median(ours.wall))})"),
        Figure(f"{what}: ack, p50", "", _compared(ours.ack(0.5), theirs.ack(0.5))),
    ]


async def ack(size: Size) -> list[Figure]:
    """Ack alone."""
    found = []
    async with stage() as on:
        for at_once in (1, 32):
            texts = ["/credits help"] * size.of(500, 4000)
            ours, theirs = await in_turns(on, texts, rounds=size.of(3, 7), at_once=at_once)
            for name, mine, other in (
                ("p50", ours.ack(0.5), theirs.ack(0.5)),
                ("p99", ours.ack(0.99), theirs.ack(0.99)),
                ("CPU", ours.cpu, theirs.cpu),
            ):
                goal = "at most 1.2 times the bare app"
                met = ratio(mine, other) <= 1.2
                found.append(Figure(f"help, {at_once} at once: {name}", goal, _compared(mine, other), met))
    return found
