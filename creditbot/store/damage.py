"""Rows of the outbox and of timers that hold what can't be read: mended with what is safe to go on with.

Another version may have written them, or a restore has damaged them. A value is replaced by one with which
the row is delivered as usual, or comes to an end as whatever can't be delivered does: nobody is at an
address such as "unknown-7", so whoever else is concerned is told, and so is the log.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Integer, Select, Table, case, func, text, update

from . import in_step
from .connection import AsyncConnection
from .database import Transaction
from .readable import LONGEST_WAIT, MOST_TIMES, as_they_lie, read
from .tables import IS_CARD, outbox, timers

_TRIED_ANEW: dict[str, Any] = {"tries": 0, "failing_since": None, "given_up_at": None}

_WANTED = case((IS_CARD, func.coalesce(text(f"({in_step.WANTED_NOW})"), 0)), else_=1)

INSTEAD: Mapping[str, Mapping[str, Any]] = {
    # What may have been posted counts as posted, so that people are told of a copy rather than misled.
    outbox.name: {
        "request_id": None,
        "content": None,
        "ts": None,
        "posts": 1,
        "shown_version": 0,
        "wanted_version": _WANTED,
        "next_try_at": None,
        "turn_at": None,
        "moved_at": None,
        **_TRIED_ANEW,
    },
    timers.name: {"tries": 0, "runs": 0},
}
"""By table and column."""

log = structlog.get_logger(__name__)


class DamagedRow(Exception):
    """A row that has to be mended before a job can get on with it: these columns can't be read."""

    def __init__(self, table: Table, row_id: int, columns: list[str]) -> None:
        super().__init__(f"{table.name} {row_id}: {', '.join(columns)} can't be read")
        self.table = table
        self.row_id = row_id
        self.columns = columns


async def rows(
    connection: AsyncConnection, query: Select[Any], table: Table, names: list[str], now: datetime
) -> list[dict[str, Any]]:
    """The values of a table's rows, by the columns' names; `id` is one of them.

    Raises:
        DamagedRow: one of them can't be read, or has what nothing writes.
    """
    columns = [table.c[name] for name in names]
    found = []
    for row in (await connection.execute(query.with_only_columns(*as_they_lie(columns)))).mappings():
        values, damaged = read(columns, row)
        damaged += [name for name, value in values.items() if _is_absurd(table, name, value, now)]
        if damaged:
            raise DamagedRow(table, row["id"], damaged)
        found.append(values)
    return found


def _is_absurd(table: Table, name: str, value: object, now: datetime) -> bool:
    if isinstance(value, datetime):
        return value > now + LONGEST_WAIT
    counts = isinstance(table.c[name].type, Integer) and not table.c[name].primary_key
    return counts and not table.c[name].foreign_keys and not 0 <= int(str(value)) <= MOST_TIMES


async def mend(transaction: Transaction, damaged: DamagedRow, now: datetime) -> None:
    """Have a row hold what a job can go on with, and say so in the log."""
    # No two the same, since what belongs to a row is told apart by them.
    unknown = dict.fromkeys(("recipient", "kind", "name"), f"unknown-{damaged.row_id}")
    instead = {**INSTEAD[damaged.table.name], **unknown, "due_at": now}
    values = {name: instead[name] for name in damaged.columns}
    mine = damaged.table.c.id == damaged.row_id
    await transaction.connection.execute(update(damaged.table).where(mine).values(values))
    log.error(
        "A row of the database was damaged; what could not be read in it was replaced",
        table=damaged.table.name,
        id=damaged.row_id,
        columns=damaged.columns,
    )
