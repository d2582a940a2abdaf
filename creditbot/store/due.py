"""What is due now, read from the tables, so that no wake-up has to be remembered."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.requests import Status

from .bulletins import DRIFT
from .cards import to_draw
from .database import WakeUp
from .readable import has_come
from .runs import may_begin
from .tables import UNTOLD, bulletins, cards, notices, requests


async def due(connection: AsyncConnection, now: datetime, limit: int = 200) -> list[WakeUp]:
    """The jobs that have something to do, at most `limit` of each kind, oldest first."""
    ready = has_come(requests.c.next_try_at, now)
    pending = requests.c.status == Status.PENDING
    kinds: dict[str, ColumnElement[bool]] = {
        "expire": and_(pending, requests.c.expires_at <= now),
        "remind": and_(
            pending,
            requests.c.checked_at.is_not(None),
            or_(requests.c.remind_at <= now, requests.c.remind_at >= requests.c.expires_at),
        ),
        "check": and_(
            pending, or_(requests.c.checked_at.is_(None), requests.c.overtaken_by.is_not(None)), ready
        ),
        "apply": and_(requests.c.status.in_([Status.APPROVED, Status.APPLYING]), ready),
        "settle": and_(requests.c.status == Status.IN_DOUBT, requests.c.next_try_at.is_not(None), ready),
    }
    found = []
    for job, condition in kinds.items():
        query = (
            select(requests.c.id)
            .where(condition, may_begin(requests, now))
            .order_by(requests.c.id)
            .limit(limit)
        )
        found += [WakeUp(job, key) for key in (await connection.execute(query)).scalars()]
    behind = (
        select(cards.c.request_id)
        .distinct()
        .join(requests)
        .where(requests.c.checked_at.is_not(None), to_draw(requests.c.version, now))
    )
    found += [WakeUp("draw", key) for key in (await connection.execute(behind.limit(limit))).scalars()]
    earlier = notices.alias()
    untold = select(notices.c.id).where(
        UNTOLD,
        has_come(notices.c.next_try_at, now),
        # A person is told of one request in the order in which it happened.
        ~exists().where(
            earlier.c.request_id == notices.c.request_id,
            earlier.c.person == notices.c.person,
            earlier.c.sent_at.is_(None),
            earlier.c.given_up_at.is_(None),
            earlier.c.id < notices.c.id,
        ),
    )
    found += [WakeUp("notify", key) for key in (await connection.execute(untold.limit(limit))).scalars()]
    open_bulletins = select(bulletins.c.id).where(
        bulletins.c.sent_at.is_(None),
        bulletins.c.given_up_at.is_(None),
        bulletins.c.next_try_at.is_not(None),
        has_come(bulletins.c.next_try_at, now),
        may_begin(bulletins, now),
    )
    to_compare = and_(bulletins.c.kind == DRIFT, bulletins.c.content.is_(None))
    for job, condition in (("compare", to_compare), ("announce", not_(to_compare))):
        found += [
            WakeUp(job, key)
            for key in (await connection.execute(open_bulletins.where(condition).limit(limit))).scalars()
        ]
    return found
