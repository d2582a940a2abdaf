"""How often a job has begun with a row and got nowhere: what goes wrong again and again comes to an end.

It is counted before the job begins, so that a process that dies of the job has counted it, too. Whatever
writes down that a job has got somewhere sets it back, in the same transaction.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, select, update

from .database import Transaction
from .readable import Time, count, has_come

NONE = {"runs": 0, "run_after": None}
"""The columns of a row with which a job has got somewhere."""


def may_begin(table: Table, now: Time) -> ColumnElement[bool]:
    """Whether a job may begin with a row: it waits longer after each time that came to nothing."""
    return has_come(table.c.run_after, now)


async def begin(
    transaction: Transaction, table: Table, row_id: int, now: datetime, pause: Callable[[int], timedelta]
) -> int | None:
    """Count a run that is about to begin, and keep others from the row for as long as `pause` says.

    Returns how many have begun since one got anywhere, this one included; None if it may not begin now.
    Nothing else of the row is read, since it may be what can't be.
    """
    mine = table.c.id == row_id
    query = select(table.c.runs).where(mine, may_begin(table, now))
    begun = (await transaction.connection.execute(query)).first()
    if begun is None:
        return None
    runs = count(begun.runs) + 1
    later = now + pause(runs)
    await transaction.connection.execute(update(table).where(mine).values(runs=runs, run_after=later))
    return runs


async def take_back(transaction: Transaction, table: Table, row_id: int) -> None:
    """Let a run that was begun not count, and the next one begin."""
    changes = {"runs": table.c.runs - 1, "run_after": None}
    await transaction.connection.execute(update(table).where(table.c.id == row_id).values(changes))
