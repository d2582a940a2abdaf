"""Much to write, in small steps, so that whoever else writes waits for one of them only."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from creditbot.store.database import Database, Transaction

STEP = 20
"""Requests that are changed in one transaction."""

PAUSE = 0.02
"""Seconds between two, in which other processes get the write lock: SQLite's have to happen upon it."""

Work = Callable[[Transaction, Sequence[int]], Awaitable[None]]


async def in_steps(database: Database, request_ids: Sequence[int], work: Work) -> None:
    """Do the work for some of the requests at a time, each time in a transaction of its own.

    A request may have changed since its ID was read, so `work` reads it again.
    """
    for start in range(0, len(request_ids), STEP):
        if start:
            await asyncio.sleep(PAUSE)
        async with database.write() as transaction:
            await work(transaction, request_ids[start : start + STEP])
