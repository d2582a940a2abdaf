"""How fast a subuser's credits are used, and how sure that is.

The method is the simplest that did well in the back-test (`make bench ARGS=forecast`): the use of each day,
divided by how much of a usual day it is in the week's rhythm, is averaged with weights that halve every few
days.

A median would call a sender of two campaigns a week idle, and by a plain average one burst makes a panic for
as long as it is remembered. So a day counts at most as the second highest of the four weeks, or three times
the median of those with any use, whichever is more: a first burst is cut, a second one is believed, and a
lasting rise shows on its first day. No trend is drawn out: how far the pace may wander is in the range.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum, inf, sqrt
from statistics import median

from .rhythm import DAY_HOURS, HOUR, Rhythm, Slots, rhythm
from .use import Use

SLOT_HOURS = 3
"""Of a slot, where readings are near enough to fill them. Shorter ones did no better in the back-test."""

LEAST_USES = 2
LEAST_HOURS = 24
"""Below either no pace is told: two readings say nothing of how one stretch of time differs from another."""

HALF_LIFE = 3.0
"""Days after which a day counts half."""

TIMES_MEDIAN = 3.0
"""So many times the usual use a single day counts at most."""

SMALLEST_DAY = 0.1
"""Days that have less of a usual day tell nothing of the level."""

SURE = 1.4
"""Standard deviations that a range has either way: so many that four in five came true in the back-test."""

WANDERS = 0.25
"""How much the pace changes in a week by itself, relatively."""

WANDERED = 0.25
"""Weeks that it has been wandering already: what is known is some days old."""

USUAL_SPREAD = 0.5
USUAL_SPREAD_DAYS = 3.0
"""How much days differ, relatively, before any are known; it counts as much as so many days that are."""

SPREAD_HALF_LIFE = 7.0


@dataclass(frozen=True)
class Pace:
    """Use in the time that comes: `daily` credits on a usual day.

    `spread` is the standard deviation of a day's use, relatively to it; `days` is how many days the level was
    made of, effectively. Where `rhythm` is not flat, usual days are more or less than a day long.
    """

    daily: float
    spread: float
    days: float
    rhythm: Rhythm

    @property
    def low(self) -> float:
        """The least credits a day that are plausible for the coming week, on average."""
        return self.daily / self.factor(7)

    @property
    def high(self) -> float:
        """The most."""
        return self.daily * self.factor(7)

    def factor(self, usual_days: float) -> float:
        """How many times more, or less, than is likely may well be used in the coming usual days."""
        wandering = WANDERS**2 * (WANDERED + usual_days / 7)
        by_chance = self.spread**2 * (1 / max(usual_days, 0.25) + 1 / self.days)
        return 1 + SURE * sqrt(wandering + by_chance)


def pace(uses: Sequence[Use], newest: datetime) -> Pace | None:
    """The pace at the newest reading; None if too little is known, or nothing was used."""
    complete = [use.daily for use in uses if not use.ended_empty]
    usual = median(complete) if complete else 0.0
    # Where the last credit went, it is known only that use was at least so much.
    uses = [use for use in uses if not use.ended_empty or use.daily >= usual]
    slots = Slots.of(uses, newest, _slot_hours(uses))
    found = rhythm(slots)
    return _pace(_days(slots, found), found)


def known_enough(uses: Sequence[Use]) -> bool:
    return len(uses) >= LEAST_USES and fsum(use.lasted / HOUR for use in uses) >= LEAST_HOURS


def _slot_hours(uses: Sequence[Use]) -> int:
    """Days where a day is all that is known: shorter slots would tell no more, and take longer."""
    often = median(use.lasted / HOUR for use in uses) < 2 * SLOT_HOURS
    return SLOT_HOURS if often else DAY_HOURS


@dataclass(frozen=True, slots=True)
class _Day:
    """A day before the newest reading: its age in days, its use, and how much of a usual day is known."""

    age: int
    credits: float
    usual: float

    @property
    def daily(self) -> float:
        return self.credits / self.usual


def _days(slots: Slots, found: Rhythm) -> list[_Day]:
    in_day, in_week = DAY_HOURS // slots.hours, len(found.weights)
    days = []
    for age in range(len(slots.credits) // in_day):
        of_day = range(age * in_day, (age + 1) * in_day)
        usual = fsum(slots.known[slot] * found.weights[slot % in_week] for slot in of_day) / DAY_HOURS
        if usual > SMALLEST_DAY:
            days.append(_Day(age, fsum(slots.credits[slot] for slot in of_day), usual))
    return days


def _pace(days: list[_Day], found: Rhythm) -> Pace | None:
    most = _most(days)
    weights = [2 ** (-day.age / HALF_LIFE) for day in days]
    weighed = list(zip(weights, days, strict=True))
    in_all = fsum(weight * day.usual for weight, day in weighed)
    if not in_all:
        return None
    daily = fsum(weight * min(day.credits, most * day.usual) for weight, day in weighed) / in_all
    if daily <= 0:
        return None
    alike = in_all**2 / fsum((weight * day.usual) ** 2 for weight, day in weighed)
    return Pace(daily, _spread(days, daily, most), alike, found)


def _most(days: list[_Day]) -> float:
    """What a single day counts at most."""
    used = sorted((day.daily for day in days if day.credits > 0), reverse=True)
    return inf if len(used) < 2 else max(used[1], TIMES_MEDIAN * median(used))


def _spread(days: list[_Day], daily: float, most: float) -> float:
    weights = [2 ** (-day.age / SPREAD_HALF_LIFE) * day.usual for day in days]
    squares = fsum(
        weight * (min(day.daily, most) / daily - 1) ** 2 for weight, day in zip(weights, days, strict=True)
    )
    known = fsum(weights) + USUAL_SPREAD_DAYS
    return sqrt((squares + USUAL_SPREAD_DAYS * USUAL_SPREAD**2) / known)
