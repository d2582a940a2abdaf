"""What the tables tell of changes that SendGrid applied, or may have."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import BigInteger, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.drift import Change, Landed, Settler
from creditbot.domain.requests import FINAL, Status

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

log = structlog.get_logger(__name__)


async def since(connection: AsyncConnection, moment: datetime) -> dict[str, list[Change]]:
    """The requests with a sending that may have been applied, under way then or later.

    By the subuser's name without regard to case, in which two names may be the same subuser's.
    """
    counts = or_(attempts.c.outcome.is_(None), attempts.c.outcome.in_(["applied", "in_doubt"]))
    query = (
        select(
            *as_they_lie(COLUMNS),
            type_coerce(func.min(attempts.c.started_at), BigInteger()).label("started_at"),
            func.max(attempts.c.outcome).filter(attempts.c.outcome == "applied").label("answered"),
        )
        .join(attempts, attempts.c.request_id == requests.c.id)
        .where(counts, or_(requests.c.finished_at.is_(None), requests.c.finished_at >= moment))
        .group_by(requests.c.id)
        .order_by(requests.c.id)
    )
    found: dict[str, list[Change]] = {}
    for stored in (await connection.execute(query)).mappings():
        row, unreadable = read([*COLUMNS, attempts.c.started_at], stored)
        if unreadable or row["status"] not in set(Status):
            log.error("A request can't be read, and is not reckoned with", request_id=stored["id"])
            continue
        landed = _landed(Status(row["status"]), contradicted=row["contradicted_at"] is not None)
        by = _settler(row, answered=stored["answered"] is not None)
        if landed is Landed.NO and by is None:
            continue  # SendGrid said no, so there is no more to say of it
        found.setdefault(row["subuser_key"], []).append(
            Change(
                row["id"],
                row["subuser"],
                row["allocation_update"],
                row["started_at"],
                row["finished_at"],
                landed,
                by,
            )
        )
    return found


def _settler(row: Mapping[str, Any], *, answered: bool) -> Settler | None:
    if row["settled_by"] is not None:
        return Settler.PERSON
    over = Status(row["status"]) in FINAL
    return Settler.BALANCE if over and not answered else None


def _landed(status: Status, *, contradicted: bool) -> Landed:
    if contradicted or status not in FINAL:
        return Landed.MAYBE
    return Landed.YES if status is Status.APPLIED else Landed.NO
