"""Readings of subusers' credits, kept for some weeks."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from creditbot.domain.drift import Snapshot
from creditbot.domain.evidence import Reading

from .connection import AsyncConnection
from .database import Transaction
from .readable import as_they_lie, read
from .tables import snapshots

PAGE = 500
"""Rows that are held at a time."""


async def add(transaction: Transaction, taken: Sequence[Snapshot]) -> None:
    if taken:
        await transaction.connection.execute(insert(snapshots), [_row(snapshot) for snapshot in taken])


async def subusers(connection: AsyncConnection, since: datetime) -> set[str]:
    """Those that were read since then."""
    query = select(snapshots.c.subuser).distinct().where(snapshots.c.at >= since)
    return set((await connection.execute(query)).scalars())


async def histories(connection: AsyncConnection, since: datetime) -> AsyncIterator[list[Snapshot]]:
    """Each subuser's readings since then, oldest first; one subuser's are held at a time."""
    query = (
        select(*as_they_lie(snapshots.columns))
        .where(snapshots.c.at >= since)
        .order_by(snapshots.c.subuser, snapshots.c.at, snapshots.c.id)
        .execution_options(yield_per=PAGE)
    )
    found: list[Snapshot] = []
    async with connection.stream(query) as rows:
        async for stored in rows.mappings():
            row, unreadable = read(snapshots.columns, stored)
            if unreadable:
                continue
            if found and found[-1].subuser != row["subuser"]:
                yield found
                found = []
            reading = Reading(row["credits_type"], row["remain"], row["last_reset"])
            found.append(Snapshot(row["subuser"], row["at"], reading))
    if found:
        yield found


async def forget(transaction: Transaction, before: datetime, now: datetime) -> None:
    """Drop what a clock that was ahead has left in the future, and some of what is old: more than is read in
    one run of a comparison.
    """
    old = select(snapshots.c.id).where(snapshots.c.at < before).order_by(snapshots.c.at).limit(PAGE)
    for stale in (snapshots.c.at > now, snapshots.c.id.in_(old)):
        await transaction.connection.execute(delete(snapshots).where(stale))


def _row(snapshot: Snapshot) -> dict[str, object]:
    return {
        "subuser": snapshot.subuser,
        "at": snapshot.at,
        "credits_type": snapshot.reading.type,
        "remain": snapshot.reading.remain,
        "last_reset": snapshot.reading.last_reset,
    }
