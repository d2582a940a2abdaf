"""Rows as they lie in the tables, read value by value: one that can't be read stops no other.

Another version may have written it, or a restore has damaged it; and SQLite keeps whatever it is given.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, type_coerce

from .types import Moment, Words, from_millis


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


def _value(column: Column[Any], stored: object) -> object:
    """Raise ValueError (or what a date beyond all bounds raises) if it is not what the column is for."""
    if stored is None and column.nullable:
        return None
    words = isinstance(column.type, Words)
    if type(stored) is not (str if words else int):
        raise ValueError(f"{type(stored).__name__} in {column.name}")
    if isinstance(stored, str):
        stored.encode()  # a surrogate stands for a byte that was no UTF-8
    return from_millis(stored) if isinstance(column.type, Moment) and isinstance(stored, int) else stored
