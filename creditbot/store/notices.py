"""Notices to people: one row for each request, kind and person, sent once."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, Select, bindparam, delete, exists, insert, or_, select, update

from . import damage
from .connection import AsyncConnection
from .database import Transaction
from .readable import NOW, has_come
from .tables import UNTOLD, notices, requests
from .types import Moment
from .work import Queue, Work

KEPT = timedelta(days=90)
"""For how long it is known of a request that has ended who was told of it, and so is not told again."""

FORGOTTEN = 4


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person is still to be told, or has been."""

    id: int
    request_id: int
    kind: str
    person: str
    sent_at: datetime | None
    tries: int
    failing_since: datetime | None
    given_up_at: datetime | None

    @property
    def over(self) -> bool:
        """Whether it was sent, or given up."""
        return self.sent_at is not None or self.given_up_at is not None


def _due() -> Select[Any]:
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


NOTIFY = Work("notify", Queue.SLACK, (_due(),))


async def add(
    transaction: Transaction,
    request_id: int,
    kind: str,
    person: str,
    at: datetime,
    *,
    not_before: datetime | None = None,
) -> bool:
    """Have `person` told; a notice that is there already stays as it is. Returns whether it is a new one."""
    connection = transaction.connection
    # Writers take turns, so nobody inserts the same between this look and the insert.
    known = select(notices.c.id).where(
        notices.c.request_id == request_id, notices.c.kind == kind, notices.c.person == person
    )
    if await connection.scalar(known) is not None:
        return False
    added = await connection.execute(
        insert(notices)
        .values(request_id=request_id, kind=kind, person=person, created_at=at, next_try_at=not_before)
        .returning(notices.c.id)
    )
    notice_id = int(added.scalar_one())
    if not_before is None:
        transaction.wake(NOTIFY, notice_id)
    return True


async def forget(transaction: Transaction, now: datetime) -> None:
    """Drop a few of the oldest ones that were sent long ago, of requests that have ended long ago.

    Each new request drops about as many as it adds, so that nobody waits for that, and no job is needed.
    """
    await transaction.connection.execute(_FORGET, {"long_ago": now - KEPT})


def _forget() -> Delete:
    long_ago = bindparam("long_ago", type_=Moment())
    oldest = select(notices).order_by(notices.c.id).limit(FORGOTTEN).subquery()
    over = oldest.c.sent_at.is_not(None) | oldest.c.given_up_at.is_not(None)
    old = (
        select(oldest.c.id)
        .join(requests, requests.c.id == oldest.c.request_id)
        .where(over, oldest.c.created_at < long_ago, requests.c.finished_at < long_ago)
    )
    return delete(notices).where(notices.c.id.in_(old))


_FORGET = _forget()


async def withdraw(
    transaction: Transaction, request_id: int, at: datetime, prefixes: Iterable[str], *, but: str = ""
) -> None:
    """Count as sent what nobody needs to be told any more: what is unsent of some kinds, `but` for one.

    Otherwise what a person is told next would wait for it, through quiet hours too.
    """
    kinds = or_(*(notices.c.kind.startswith(prefix, autoescape=True) for prefix in prefixes))
    await transaction.connection.execute(
        update(notices)
        .where(notices.c.request_id == request_id, UNTOLD, kinds, notices.c.kind != but)
        .values(sent_at=at)
    )


async def get(connection: AsyncConnection, notice_id: int, now: datetime) -> Notice | None:
    """The notice.

    Raises:
        DamagedRow: it can't be read.
    """
    query = select(notices).where(notices.c.id == notice_id)
    names = [field.name for field in fields(Notice)]
    rows = await damage.rows(connection, query, notices, names, now)
    return Notice(**rows[0]) if rows else None


async def claim(transaction: Transaction, notice: Notice, now: datetime, until: datetime) -> bool:
    """Take a notice for sending until then; False if it was sent, is being sent, or has to wait its turn.

    A person is told of one request in the order in which it happened.
    """
    earlier = notices.alias()
    mine = earlier.c.request_id == notice.request_id, earlier.c.person == notice.person
    taken = await transaction.connection.execute(
        update(notices)
        .where(
            notices.c.id == notice.id,
            UNTOLD,
            has_come(notices.c.next_try_at, now),
            ~exists().where(
                *mine,
                earlier.c.sent_at.is_(None),
                earlier.c.given_up_at.is_(None),
                earlier.c.id < notice.id,
            ),
        )
        .values(next_try_at=until)
    )
    return taken.rowcount == 1


async def sent(transaction: Transaction, notice_id: int, at: datetime) -> None:
    await transaction.connection.execute(
        update(notices).where(notices.c.id == notice_id).values(sent_at=at, error=None)
    )


async def failed(
    transaction: Transaction, notice: Notice, now: datetime, until: datetime, error: str
) -> None:
    await transaction.connection.execute(
        update(notices)
        .where(notices.c.id == notice.id)
        .values(
            tries=notice.tries + 1,
            next_try_at=until,
            error=error[:500],
            failing_since=notice.failing_since or now,
        )
    )


async def give_up(transaction: Transaction, notice: Notice, at: datetime, error: str) -> bool:
    """It is not sent any more; False if it was given up before, or sent."""
    given_up = await transaction.connection.execute(
        update(notices)
        .where(notices.c.id == notice.id, UNTOLD)
        .values(tries=notice.tries + 1, given_up_at=at, error=error[:500])
    )
    return given_up.rowcount == 1
