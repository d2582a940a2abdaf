"""What is due now, read from the tables, so that no wake-up has to be remembered.

Each question is answered by an index of the few rows to which there is more to come, and all of them are one
statement that is built once, since they are asked every second and after every commit.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    exists,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.requests import Status

from .bulletins import DRIFT
from .cards import to_draw
from .database import WakeUp
from .readable import NOW, has_come, moments
from .runs import may_begin
from .tables import (
    BEHIND,
    IS_DECIDED,
    IS_OLDER,
    IS_PENDING,
    NEVER_REMINDED,
    TO_CHECK,
    TO_REMIND,
    UNPOSTED,
    UNTOLD,
    bulletins,
    cards,
    is_in,
    notices,
    requests,
)

LIMIT = bindparam("most", type_=Integer())

Queries = list[tuple[str, Select[Any]]]
"""With the job that each is for."""


async def due(connection: AsyncConnection, now: datetime, limit: int = 200) -> list[WakeUp]:
    """The jobs that have something to do, at most `limit` of each kind, those first that have waited most."""
    found = await connection.execute(QUERY, {**moments(now), "most": limit})
    return list(dict.fromkeys(WakeUp(job, key) for job, key in found))  # a request may have several cards


def _requests() -> Queries:
    """For each job the part of the table that has an index, what else must hold, and since when it waits."""
    ready = has_come(requests.c.next_try_at, NOW)
    was_shown = requests.c.checked_at.is_not(None)
    next_try_at, remind_at = requests.c.next_try_at, requests.c.remind_at
    which: list[tuple[str, ColumnElement[bool], ColumnElement[bool], ColumnElement[Any]]] = [
        ("expire", IS_PENDING, requests.c.expires_at <= NOW, requests.c.expires_at),
        ("remind", TO_REMIND, was_shown & (remind_at <= NOW), remind_at),
        ("remind", NEVER_REMINDED, was_shown, remind_at),
        ("check", TO_CHECK, ready, next_try_at),
        ("apply", IS_DECIDED, ready & is_in({Status.APPROVED, Status.APPLYING}), next_try_at),
        ("settle", IS_DECIDED, ready & next_try_at.is_not(None) & is_in({Status.IN_DOUBT}), next_try_at),
    ]
    return [
        (
            job,
            select(requests.c.id)
            .where(part, condition, may_begin(requests, NOW))
            .order_by(since, requests.c.id),
        )
        for job, part, condition, since in which
    ]


def _cards() -> Select[Any]:
    query = select(cards.c.request_id).where(BEHIND, to_draw(IS_OLDER, NOW))
    return query.order_by(cards.c.next_try_at, cards.c.id)


def _notices() -> Select[Any]:
    """A person is told of one request in the order in which it happened."""
    earlier = notices.alias()
    waits_its_turn = exists().where(
        earlier.c.request_id == notices.c.request_id,
        earlier.c.person == notices.c.person,
        earlier.c.sent_at.is_(None),
        earlier.c.given_up_at.is_(None),
        earlier.c.id < notices.c.id,
    )
    query = select(notices.c.id).where(UNTOLD, has_come(notices.c.next_try_at, NOW), ~waits_its_turn)
    return query.order_by(notices.c.next_try_at, notices.c.id)


def _bulletins() -> Queries:
    to_compare = (bulletins.c.kind == literal_column(f"'{DRIFT}'")) & bulletins.c.content.is_(None)
    its_time = bulletins.c.next_try_at.is_not(None), has_come(bulletins.c.next_try_at, NOW)
    open_ = select(bulletins.c.id).where(UNPOSTED, *its_time, may_begin(bulletins, NOW))
    return [("compare", open_.where(to_compare)), ("announce", open_.where(~to_compare))]


def _together(queries: Queries) -> CompoundSelect[Any]:
    """The first of each."""
    parts = []
    for number, (job, query) in enumerate(queries):
        [key] = query.limit(LIMIT).subquery(f"{job}_{number}").c
        parts.append(select(literal_column(f"'{job}'"), key))
    return union_all(*parts)


QUERY = _together([*_requests(), ("draw", _cards()), ("notify", _notices()), *_bulletins()])
