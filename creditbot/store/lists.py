"""Requests in pages, each found by the key of the one before: a long list takes no more than a short one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.requests import CreditRequest, Status, subuser_key

from .requests import load
from .tables import requests


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests are listed; what is left out leaves none out."""

    statuses: frozenset[Status] = frozenset()
    subuser: str | None = None
    since: datetime | None = None


EVERY = Wanted()


async def page(
    connection: AsyncConnection, limit: int, *, after: int | None = None, wanted: Wanted = EVERY
) -> list[CreditRequest]:
    """The oldest requests first, from the one that follows the ID `after`."""
    query = select(requests).order_by(requests.c.id).limit(limit)
    if after is not None:
        query = query.where(requests.c.id > after)
    if wanted.statuses:
        query = query.where(requests.c.status.in_(sorted(wanted.statuses)))
    if wanted.subuser is not None:
        query = query.where(requests.c.subuser_key == subuser_key(wanted.subuser))
    if wanted.since is not None:
        query = query.where(requests.c.requested_at >= wanted.since)
    return await load(connection, query)
