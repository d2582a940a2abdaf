"""When a subuser's credits run out, how sure that is, and how many to ask for.

A forecast is of the newest reading and the ledger's changes since. Where nothing can be known it says so, and
why. SendGrid gives dates of resets, not times: a reset is expected at the beginning of its day in UTC, or by
the end of it where a reading of that day shows that it has not come yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .credits import KINDS, RECURRING, UNLIMITED, day_of
from .drift import MARGIN, SentChange, Snapshot, bounds
from .pace import Pace, known_enough, pace
from .rhythm import HOUR
from .text import count, number, when
from .use import uses

DAY = timedelta(days=1)

STALE = timedelta(days=3)
"""A reading that is older tells nothing of what is left."""

IDLE = timedelta(days=10)
"""Who has used nothing for so long has no pace: what they used before is no guide."""

HORIZON = timedelta(days=90)
"""Beyond it no moment is named: four weeks of readings don't reach that far."""

ENOUGH_FOR = timedelta(days=14)
"""How long credits that are asked for are to last where no reset comes first."""


class Unknown(StrEnum):
    """Why there is no pace."""

    NOT_READ = "not_read"  # no reading, or none with a figure
    STALE = "stale"  # the last one is too old
    UNLIMITED = "unlimited"
    TOO_FEW = "too_few"  # new, or what was used between most readings can't be told
    NO_USE = "no_use"


@dataclass(frozen=True, slots=True)
class Reset:
    """The next reset: its date as SendGrid wrote it, and the balance that it sets."""

    on: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Moments:
    """When something happens: between the earliest and the latest in four cases of five.

    None stands for a moment after the next reset, or so far away that it is not told.
    """

    earliest: datetime
    likely: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class Left:
    """Credits that are left at some moment."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known at the newest reading, which was at `at`; `remain` has the ledger's changes since.

    Of `pace` and `unknown` one is None. `runs_out` is None where they do not before the reset or the horizon,
    and where that is not known. `reset` is the next one, if its date is known, and `left` what is left then.
    """

    at: datetime | None
    remain: int | None
    pace: Pace | None = None
    unknown: Unknown | None = None
    runs_out: Moments | None = None
    reset: Reset | None = None
    left: Left | None = None

    def changed_by(self, allocation_update: int) -> "Forecast":
        """The same with a change of the balance that is made now."""
        if self.remain is None:
            return self
        return _of(replace(self, remain=self.remain + allocation_update))


def forecast(
    history: Sequence[Snapshot], changes: Iterable[SentChange], now: datetime, reset: Reset | None = None
) -> Forecast:
    """What a subuser's readings tell: of 28 days, in any order, as often as they were taken."""
    changes = list(changes)
    read = [snapshot for snapshot in history if snapshot.readable and snapshot.at <= now + MARGIN]
    if not read:
        return Forecast(None, None, unknown=Unknown.NOT_READ)
    newest = max(reversed(read), key=lambda snapshot: snapshot.at)
    if newest.reading.type == UNLIMITED:
        return Forecast(newest.at, None, unknown=Unknown.UNLIMITED)
    remain = _remain(newest, changes, now)
    if remain is None:
        return Forecast(newest.at, None, unknown=Unknown.NOT_READ)
    # SendGrid may give dates of credits that are not reset, too.
    reset = reset if newest.reading.type == RECURRING else None
    known = Forecast(newest.at, remain, reset=reset if _expected(reset, newest.at) else None)
    if now - newest.at > STALE:
        return replace(known, unknown=Unknown.STALE)
    used = uses(history, changes, now, reset.total if reset else None)
    if not known_enough(used):
        return _of(replace(known, unknown=Unknown.TOO_FEW))
    last_used = max((use.until for use in used if use.credits > 0), default=None)
    if last_used is None or newest.at - last_used >= IDLE or (found := pace(used, newest.at)) is None:
        return _of(replace(known, unknown=Unknown.NO_USE))
    return _of(replace(known, pace=found))


def _remain(newest: Snapshot, changes: Sequence[SentChange], now: datetime) -> int | None:
    """The balance at the newest reading, with the ledger's changes since unless one of them is in doubt."""
    if newest.reading.type not in KINDS or newest.reading.remain is None:
        return None
    most, least = bounds(newest, replace(newest, at=now + 2 * MARGIN), changes)
    return most if most == least else newest.reading.remain


def _expected(reset: Reset | None, at: datetime) -> datetime | None:
    """When the next reset comes at the latest, for all that a reading of some moment tells."""
    day = None if reset is None else day_of(reset.on)
    if day is None or at < day:
        return day
    return day + DAY if at < day + DAY else None


