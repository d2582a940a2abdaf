"""The outbox: whatever is to be shown in Slack, one row for each message, about any subject.

A row is behind while it shows another version than is wanted. What is told once wants the first; what follows
a state (a request's card) wants the version that its state has by now, however many came in between.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    true,
    update,
)

from creditbot.domain.documents import read_document
from creditbot.domain.place import Place

from . import damage
from .connection import AsyncConnection
from .database import Transaction
from .readable import NOW, believed, has_come, is_too_far
from .tables import BEHIND, CARD, IS_CARD, IS_OLDER, TOLD_ONCE, outbox, requests
from .types import Moment
from .work import Queue, Work

KEPT = timedelta(days=90)
"""For how long it is known who was told of what has ended, and so is not told again."""

FORGOTTEN = 4

FRESH: Mapping[str, Any] = {
    "tries": 0,
    "next_try_at": None,
    "turn_at": None,
    "error": None,
    "failing_since": None,
    "given_up_at": None,
}
"""The columns of a row with which all is well."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is to be shown, or was. `ts` is None until it was posted, as far as anyone recorded.

    `content` is what was worked out once, if anything was.
    """

    id: int
    request_id: int | None
    kind: str
    recipient: str
    content: dict[str, Any] | None
    ts: str | None
    posts: int
    shown_version: int
    wanted_version: int
    next_try_at: datetime | None
    turn_at: datetime | None
    tries: int
    failing_since: datetime | None
    given_up_at: datetime | None
    moved_at: datetime | None

    @property
    def is_behind(self) -> bool:
        """Whether there is anything to show."""
        older = self.shown_version != self.wanted_version
        return self.given_up_at is None and (older or self.moved_at is not None)

    @property
    def place(self) -> Place | None:
        """The message in Slack that is to be changed; None if one is to be posted."""
        return None if self.ts is None else Place(self.recipient, self.ts)

    @property
    def has_copy_above(self) -> bool:
        """Whether an earlier post of it may have come through without anyone knowing."""
        return self.posts > (0 if self.ts is None else 1)

    def may_be_tried(self, now: datetime) -> bool:
        until = believed(self.next_try_at, now)
        return until is None or until <= now


NAMES = [field.name for field in fields(Outgoing)]


def _earlier_first() -> ColumnElement[bool]:
    """Whether nothing waits that is told before this: of one subject, in the order in which it came."""
    earlier = outbox.alias()
    return ~exists().where(
        earlier.c.subject == outbox.c.subject,
        earlier.c.recipient == outbox.c.recipient,
        earlier.c.given_up_at.is_(None),
        earlier.c.shown_version.is_distinct_from(earlier.c.wanted_version),
        earlier.c.id < outbox.c.id,
    )


def _due() -> tuple[Select[Any], ...]:
    """What is behind, and what points to another place once there is something to see there."""
    not_moved = or_(outbox.c.moved_at.is_(None), is_too_far(outbox.c.moved_at, NOW))
    instead = outbox.alias()
    # Not EXISTS, for which PostgreSQL may read the whole outbox to have it at hand.
    posted = select(instead.c.id).where(
        instead.c.kind == IS_CARD.right,
        instead.c.request_id == outbox.c.request_id,
        instead.c.moved_at.is_(None),
        instead.c.ts.is_not(None),
    )
    elsewhere = posted.limit(1).scalar_subquery().is_not(None)
    open_ = select(outbox.c.id).where(BEHIND, has_come(outbox.c.next_try_at, NOW))
    open_ = open_.order_by(outbox.c.next_try_at, outbox.c.id)
    return (
        open_.where(not_moved, IS_OLDER, _earlier_first()),
        open_.where(outbox.c.moved_at.is_not(None), outbox.c.ts.is_not(None), elsewhere),
    )


DELIVER = Work("deliver", Queue.SLACK, _due())


async def put(
    transaction: Transaction,
    kind: str,
    recipient: str,
    at: datetime,
    *,
    subject: str | None = None,
    request_id: int | None = None,
    content: Mapping[str, Any] | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Have a message shown. Of one `subject` each recipient is told once of each kind, in this order.

    Returns whether it is a new one; what is there already stays as it is.
    """
    connection = transaction.connection
    # Writers take turns, so nobody inserts the same between this look and the insert.
    known = {"subject": subject, "recipient": recipient, "kind": kind}
    if subject is not None and await connection.scalar(_KNOWN, known) is not None:
        return False
    added = await connection.execute(
        _INSERT,
        {
            **known,
            "request_id": request_id,
            "content": None if content is None else as_text(content),
            "created_at": at,
            "next_try_at": not_before,
        },
    )
    row_id = int(added.scalar_one())
    if not_before is None:
        transaction.wake(DELIVER, row_id)
    return True


