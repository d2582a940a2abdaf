"""What the tables tell of changes that SendGrid applied, or may have."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import BigInteger, RowMapping, func, or_, select, type_coerce, union_all

from creditbot.domain.amounts import MAX_AMOUNT
from creditbot.domain.drift import Landed, SentChange, Settler
from creditbot.domain.requests import FINAL, Status

from .connection import AsyncConnection
from .readable import as_they_lie, read
from .tables import attempts, requests

COLUMNS = [
    requests.c[name]
    for name in (
        "id",
        "subuser",
        "subuser_key",
        "allocation_update",
        "status",
        "finished_at",
        "contradicted_at",
        "settled_by",
    )
]

PAGE = 500
"""Requests that are read at a time."""

log = structlog.get_logger(__name__)


async def since(connection: AsyncConnection, moment: datetime) -> dict[str, list[SentChange]]:
    """The requests with a sending that may have been applied, under way then or later.

    By the subuser's name without regard to case, in which two names may be the same subuser's.
    """
    # Two ways into one index: for a condition with OR, all requests would be looked at.
    ids = select(requests.c.id)
    which = union_all(
        ids.where(requests.c.finished_at.is_(None)), ids.where(requests.c.finished_at >= moment)
    )
    found: dict[str, list[SentChange]] = {}
    for some in _batched(sorted((await connection.execute(which)).scalars())):
        for row in await _sendings(connection, some):
            change = _change(row)
            if change is not None:
                found.setdefault(row["subuser_key"], []).append(change)
    return found


def _batched(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))


async def _sendings(connection: AsyncConnection, ids: Sequence[int]) -> Sequence[RowMapping]:
    counts = or_(attempts.c.outcome.is_(None), attempts.c.outcome.in_(["applied", "in_doubt"]))
    query = (
        select(
            *as_they_lie(COLUMNS),
            type_coerce(func.min(attempts.c.started_at), BigInteger()).label("started_at"),
            func.max(attempts.c.outcome).filter(attempts.c.outcome == "applied").label("answered"),
        )
        .join(attempts, attempts.c.request_id == requests.c.id)
        .where(counts, requests.c.id.in_(ids), attempts.c.request_id.in_(ids))
        .group_by(requests.c.id)
        .order_by(requests.c.id)
    )
    return (await connection.execute(query)).mappings().all()


def _change(stored: RowMapping) -> SentChange | None:
    row, unreadable = read([*COLUMNS, attempts.c.started_at], stored)
    absurd = abs(row.get("allocation_update", 0)) > MAX_AMOUNT
    if unreadable or absurd or row["status"] not in set(Status):
        log.error("A request can't be read, and is not reckoned with", request_id=stored["id"])
        return None
    landed = _landed(Status(row["status"]), contradicted=row["contradicted_at"] is not None)
    by = _settler(row, answered=stored["answered"] is not None)
    if landed is Landed.NO and by is None:
        return None  # SendGrid said no, so there is no more to say of it
    return SentChange(
        row["id"],
        row["subuser"],
        row["allocation_update"],
        row["started_at"],
        row["finished_at"],
        landed,
        by,
    )


def _settler(row: Mapping[str, Any], *, answered: bool) -> Settler | None:
    if row["settled_by"] is not None:
        return Settler.PERSON
    over = Status(row["status"]) in FINAL
    return Settler.BALANCE if over and not answered else None


def _landed(status: Status, *, contradicted: bool) -> Landed:
    if contradicted or status not in FINAL:
        return Landed.MAYBE
    return Landed.YES if status is Status.APPLIED else Landed.NO
