"""Timers: what is done by the clock, each with the moment at which it is due next.

When its time has come a job does the work, and writes what came of it together with the next moment, in one
transaction: so each is done once, however many processes there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, insert, literal_column, select, update

from creditbot.domain.schedule import NEXT

from . import damage, runs
from .connection import AsyncConnection
from .database import Transaction
from .readable import NOW, as_they_lie, has_come, read
from .tables import timers

FRESH: Mapping[str, Any] = {"next_try_at": None, "tries": 0, "error": None, **runs.NONE}


@dataclass(frozen=True, slots=True)
class Timer:
    """`tries` is how often it has failed in a row."""

    id: int
    name: str
    due_at: datetime
    tries: int


NAMES = [field.name for field in fields(Timer)]


def due(name: str) -> Select[Any]:
    """The timer of this name, once its time has come: what is due of the job that it starts."""
    return _due(timers.c.name == literal_column(f"'{name}'"))


def _due(mine: ColumnElement[bool]) -> Select[Any]:
    """A moment that nobody can have meant counts as come: the row is then mended."""
    its_time = has_come(timers.c.due_at, NOW), has_come(timers.c.next_try_at, NOW)
    return select(timers.c.id).where(mine, *its_time, runs.may_begin(timers, NOW))


NAMELESS = _due(timers.c.name.not_in([literal_column(f"'{name}'") for name in NEXT]))
"""Those whose name was damaged, so that no job is theirs."""


async def get(connection: AsyncConnection, timer_id: int, now: datetime) -> Timer | None:
    """A timer whose time has come.

    Raises:
        DamagedRow: it can't be read.
    """
    query = select(timers).where(timers.c.id == timer_id)
    for row in await damage.rows(connection, query, timers, NAMES, now):
        return Timer(**row) if row["due_at"] <= now else None
    return None


async def claim(transaction: Transaction, timer: Timer, now: datetime, until: datetime) -> bool:
    """Take it until then; False if another process has it, or has done its work."""
    taken = await transaction.connection.execute(
        update(timers).where(_as_read(timer), has_come(timers.c.next_try_at, now)).values(next_try_at=until)
    )
    return taken.rowcount == 1


async def done(transaction: Transaction, timer: Timer, following: datetime | None) -> bool:
    """Its work is done, and comes again at that moment, or never; False if another run was faster."""
    mine = _as_read(timer)
    if following is None:
        gone = await transaction.connection.execute(delete(timers).where(mine))
        return gone.rowcount == 1
    planned = await transaction.connection.execute(
        update(timers).where(mine).values(due_at=following, **FRESH)
    )
    return planned.rowcount == 1


def _as_read(timer: Timer) -> ColumnElement[bool]:
    return (timers.c.id == timer.id) & (timers.c.due_at == timer.due_at)


async def go_on(transaction: Transaction, timer: Timer, at: datetime) -> None:
    """Some of the work is done and there is more: whatever failed before is over."""
    await transaction.connection.execute(
        update(timers).where(_as_read(timer)).values(**{**FRESH, "next_try_at": at})
    )


async def failed(transaction: Transaction, timer: Timer, tries: int, until: datetime, error: str) -> None:
    await transaction.connection.execute(
        update(timers)
        .where(_as_read(timer))
        .values(tries=tries, next_try_at=until, error=error[:500], **runs.NONE)
    )


async def plan(transaction: Transaction, name: str, at: datetime | None) -> None:
    """Have it due at that moment, or never, whatever was planned before."""
    connection = transaction.connection
    mine = timers.c.name == name
    if at is None:
        await connection.execute(delete(timers).where(mine))
        return
    known = await connection.execute(update(timers).where(mine).values(due_at=at, **FRESH))
    if known.rowcount == 0:
        await connection.execute(insert(timers).values(name=name, due_at=at))


async def planned(connection: AsyncConnection, name: str) -> datetime | None:
    """When it is due, as far as that can be read."""
    query = select(*as_they_lie([timers.c.due_at])).where(timers.c.name == name)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else read([timers.c.due_at], row)[0].get("due_at")


@dataclass(frozen=True, slots=True)
class Outline:
    """As much of a timer as it takes to have its work given up."""

    id: int
    name: str
    due_at: datetime
    runs: int


async def outline(connection: AsyncConnection, timer_id: int, now: datetime) -> Outline | None:
    names = [field.name for field in fields(Outline)]
    query = select(timers).where(timers.c.id == timer_id)
    for row in await damage.rows(connection, query, timers, names, now):
        return Outline(**row)
    return None
