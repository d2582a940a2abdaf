"""How often a job has begun with a row and got nowhere: what goes wrong again and again comes to an end.

It is counted before the job begins where a process may have died of it: of what is older than the process.
Otherwise it is counted once it went wrong. Whatever writes down that a job has got somewhere sets it back, in
the same transaction.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, func, select, update

from .connection import AsyncConnection
from .database import Transaction
from .readable import Time, count, has_come

NONE = {"runs": 0, "run_after": None}
"""The columns of a row with which a job has got somewhere."""


def may_begin(table: Table, now: Time) -> ColumnElement[bool]:
    """Whether a job may begin with a row: it waits longer after each time that came to nothing."""
    return has_come(table.c.run_after, now)


async def newest(connection: AsyncConnection, table: Table) -> int:
    """The row that came last; 0 if there is none."""
    return await connection.scalar(select(func.max(table.c.id))) or 0


async def begun(connection: AsyncConnection, table: Table, row_id: int, now: datetime) -> int | None:
    """How many runs have begun since one got anywhere; None if another may not begin now.

    Nothing else of the row is read, since it may be what can't be.
    """
    query = select(table.c.runs).where(table.c.id == row_id, may_begin(table, now))
    found = (await connection.execute(query)).first()
    return None if found is None else count(found.runs)


async def begin(
    transaction: Transaction, table: Table, row_id: int, now: datetime, pause: Callable[[int], timedelta]
) -> int | None:
    """Count a run that is about to begin, and keep others from the row for as long as `pause` says.

    Returns how many have begun since one got anywhere, this one included; None if it may not begin now.
    """
    before = await begun(transaction.connection, table, row_id, now)
    if before is None:
        return None
    changes = {"runs": before + 1, "run_after": now + pause(before + 1)}
    await transaction.connection.execute(update(table).where(table.c.id == row_id).values(changes))
    return before + 1


async def take_back(transaction: Transaction, table: Table, row_id: int) -> None:
    """Let a run that was begun not count, and the next one begin."""
    changes = {"runs": table.c.runs - 1, "run_after": None}
    await transaction.connection.execute(update(table).where(table.c.id == row_id).values(changes))
