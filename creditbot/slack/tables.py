"""A table, and how it is written as text where Slack draws none: pure, and the same figures in both."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from creditbot.domain.text import boxed, number

from .columns import left, right, shortened, width

PHONE = 36
"""Columns of a block of code that a phone shows without breaking its lines: 390 points wide, less margins."""

NAME_LEAST = 8
"""Columns that the first column keeps, however wide the others are."""

FULL, EMPTY = "█", "░"
UNKNOWN = "–"

COMPACT_FROM = 10**10
"""From here on a number is too wide for a phone, and billions tell enough of it."""


class Kind(StrEnum):
    """What a column holds: numbers are sorted as such, and end below one another."""

    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Column:
    """`narrow` is its heading in text, where there is less room; None: it has no place there."""

    heading: str
    kind: Kind = Kind.TEXT
    narrow: str | None = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown, and in a column of numbers what it is sorted by; None comes after all numbers.

    `narrow` is what is shown instead where there is less room, and `spoken` where nothing can be drawn.
    """

    text: str
    value: float | None = None
    narrow: str | None = None
    spoken: str | None = None


Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """`caption` says what it shows; a screen reader reads it first. The first column names the rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]


def named(name: str) -> Cell:
    """A name, in which nothing is hidden."""
    return Cell(boxed(name))


def figure(value: int | None, otherwise: str = UNKNOWN) -> Cell:
    """A number with its thousands separated, or what is said where there is none."""
    if value is None:
        return Cell(otherwise)
    return Cell(number(value), value, compact(value))


def compact(value: int) -> str:
    """12,400, and of what is too wide for a phone the billions: 1,000 bn"""
    return number(value) if abs(value) < COMPACT_FROM else f"{number(round(value / 10**9))} bn"


def share(part: int | None, whole: int | None, cells: int = 8, *, narrow: int = 4) -> Cell:
    """How much is left of a whole, as a bar and in percent: ██████░░ 75%; nothing where it can't be told."""
    if part is None or not whole or whole < 0:
        return Cell(UNKNOWN)
    left_of_it = min(max(part / whole, 0.0), 1.0)
    percent = math.floor(left_of_it * 100)
    return Cell(f"{bar(left_of_it, cells)} {percent}%", percent, bar(left_of_it, narrow), f"{percent}%")


def bar(part: float, cells: int) -> str:
    """A part from 0 to 1. What is not nothing shows, and what is not all of it shows, too."""
    full = math.floor(part * cells)
    if part > 0:
        full = max(full, 1)
    return FULL * full + EMPTY * (cells - full)


def in_words(table: Table, row: Row) -> str:
    """What a row says of what its first cell names: remaining 12,400, of its total 24%, days left 4"""
    named_columns = zip(table.columns[1:], row[1:], strict=True)
    return ", ".join(
        f"{column.heading.lower()} {cell.text if cell.spoken is None else cell.spoken}"
        for column, cell in named_columns
    )


def as_text(table: Table, room: int = PHONE) -> list[str]:
    """The table in lines of text, its headings first; the first column is cut to what the others leave."""
    places = [place for place, column in enumerate(table.columns) if column.narrow is not None]
    columns = [table.columns[place] for place in places]
    headings = [column.narrow or column.heading for column in columns]
    rows = [[_narrow(row[place]) for place in places] for row in table.rows]
    widths = [max(map(width, cells)) for cells in zip(headings, *rows, strict=True)]
    others = sum(widths[1:]) + len(widths) - 1
    widths[0] = min(widths[0], max(room - others, NAME_LEAST))
    return [_line(cells, columns, widths) for cells in (headings, *rows)]


def _narrow(cell: Cell) -> str:
    return " ".join((cell.text if cell.narrow is None else cell.narrow).split()) or UNKNOWN


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    filled = [
        (right if column.kind is Kind.NUMBER else left)(shortened(text, columns_), columns_)
        for text, column, columns_ in zip(cells, columns, widths, strict=True)
    ]
    return " ".join(filled).rstrip()
