"""What happened in a while, counted from the ledger."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from creditbot.domain.chain import GENESIS
from creditbot.domain.digest import Digest
from creditbot.domain.documents import read_document
from creditbot.domain.requests import FINAL, Status

from .connection import AsyncConnection
from .events import last_before
from .requests import plausible
from .tables import IS_OPEN, IS_PENDING, events, is_in, requests
from .types import to_millis


async def digest(
    connection: AsyncConnection, since: datetime, until: datetime, *, after_event: int | None = None
) -> Digest:
    """Count what the events tell of since then; what is open is counted as it is now.

    With `after_event`, count exactly what was written after that one: an event may be written a moment later
    than the time that it bears.
    """
    if after_event is None:
        after_event = await last_before(connection, since)
    lately = events.c.id > after_event
    ends = await connection.execute(
        select(events.c.to_status, func.count())
        .where(lately, events.c.to_status.in_([str(status) for status in FINAL]))
        .group_by(events.c.to_status)
    )
    # Each request is applied once, and asked for once.
    applied, asked_for = (
        requests.c.id.in_(select(events.c.request_id).where(lately, which))
        for which in (events.c.to_status == str(Status.APPLIED), events.c.kind == "requested")
    )
    net = await connection.execute(
        select(requests.c.subuser, func.sum(requests.c.allocation_update))
        .where(applied, plausible())
        .group_by(requests.c.subuser)
        .order_by(requests.c.subuser)
    )
    asked = await connection.execute(select(requests.c.allocation_update).where(asked_for, plausible()))
    # What can't be read is left out, so that the rest is told of.
    amounts = list(asked.scalars())
    in_doubt = await connection.execute(select(requests.c.id).where(IS_OPEN, is_in({Status.IN_DOUBT})))
    head = (
        await connection.execute(select(events.c.id, events.c.hash).order_by(events.c.id.desc()).limit(1))
    ).first()
    comparison = await connection.execute(
        select(events.c.detail)
        .where(lately, events.c.kind == "compared")
        .order_by(events.c.id.desc())
        .limit(1)
    )
    compared = read_document(comparison.scalar()) or {}
    return Digest(
        since=to_millis(since),
        until=to_millis(until),
        asked=len(amounts),
        to_add=sum(amount for amount in amounts if amount > 0),
        to_remove=sum(amount for amount in amounts if amount < 0),
        granted=await _count(connection, lately, events.c.to_status == str(Status.APPROVED)),
        ends={str(status): int(number) for status, number in ends},
        emergencies=await _count(connection, lately, events.c.kind == "break_glass"),
        net={name: int(total) for name, total in net if isinstance(name, str)},
        waiting=int(
            await connection.scalar(select(func.count()).select_from(requests).where(IS_OPEN, IS_PENDING))
            or 0
        ),
        in_doubt=tuple(sorted(in_doubt.scalars())),
        events=0 if head is None else int(head.id),
        head=GENESIS if head is None else str(head.hash),
        compared=compared.get("compared"),
        drifted=compared.get("found", 0),
        unread=compared.get("unread", 0),
    )


async def _count(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(events).where(*conditions)
    return int(await connection.scalar(query) or 0)