_INSERT = insert(outbox).returning(outbox.c.id)
_KNOWN = select(outbox.c.id).where(
    TOLD_ONCE,
    outbox.c.subject == bindparam("subject"),
    outbox.c.recipient == bindparam("recipient"),
    outbox.c.kind == bindparam("kind"),
)


async def tell(
    transaction: Transaction,
    request_id: int,
    kind: str,
    recipient: str,
    at: datetime,
    *,
    not_before: datetime | None = None,
) -> bool:
    """Have a person, or a channel, told what became of a request; once. Returns whether that is new."""
    return await put(
        transaction,
        kind,
        recipient,
        at,
        subject=about(request_id),
        request_id=request_id,
        not_before=not_before,
    )


def about(request_id: int) -> str:
    """The subject of what is told of a request."""
    return f"request {request_id}"


def as_text(content: Mapping[str, Any]) -> str:
    """Content as it lies in the table."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


async def withdraw(
    transaction: Transaction, request_id: int, at: datetime, prefixes: Iterable[str], *, but: str = ""
) -> None:
    """Count as told what nobody needs to be told any more: what is untold of some kinds, `but` for one.

    Otherwise what a person is told next would wait for it, through quiet hours too.
    """
    kinds = or_(*(outbox.c.kind.startswith(prefix, autoescape=True) for prefix in prefixes))
    await transaction.connection.execute(
        update(outbox)
        .where(TOLD_ONCE, outbox.c.subject == about(request_id), BEHIND, kinds, outbox.c.kind != but)
        .values(shown_version=outbox.c.wanted_version, sent_at=at)
    )


async def forget(transaction: Transaction, now: datetime) -> None:
    """Drop a few of the oldest ones that were told long ago, of what has ended long ago.

    Each new request drops about as many as it adds, so that nobody waits for that, and no job is needed.
    """
    await transaction.connection.execute(_FORGET, {"long_ago": now - KEPT})


def _forget() -> Delete:
    long_ago = bindparam("long_ago", type_=Moment())
    oldest = select(outbox).where(TOLD_ONCE).order_by(outbox.c.created_at).limit(FORGOTTEN).subquery()
    told = oldest.c.given_up_at.is_not(None) | ~oldest.c.shown_version.is_distinct_from(
        oldest.c.wanted_version
    )
    ended = or_(oldest.c.request_id.is_(None), requests.c.finished_at < long_ago)
    old = (
        select(oldest.c.id)
        .join(requests, requests.c.id == oldest.c.request_id, isouter=True)
        .where(told, oldest.c.created_at < long_ago, ended)
    )
    return delete(outbox).where(outbox.c.id.in_(old))


_FORGET = _forget()


async def get(connection: AsyncConnection, row_id: int, now: datetime) -> Outgoing | None:
    """One row.

    Raises:
        DamagedRow: it can't be read.
    """
    found = await read(connection, select(outbox).where(outbox.c.id == row_id), now)
    return found[0] if found else None


async def read(connection: AsyncConnection, query: Select[Any], now: datetime) -> list[Outgoing]:
    """The rows of a query.

    Raises:
        DamagedRow: one of them can't be read.
    """
    return [
        Outgoing(**{**row, "content": _content(row)})
        for row in await damage.rows(connection, query, outbox, NAMES, now)
    ]


def _content(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if row["content"] is None:
        return None
    found = read_document(row["content"])
    if found is None:
        raise damage.DamagedRow(outbox, row["id"], ["content"])
    return found


async def lease(transaction: Transaction, row: Outgoing, now: datetime, until: datetime) -> bool:
    """Take a row for showing it until then; False if another process has it, or it is not as it was read, or
    has to wait for what the person is told before.

    A click may have told meanwhile which message it is: who still takes it for unposted would post another.
    A post is counted here, before it is sent, so that a crash can't hide it.
    """
    posts = row.posts if row.ts is not None else row.posts + 1
    in_order = true() if row.kind == CARD else _earlier_first()
    taken = await transaction.connection.execute(
        update(outbox)
        .where(as_read(row), BEHIND, has_come(outbox.c.next_try_at, now), in_order)
        .values(next_try_at=until, turn_at=None, posts=posts)
    )
    return taken.rowcount == 1


def as_read(row: Outgoing) -> ColumnElement[bool]:
    return and_(
        outbox.c.id == row.id,
        outbox.c.recipient == row.recipient,
        outbox.c.ts == row.ts,
        outbox.c.posts == row.posts,
        outbox.c.shown_version == row.shown_version,
        outbox.c.moved_at == row.moved_at,
    )


async def put_off(
    transaction: Transaction, row: Outgoing, until: datetime, *, turn: datetime | None = None
) -> None:
    """Leave it until then, as it was read; with a `turn` it has its place in the line for Slack's limit."""
    await transaction.connection.execute(
        update(outbox)
        .where(outbox.c.id == row.id, outbox.c.given_up_at.is_(None))
        .values(next_try_at=until, turn_at=turn, posts=row.posts)
    )


