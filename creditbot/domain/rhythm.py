"""How use is spread over a week: which hours or days have how much of it.

Slots are counted backward from the newest reading, so that readings which come once a day at the same time
fill one slot each. Nothing is assumed of time zones, or of when a week begins: a slot is only compared with
the same of other weeks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate
from math import fsum

from .use import LOOK_BACK, Use

HOUR = timedelta(hours=1)

DAY_HOURS = 24
WEEK_HOURS = 7 * DAY_HOURS

WEEKS = LOOK_BACK // timedelta(weeks=1)

LEAST_WEEKS = 2
"""How many must be known before weeks are taken to be alike."""

KNOWN = 0.5
"""The share of a slot, and of a week's slots, that must be known for it to count."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Credits used in slots of so many hours each, latest first, and how many hours of each are known."""

    hours: int
    credits: list[float]
    known: list[float]

    @classmethod
    def of(cls, uses: Iterable[Use], newest: datetime, hours: int) -> "Slots":
        """Each use is spread evenly over the time in which it was."""
        number = WEEKS * WEEK_HOURS // hours
        credits_, known = [0.0] * number, [0.0] * number
        for use in uses:
            start, end = max((newest - use.until) / HOUR, 0.0), (newest - use.since) / HOUR
            hourly = use.daily / DAY_HOURS
            slot = int(start // hours)
            while start < end and slot < number:
                until = min(end, float((slot + 1) * hours))
                credits_[slot] += hourly * (until - start)
                known[slot] += until - start
                slot, start = slot + 1, until
        return cls(hours, credits_, known)

    def weeks(self) -> Iterator[range]:
        """The slots of each week that is known well enough."""
        in_week = WEEK_HOURS // self.hours
        for first in range(0, len(self.known), in_week):
            week = range(first, first + in_week)
            if sum(map(self.tells, week)) >= KNOWN * in_week:
                yield week

    def tells(self, slot: int) -> bool:
        return self.known[slot] >= KNOWN * self.hours


@dataclass(frozen=True)
class Rhythm:
    """The weight of each slot of a week, latest first; they are 1 on average.

    Time that is counted with these weights is measured in usual days: a week has seven, wherever they lie.
    """

    hours: int
    weights: tuple[float, ...]

    @classmethod
    def flat(cls, hours: int) -> "Rhythm":
        return cls(hours, (1.0,) * (WEEK_HOURS // hours))

    @property
    def is_flat(self) -> bool:
        return len(set(self.weights)) == 1

    @cached_property
    def _coming(self) -> list[float]:
        """The usual days from the newest reading to the end of each slot of the coming week."""
        return list(accumulate(weight * self.hours / DAY_HOURS for weight in reversed(self.weights)))

    def usual_days(self, hours: float) -> float:
        """How many usual days so many hours have that come after the newest reading."""
        weeks, rest = divmod(hours, WEEK_HOURS)
        slot = min(int(rest // self.hours), len(self.weights) - 1)
        before = self._coming[slot - 1] if slot else 0.0
        part = (rest - slot * self.hours) / self.hours
        return weeks * self._coming[-1] + before + part * (self._coming[slot] - before)

    def hours_for(self, usual_days: float) -> float:
        """The hours from the newest reading until so many usual days are over: the opposite."""
        weeks, rest = divmod(usual_days, self._coming[-1])
        before = 0.0
        for slot, until in enumerate(self._coming):
            if rest <= until and before < until:
                return weeks * WEEK_HOURS + self.hours * (slot + (rest - before) / (until - before))
            before = until
        return (weeks + 1) * WEEK_HOURS


def rhythm(slots: Slots) -> Rhythm:
    """The rhythm of the weeks that are known, drawn to a flat one as far as they differ from each other.

    How far is what actuaries call credibility (Bühlmann): what is seen in n weeks is believed as far as the
    weights differ by more than n weeks that differ so much would let them by chance. Each week is measured by
    its own level, so that growth is no rhythm.
    """
    in_week = WEEK_HOURS // slots.hours
    seen: list[list[float]] = [[] for _ in range(in_week)]
    for week in slots.weeks():
        known = [slot for slot in week if slots.tells(slot)]
        level = fsum(slots.credits[slot] for slot in known) / fsum(slots.known[slot] for slot in known)
        for slot in known if level > 0 else ():
            seen[slot - week.start].append(slots.credits[slot] / slots.known[slot] / level)
    weeks = max(map(len, seen))
    if weeks < LEAST_WEEKS or not any(slots.known[LEAST_WEEKS * in_week - 1 :]):
        return Rhythm.flat(slots.hours)
    means = [fsum(values) / len(values) if values else 1.0 for values in seen]
    average = fsum(means) / in_week
    differ = fsum((mean - average) ** 2 for mean in means) / (in_week - 1)
    by_chance = _variance(seen, means) / weeks
    believed = 1 - by_chance / differ if differ > by_chance else 0.0
    return Rhythm(slots.hours, tuple(1 + believed * (mean / average - 1) for mean in means))


def _variance(seen: list[list[float]], means: list[float]) -> float:
    """How much the weeks differ in one slot, on average over the slots that are known of several."""
    several = [
        fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
        for values, mean in zip(seen, means, strict=True)
        if len(values) > 1
    ]
    return fsum(several) / len(several) if several else 0.0
