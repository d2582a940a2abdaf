"""The ledger's events for a spreadsheet or a program."""

import json
from collections.abc import Callable
from dataclasses import fields
from typing import TextIO

from creditbot.store.database import looking_at
from creditbot.store.history import HistoryEvent, history

from . import spreadsheet
from .times import iso

Days = tuple[int | None, int | None]
"""From when on, and before when, in milliseconds."""

COLUMNS = tuple(field.name for field in fields(HistoryEvent))

Row = dict[str, object]


async def export(url: str, out: TextIO, *, csv: bool, days: Days, subuser: str | None) -> None:
    """Print the events one by one, however many there are."""
    write = _csv(out) if csv else _json_lines(out)
    async with looking_at(url) as database, database.read() as connection:
        async for event in history(connection, *days, subuser=subuser):
            row: Row = {name: getattr(event, name) for name in COLUMNS}
            write(row | {"at": iso(event.at)})
    out.flush()


def _csv(out: TextIO) -> Callable[[Row], None]:
    write_row = spreadsheet.writer(out)
    write_row(COLUMNS)

    def write(row: Row) -> None:
        write_row((row | {"detail": _without_semicolons(row["detail"])}).values())

    return write


def _without_semicolons(detail: object) -> object:
    """The same JSON, in which no cell can begin; what is no JSON stays as it is."""
    if not isinstance(detail, str) or _content(detail) is detail:
        return detail
    return detail.replace(";", "\\u003b")


def _content(detail: object) -> object:
    """The detail as JSON; one that is none stays a text."""
    try:
        return json.loads(str(detail))
    except (ValueError, RecursionError):
        return detail


def _json_lines(out: TextIO) -> Callable[[Row], None]:
    def write(row: Row) -> None:
        line = row | {"detail": _content(row["detail"])}
        out.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    return write
