"""How fast Slack may be called: a line for each of its limits, which all processes share.

Whatever goes beyond a limit is given the moment of its turn, and is left in the outbox until then. Nothing is
held meanwhile, and a process that dies takes no more with it than its turns.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, text

from .connection import AsyncConnection
from .database import Transaction
from .tables import paces
from .types import from_millis, to_millis

HORIZON = timedelta(minutes=2)
"""How far ahead turns are given; who comes when more are waiting comes again by then."""

BELIEVED = HORIZON + timedelta(minutes=2)
"""A line can't be longer, with a pause of Slack's at its end; if it is, a clock was ahead."""

FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """One call in each `interval`, and after a rest `burst` of them at once."""

    interval: timedelta
    burst: int

    @property
    def ahead(self) -> timedelta:
        """How far into the future a limit may be taken up by calls that are made now."""
        return self.interval * (self.burst - 1)


@dataclass(frozen=True, slots=True)
class Line:
    """Until when a limit is taken up, and until when Slack wants to be left alone with it."""

    taken_until: datetime
    paused_until: datetime | None = None

    def is_free(self, pace: Pace, now: datetime) -> bool:
        """Whether a call may be made now that has not waited for its turn."""
        return not self.is_paused(now) and not now < self.taken_until - pace.ahead <= now + BELIEVED

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and now < self.paused_until <= now + BELIEVED


async def look(connection: AsyncConnection, name: str) -> Line | None:
    """The line of a limit; None if it was not used of late."""
    found = (await connection.execute(_LOOK, {"limit": name})).first()
    return None if found is None else Line(found.taken_until, found.paused_until)


_LOOK = select(paces.c.taken_until, paces.c.paused_until).where(paces.c.name == bindparam("limit"))


@dataclass(frozen=True, slots=True)
class Turn:
    """From when on a call may be made; or, if it is not `kept`, when to ask for a turn again."""

    at: datetime
    kept: bool


async def take(transaction: Transaction, name: str, pace: Pace, now: datetime, calls: int = 1) -> Turn:
    """Join the line with so many calls; return the turn of the last of them.

    Who finds it longer than HORIZON has no place in it.
    """
    present, step = to_millis(now), pace.interval // timedelta(milliseconds=1)
    horizon = to_millis(now + HORIZON)
    values = {
        "name": name,
        "now": present,
        "step": step * calls,
        "horizon": horizon,
        "believed": to_millis(now + BELIEVED),
    }
    taken_until: int = (await transaction.connection.execute(_TAKE, values)).scalar_one()
    turn = taken_until - step * pace.burst
    return Turn(now if turn <= present else from_millis(turn), kept=taken_until <= horizon)


# One statement, so that two who join at once are behind one another without a lock of all writers.
_TAKE = text(
    "INSERT INTO paces (name, taken_until) VALUES (:name, :now + :step) "
    "ON CONFLICT (name) DO UPDATE SET taken_until = CASE "
    "WHEN paces.taken_until <= :now OR paces.taken_until > :believed THEN :now + :step "
    "WHEN paces.taken_until > :horizon THEN paces.taken_until "
    "ELSE paces.taken_until + :step END "
    "RETURNING taken_until"
)


async def pause(transaction: Transaction, name: str, pace: Pace, until: datetime) -> None:
    """Slack has said so: nothing more goes out before then, by any process."""
    ahead = until + pace.ahead
    await transaction.connection.execute(
        _PAUSE, {"name": name, "until": to_millis(until), "ahead": to_millis(ahead)}
    )


_PAUSE = text(
    "INSERT INTO paces (name, taken_until, paused_until) VALUES (:name, :ahead, :until) "
    "ON CONFLICT (name) DO UPDATE SET paused_until = :until, taken_until = CASE "
    "WHEN paces.taken_until > :ahead THEN paces.taken_until ELSE :ahead END"
)


async def forget(transaction: Transaction, now: datetime) -> None:
    """Drop those that were not used of late: there is one for each person and channel."""
    await transaction.connection.execute(delete(paces).where(paces.c.taken_until < now - FORGOTTEN_AFTER))
