"""Rows as they lie in the tables, read value by value: one that can't be read stops no other.

Another version may have written it, or a restore has damaged it; and SQLite keeps whatever it is given.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Column, ColumnElement, bindparam, or_, type_coerce

from .types import Moment, StoredText, from_millis

LONGEST_WAIT = timedelta(days=2)
"""For how long a time in a row can keep anything waiting.

Nothing is made to wait for longer than quiet hours, or until a daily message: a day, and an hour where clocks
are put back. What is further off was damaged, or written while a clock was wrong.
"""

MOST_TIMES = 1_000_000
"""More often than anything is tried."""


def as_they_lie(columns: Iterable[Column[Any]]) -> list[ColumnElement[Any]]:
    """The columns of a query, with times as numbers: one that is no time would fail the whole result."""
    return [
        (type_coerce(column, BigInteger()) if isinstance(column.type, Moment) else column).label(column.name)
        for column in columns
    ]


def read(columns: Iterable[Column[Any]], row: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values of a row by the columns' names, and the names of the columns that can't be read."""
    values: dict[str, Any] = {}
    unreadable = []
    for column in columns:
        try:
            values[column.name] = _value(column, row[column.name])
        except (ValueError, OverflowError, OSError):
            unreadable.append(column.name)
    return values, unreadable


NOW, TOO_FAR = bindparam("now", type_=Moment()), bindparam("too_far", type_=Moment())
"""The moment in a statement that is built once, which is given `moments` each time."""

Time = datetime | BindParameter[datetime]
"""A moment, or NOW."""


def moments(now: datetime) -> dict[str, datetime]:
    return {"now": now, "too_far": now + LONGEST_WAIT}


def has_come(column: Column[Any], now: Time) -> ColumnElement[bool]:
    """Whether something that waits until the time in a column may go on.

    To SQLite a text or a blob is greater than any number, and so further off than any time.
    """
    return or_(column.is_(None), column <= now, is_too_far(column, now))


def is_too_far(column: Column[Any], now: Time) -> ColumnElement[bool]:
    """Whether the time in a column is so far off that nobody can have meant it."""
    return column > (now + LONGEST_WAIT if isinstance(now, datetime) else TOO_FAR)


def believed(moment: datetime | None, now: datetime) -> datetime | None:
    """A time until which something waits, unless it is so far off that nobody can have meant it."""
    return None if moment is None or moment > now + LONGEST_WAIT else moment


def count(stored: object) -> int:
    """How often something was tried; none if that can't be read."""
    return stored if isinstance(stored, int) and 0 <= stored <= MOST_TIMES else 0


def _value(column: Column[Any], stored: object) -> object:
    """Raise ValueError (or what a date beyond all bounds raises) if it is not what the column is for."""
    if stored is None and column.nullable:
        return None
    text = isinstance(column.type, StoredText)
    if type(stored) is not (str if text else int):
        raise ValueError(f"{type(stored).__name__} in {column.name}")
    if isinstance(stored, str):
        stored.encode()  # a surrogate stands for a byte that was no UTF-8
    return from_millis(stored) if isinstance(column.type, Moment) and isinstance(stored, int) else stored
