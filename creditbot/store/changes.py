"""What the tables tell of changes that SendGrid applied, or may have."""

from datetime import datetime

from sqlalchemy import RowMapping, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.drift import Change, Landed, Settler
from creditbot.domain.requests import FINAL, Status

from .tables import attempts, requests


async def since(connection: AsyncConnection, moment: datetime) -> dict[str, list[Change]]:
    """The requests with a sending that may have been applied, under way then or later.

    By the subuser's name without regard to case, in which two names may be the same subuser's.
    """
    counts = or_(attempts.c.outcome.is_(None), attempts.c.outcome.in_(["applied", "in_doubt"]))
    query = (
        select(
            requests,
            func.min(attempts.c.started_at).label("first_sent_at"),
            func.max(attempts.c.outcome).filter(attempts.c.outcome == "applied").label("answered"),
        )
        .join(attempts, attempts.c.request_id == requests.c.id)
        .where(counts, or_(requests.c.finished_at.is_(None), requests.c.finished_at >= moment))
        .group_by(requests.c.id)
        .order_by(requests.c.id)
    )
    found: dict[str, list[Change]] = {}
    for row in (await connection.execute(query)).mappings():
        landed = _landed(Status(row["status"]), contradicted=row["contradicted_at"] is not None)
        by = _settler(row)
        if landed is Landed.NO and by is None:
            continue  # SendGrid said no, so there is no more to say of it
        found.setdefault(row["subuser_key"], []).append(
            Change(
                row["id"],
                row["subuser"],
                row["allocation_update"],
                row["first_sent_at"],
                row["finished_at"],
                landed,
                by,
            )
        )
    return found


def _settler(row: RowMapping) -> Settler | None:
    if row["settled_by"] is not None:
        return Settler.PERSON
    over = Status(row["status"]) in FINAL
    return Settler.BALANCE if over and row["answered"] is None else None


def _landed(status: Status, *, contradicted: bool) -> Landed:
    if contradicted or status not in FINAL:
        return Landed.MAYBE
    return Landed.YES if status is Status.APPLIED else Landed.NO
