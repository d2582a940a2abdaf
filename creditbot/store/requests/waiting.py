"""When a job is to take a request up again."""

from datetime import datetime

from sqlalchemy import select, update

from creditbot.domain.requests import CreditRequest, Outline
from creditbot.store import readable, runs
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Transaction
from creditbot.store.tables import requests


async def postpone(
    transaction: Transaction, request: CreditRequest | Outline, until: datetime, tries: int
) -> None:
    """Leave a request in its state for the job to take up again at `until`."""
    await transaction.connection.execute(
        update(requests)
        .where(requests.c.id == request.id, requests.c.status == request.status)
        .values(next_try_at=until, tries=tries, **runs.NONE)
    )


async def tries(connection: AsyncConnection, request_id: int) -> int:
    """How often the job at hand has tried in the present state."""
    query = select(requests.c.tries).where(requests.c.id == request_id)
    return readable.count(await connection.scalar(query))


async def may_be_tried(connection: AsyncConnection, request_id: int, now: datetime) -> bool:
    """Whether there is a next try of the job at hand, and its time has come."""
    next_try_at = requests.c.next_try_at
    query = select(requests.c.id).where(
        requests.c.id == request_id, next_try_at.is_not(None), readable.has_come(next_try_at, now)
    )
    return await connection.scalar(query) is not None


async def is_tried_again(connection: AsyncConnection, request_id: int) -> bool:
    """Whether there is a next try of the job at hand, at whatever time."""
    query = select(requests.c.id).where(requests.c.id == request_id, requests.c.next_try_at.is_not(None))
    return await connection.scalar(query) is not None


async def reminded(connection: AsyncConnection, request_id: int) -> int:
    """How many of the policy's reminders are over."""
    query = select(requests.c.reminded).where(requests.c.id == request_id)
    return readable.count(await connection.scalar(query))


async def look_again(
    transaction: Transaction, request_id: int, at: datetime | None, *, reminded: int
) -> None:
    """When it is to be seen next whether someone has to be reminded; None if nobody has to be any more."""
    await transaction.connection.execute(
        update(requests)
        .where(requests.c.id == request_id)
        .values(remind_at=at, reminded=reminded, **runs.NONE)
    )


async def remind_no_more(transaction: Transaction, request_id: int) -> None:
    await transaction.connection.execute(
        update(requests).where(requests.c.id == request_id).values(remind_at=None, **runs.NONE)
    )