async def shown(transaction: Transaction, row: Outgoing, version: int, at: datetime) -> None:
    """It was told, or is of no use any more."""
    await transaction.connection.execute(
        update(outbox).where(outbox.c.id == row.id).values(shown_version=version, sent_at=at, **FRESH)
    )


async def failed(
    transaction: Transaction, row: Outgoing, now: datetime, until: datetime, error: str, *, not_done: bool
) -> None:
    """It could not be shown. Only if that was certainly `not_done`, a post of it does not count."""
    taken_back = 1 if row.ts is None and not_done else 0
    await transaction.connection.execute(
        update(outbox)
        .where(outbox.c.id == row.id)
        .values(
            tries=row.tries + 1,
            next_try_at=until,
            turn_at=None,
            error=error[:500],
            failing_since=row.failing_since or now,
            posts=outbox.c.posts - taken_back,
        )
    )


async def give_up(transaction: Transaction, row: Outgoing, at: datetime, error: str | None = None) -> bool:
    """Nothing more is shown there, unless it is clicked; False if that was so before, or it was told."""
    given_up = await transaction.connection.execute(
        update(outbox)
        .where(outbox.c.id == row.id, BEHIND)
        .values(given_up_at=at, next_try_at=None, turn_at=None, error=error and error[:500])
    )
    return given_up.rowcount == 1


async def say_instead(transaction: Transaction, row: Outgoing, content: Mapping[str, Any]) -> None:
    """Have it say something else, as if it had never been tried."""
    await transaction.connection.execute(
        update(outbox).where(outbox.c.id == row.id).values(content=as_text(content), **FRESH)
    )
    transaction.wake(DELIVER, row.id)


async def readdress(transaction: Transaction, kinds: Iterable[str], channel: str) -> None:
    """Have what was not posted yet of these kinds, and was for another channel, posted in this one."""
    await transaction.connection.execute(
        update(outbox)
        .where(BEHIND, outbox.c.kind.in_(list(kinds)), outbox.c.recipient != channel)
        .values(recipient=channel, **FRESH)
    )