def _of(known: Forecast) -> Forecast:
    """With what follows from the balance, the pace and the reset."""
    if known.at is None or known.remain is None:
        return known
    until, left = _expected(known.reset, known.at), None
    if known.pace is not None and until is not None:
        low, high = _use(known.pace, until - known.at)
        left = Left(max(known.remain - high, 0), max(known.remain - low, 0))
    end = HORIZON if until is None else min(until - known.at, HORIZON)
    return replace(known, runs_out=_runs_out(known.pace, known.at, known.remain, end), left=left)


def _use(pace_: Pace, during: timedelta) -> tuple[int, int]:
    """The least and the most credits that may well be used from the newest reading on."""
    usual_days = pace_.rhythm.usual_days(during / HOUR)
    factor, likely = pace_.factor(usual_days), pace_.daily * usual_days
    return round(likely / factor), round(likely * factor)


def _runs_out(pace_: Pace | None, at: datetime, remain: int, end: timedelta) -> Moments | None:
    if remain <= 0:
        return Moments(at, at, at)
    if pace_ is None:
        return None
    usual_days = remain / pace_.daily
    factor = pace_.factor(usual_days)
    earliest, likely, latest = (
        at + hours * HOUR if hours < end / HOUR else None
        for hours in map(pace_.rhythm.hours_for, (usual_days / factor, usual_days, usual_days * factor))
    )
    return None if earliest is None else Moments(earliest, likely, latest)


def watched_moment(known: Forecast) -> datetime | None:
    """The moment that is compared with a line in days, such as three: the likely one, or one that is twice as
    far away as the earliest if that is sooner. None if neither is known.

    By this rule the back-test tells nine run-outs of ten in time, without many alarms that were not needed.
    """
    if known.runs_out is None or known.at is None:
        return None
    careful = known.at + 2 * (known.runs_out.earliest - known.at)
    return careful if known.runs_out.likely is None else min(careful, known.runs_out.likely)


def to_ask_for(known: Forecast, now: datetime) -> int | None:
    """Credits to add so that they last to the next reset, or for 14 days if none is known, even if used as
    fast as is plausible: 1 or more, as people type them, 250 or 12,000.

    None where the pace is not known, or where what remains is enough. No policy's limits are minded.
    """
    if known.pace is None or known.at is None or known.remain is None:
        return None
    reset = _expected(known.reset, known.at)
    until = now + ENOUGH_FOR if reset is None or reset <= now else reset
    _, most = _use(known.pace, until - known.at)
    return as_typed(most - known.remain) if most > known.remain else None


def as_typed(value: int) -> int:
    """The next number from it upward with two leading digits at most: 4,321 -> 4,400"""
    unit: int = 10 ** max(len(str(value)) - 2, 0)
    return -(-value // unit) * unit


REASONS = {
    Unknown.NOT_READ: "The balance is not known.",
    Unknown.STALE: "The last reading is too old to tell when they run out.",
    Unknown.UNLIMITED: "Unlimited credits don't run out.",
    Unknown.TOO_FEW: "Too little is known yet to tell when they run out.",
    Unknown.NO_USE: "None are used at present.",
}


def in_words(known: Forecast, now: datetime) -> str:
    """A sentence of when a subuser's credits run out: They run out in 2 to 4 days."""
    if known.remain is not None and known.remain <= 0:
        return "None are left."
    if known.unknown is not None:
        return REASONS[known.unknown]
    before = f" before the reset on {known.reset.on}" if known.reset is not None else ""
    if known.runs_out is None:
        left = f": {_left(known.left)}" if known.left is not None else ""
        return f"They don't run out{before or f' within {HORIZON.days} days'}{left}."
    if known.runs_out.latest is None:
        return f"They may run out{before}, {when(known.runs_out.earliest - now, None)}."
    return f"They run out {when(known.runs_out.earliest - now, known.runs_out.latest - now)}."


def _left(left: Left) -> str:
    if left.least == left.most:
        return f"{count(left.most, 'credit')} {'is' if left.most == 1 else 'are'} left then"
    return f"{number(left.least)} to {number(left.most)} credits are left then"


def pace_in_words(pace_: Pace) -> str:
    """about 1,200 credits a day"""
    if pace_.daily < 1:
        return "less than 1 credit a day"
    unit = 10 ** max(len(str(int(pace_.daily))) - 2, 0)
    return f"about {count(round(pace_.daily / unit) * unit, 'credit')} a day"
