"""What mail has used of a subuser's credits, as its readings and the ledger's changes tell.

Whatever else moves a balance is taken out: resets, the changes in the ledger, and rises beyond them, which
someone else has made. A date of SendGrid's is taken for a day in UTC.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from operator import attrgetter

from .credits import RECURRING, UNLIMITED, day_of
from .drift import MARGIN, SentChange, Snapshot, bounds, comparable

APART = timedelta(hours=3)
"""Readings that are nearer to each other are not told apart: it would cost time, and tell nothing of days."""

SOONER = timedelta(minutes=10)
"""So much nearer they may be, since no clock reads on the second."""

LOOK_BACK = timedelta(days=28)
"""Older readings tell of another time. It is four weeks, so that each weekday counts as often."""

COMES_WITHIN = timedelta(hours=1)
"""A change that is in doubt for days has come by then, if at all: evidence needs proof, a pace does not."""


@dataclass(frozen=True, slots=True)
class Use:
    """Credits that were used between two moments; if it `ended_empty`, more might have been."""

    since: datetime
    until: datetime
    credits: int
    ended_empty: bool = False

    @property
    def lasted(self) -> timedelta:
        return self.until - self.since

    @property
    def daily(self) -> float:
        """Credits a day."""
        return self.credits * (timedelta(days=1) / self.lasted)


def uses(
    history: Sequence[Snapshot], changes: Iterable[SentChange], now: datetime, total: int | None = None
) -> list[Use]:
    """What was used between a subuser's readings, in the order of time; what can't be told is left out.

    `total` is what a reset sets the balance to, if that is known: then what was used since one is, too.
    """
    sent = _Sent(changes)
    found = []
    for before, after in pairwise(_apart(history, sent, now)):
        start: Snapshot | None = before
        if before.reading.type != after.reading.type or not comparable(before, after):
            start = _at_reset(before, after, total)
        if start is not None and (use := _used(start, after, sent)) is not None:
            found.append(use)
    return found


class _Sent:
    """The ledger's changes in the order of time, so that those of a moment are found without reading all."""

    def __init__(self, changes: Iterable[SentChange]) -> None:
        self._changes = sorted(changes, key=attrgetter("since"))
        self._since = [change.since for change in self._changes]

    def between(self, since: datetime, until: datetime) -> list[SentChange]:
        """All that may have come then, and perhaps some that have not."""
        if not self._changes:
            return []
        first = bisect_left(self._since, since - MARGIN - COMES_WITHIN)
        return self._changes[first : bisect_right(self._since, until + MARGIN)]

    def near(self, moment: datetime) -> bool:
        """Whether a change may have come before a reading of that moment, or after it."""
        found = self.between(moment, moment)
        return any(change.until is None or change.until >= moment - MARGIN for change in found)


def _apart(history: Sequence[Snapshot], sent: _Sent, now: datetime) -> list[Snapshot]:
    """The readings that tell something together, oldest first, each some time after the one before.

    Those beside a change are left out: the ones before and after tell what was used around it.
    """
    kept: list[Snapshot] = []
    latest, oldest = now + MARGIN, now - LOOK_BACK
    for snapshot in sorted(history, key=attrgetter("at"))[::-1]:
        if snapshot.at < oldest:
            break
        if snapshot.at <= latest and _tells(snapshot) and not sent.near(snapshot.at):
            kept.append(snapshot)
            latest = snapshot.at - APART + SOONER
    return kept[::-1]


def _tells(snapshot: Snapshot) -> bool:
    """Whether it can be compared, or stands between two that can't because of it."""
    reading = snapshot.reading
    if not snapshot.tells or reading.type == UNLIMITED:
        return snapshot.tells
    return reading.remain is not None and (reading.type != RECURRING or reading.last_reset is not None)


def _at_reset(before: Snapshot, after: Snapshot, total: int | None) -> Snapshot | None:
    """The balance as the reset between two readings of a kind left it; None if that is not known."""
    reset = day_of(after.reading.last_reset)
    if total is None or reset is None or before.reading.type != after.reading.type:
        return None
    return replace(after, at=max(reset, before.at), reading=replace(after.reading, remain=total))


def _used(before: Snapshot, after: Snapshot, sent: _Sent) -> Use | None:
    """What was used, if it is certain; None where others have added credits, or none were there to use."""
    left, had = after.reading.remain, before.reading.remain
    if left is None or had is None or had <= 0 or after.at <= before.at:
        return None
    most, least = bounds(before, after, sent.between(before.at, after.at))
    if most != least or most < left:
        return None
    return Use(before.at, after.at, most - left, ended_empty=left <= 0)
