"""A subuser's balance over time, in as few values as can be drawn.

Time is cut into slots of one length, of whole days or whole hours in UTC. A slot has the last balance that
was read in it, since a balance is a level; a slot in which none was read is a gap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median_low

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOURS = (1, 2, 3, 6, 12)
"""Lengths of slots below a day: they divide it, so that the same hours come again each day."""

ROUGHLY = 1.5
"""Readings come a little early or late; slots that are shorter than they are apart would be gaps by turns."""


@dataclass(frozen=True, slots=True)
class Level:
    """The credits that were left at one moment; None if SendGrid did not report them."""

    at: datetime
    remain: int | None


@dataclass(frozen=True, slots=True)
class OwnChange:
    """A change that creditbot made."""

    at: datetime
    allocation_update: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is known of one subuser's balance from `since` to `until`, oldest first."""

    subuser: str
    since: datetime
    until: datetime
    levels: Sequence[Level] = ()
    changes: Sequence[OwnChange] = ()
    known: Sequence[tuple[datetime, int]] = field(init=False)
    """Only those levels that are in that time and have a balance."""

    def __post_init__(self) -> None:
        known = [(level.at, level.remain) for level in self.levels if level.remain is not None]
        within = sorted(entry for entry in known if self.since <= entry[0] <= self.until)
        object.__setattr__(self, "known", within)
        own = sorted(self.changes, key=lambda change: change.at)
        object.__setattr__(self, "changes", [one for one in own if self.since <= one.at <= self.until])


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots that follow one another without a break, each from its bound up to the next one."""

    bounds: Sequence[datetime]

    @property
    def length(self) -> timedelta:
        return self.bounds[1] - self.bounds[0]

    @property
    def labels(self) -> list[str]:
        """What each is called: by its hour, or by the last of its days. 12 Nov, 12 Nov 14:00"""
        if self.length < DAY:
            return [f"{start.day} {start:%b %H:%M}" for start in self.bounds[:-1]]
        return [day_of(end - DAY) for end in self.bounds[1:]]

    def last_of_each(self, known: Iterable[tuple[datetime, int]]) -> list[int | None]:
        """The last balance of each slot, oldest first."""
        found: list[int | None] = [None] * (len(self.bounds) - 1)
        for at, remain in known:
            place = self._place(at)
            if place is not None:
                found[place] = remain
        return found

    def net_of_each(self, changes: Iterable[OwnChange]) -> list[int | None]:
        """What the changes of each slot add up to; None where there were none."""
        found: list[int | None] = [None] * (len(self.bounds) - 1)
        for change in changes:
            place = self._place(change.at)
            if place is not None:
                found[place] = (found[place] or 0) + change.allocation_update
        return found

    def _place(self, at: datetime) -> int | None:
        place = (at - self.bounds[0]) // self.length
        return place if 0 <= place < len(self.bounds) - 1 else None


def cut(timelines: Sequence[Timeline], most: int) -> Slots:
    """At most so many slots for these balances, from the first that is known on.

    Raises:
        ValueError: of one of them nothing is known.
    """
    if not timelines or not all(timeline.known for timeline in timelines):
        raise ValueError("nothing is known of a subuser")
    since = min(timeline.known[0][0] for timeline in timelines)
    until = max(timeline.until for timeline in timelines)
    apart = max(map(_usually_apart, timelines))
    return slots(since, until, most, least=apart / ROUGHLY)


def _usually_apart(timeline: Timeline) -> timedelta:
    gaps = [after[0] - before[0] for before, after in pairwise(timeline.known)]
    return median_low(gaps) if gaps else timedelta()


def slots(since: datetime, until: datetime, most: int, *, least: timedelta = HOUR) -> Slots:
    """The shortest slots of which at most so many cover a time; the last one has `until` in it.

    They are not shorter than `least`, unless that is more than a day. Those of hours begin at such hours as
    divide the day. Those of days are counted back from the last day, so that it is whole however many days
    the others have.
    """
    first, last = _midnight(since), _midnight(until)
    for hours in HOURS:
        length = hours * HOUR
        start = first + (since - first) // length * length
        count = (until - start) // length + 1
        if count <= most and length >= least:
            return Slots([start + n * length for n in range(count + 1)])
    days = (last - first) // DAY + 1
    length = -(-days // most) * DAY
    count = -(-days // (length // DAY))
    return Slots([last + DAY - n * length for n in range(count, -1, -1)])


def day_of(at: datetime) -> str:
    """12 Nov"""
    return f"{at.day} {at:%b}"


def together(timelines: Sequence[Timeline], most: int) -> tuple[list[str], list[list[int]]]:
    """Labels, and the values of each timeline, for a chart that has no gaps: one value for each label.

    A slot in which nothing was read at all is left out, so that the line of one subuser has nothing in it
    that was not read. Among several, one that was not read in a slot keeps its last balance, and before its
    first one has that.

    Raises:
        ValueError: of one of them nothing is known.
    """
    shared = cut(timelines, most)
    found = [shared.last_of_each(timeline.known) for timeline in timelines]
    kept = [place for place, values in enumerate(zip(*found, strict=True)) if set(values) != {None}]
    labels = shared.labels
    return [labels[place] for place in kept], [_without_gaps([line[n] for n in kept]) for line in found]


def _without_gaps(values: Sequence[int | None]) -> list[int]:
    last = next(value for value in values if value is not None)
    filled = []
    for value in values:
        last = last if value is None else value
        filled.append(last)
    return filled


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
