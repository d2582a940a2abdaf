"""What is posted to the approvals channel by the clock: one row for each, written anew when one is done."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, literal_column, select, update

from . import damage, runs
from .connection import AsyncConnection
from .database import Transaction
from .readable import NOW, as_they_lie, has_come, read
from .tables import UNPOSTED, bulletins
from .work import Queue, Work

DIGEST, DRIFT = "digest", "drift"
"""The kinds. A digest is worked out from the tables at once; for drift, SendGrid has to be asked first."""

KEPT = timedelta(days=90)
"""For how long one is kept that was posted; the ledger has what it said."""

FRESH = {"tries": 0, "error": None, "failing_since": None, **runs.NONE}


@dataclass(frozen=True, slots=True)
class Bulletin:
    """`content` is None until it was worked out, which happens once; then it is posted."""

    id: int
    kind: str
    due_at: datetime
    content: dict[str, Any] | None
    sent_at: datetime | None
    tries: int
    failing_since: datetime | None
    given_up_at: datetime | None
    runs: int

    @property
    def over(self) -> bool:
        """Whether it was posted, or given up."""
        return self.sent_at is not None or self.given_up_at is not None


_TO_COMPARE = (bulletins.c.kind == literal_column(f"'{DRIFT}'")) & bulletins.c.content.is_(None)
_DUE = select(bulletins.c.id).where(
    UNPOSTED,
    bulletins.c.next_try_at.is_not(None),
    has_come(bulletins.c.next_try_at, NOW),
    runs.may_begin(bulletins, NOW),
)

COMPARE = Work("compare", Queue.SENDGRID, (_DUE.where(_TO_COMPARE),))
ANNOUNCE = Work("announce", Queue.SLACK, (_DUE.where(~_TO_COMPARE),))

NAMES = [field.name for field in fields(Bulletin)]


@dataclass(frozen=True, slots=True)
class Outline:
    """As much of a bulletin that is not over as it takes to end it, if what it says can't be read."""

    kind: str
    due_at: datetime
    content: str | None
    runs: int


async def outline(connection: AsyncConnection, bulletin_id: int, now: datetime) -> Outline | None:
    query = select(bulletins).where(
        bulletins.c.id == bulletin_id, bulletins.c.sent_at.is_(None), bulletins.c.given_up_at.is_(None)
    )
    names = ["id", *(field.name for field in fields(Outline))]
    for row in await damage.rows(connection, query, bulletins, names, now):
        return Outline(**{field.name: row[field.name] for field in fields(Outline)})
    return None


def as_text(content: Mapping[str, Any]) -> str:
    """What a bulletin says, as it lies in the table."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


async def get(connection: AsyncConnection, bulletin_id: int, now: datetime) -> Bulletin | None:
    """The bulletin.

    Raises:
        DamagedRow: it can't be read.
    """
    query = select(bulletins).where(bulletins.c.id == bulletin_id)
    for row in await damage.rows(connection, query, bulletins, NAMES, now):
        try:
            content = None if row["content"] is None else json.loads(row["content"])
        except ValueError as error:
            raise damage.DamagedRow(bulletins, bulletin_id, ["content"]) from error
        return Bulletin(**{**row, "content": content})
    return None


async def plan(transaction: Transaction, kind: str, at: datetime | None) -> None:
    """Have the next one of a kind at that moment; one that was planned and not worked out is forgotten."""
    connection = transaction.connection
    of_this_kind = bulletins.c.kind == kind
    await connection.execute(delete(bulletins).where(of_this_kind, bulletins.c.content.is_(None)))
    if at is None:
        return
    over = bulletins.c.sent_at.is_not(None) | bulletins.c.given_up_at.is_not(None)
    await connection.execute(delete(bulletins).where(of_this_kind, over, bulletins.c.due_at < at - KEPT))
    while await connection.scalar(select(bulletins.c.id).where(of_this_kind, bulletins.c.due_at == at)):
        at += timedelta(milliseconds=1)  # it was there already, when a clock was ahead
    await connection.execute(insert(bulletins).values(kind=kind, due_at=at, next_try_at=at))


async def planned(connection: AsyncConnection, kind: str) -> datetime | None:
    """When the next one of a kind is due, as far as that can be read."""
    query = select(*as_they_lie([bulletins.c.due_at])).where(
        bulletins.c.kind == kind, bulletins.c.content.is_(None)
    )
    row = (await connection.execute(query.limit(1))).mappings().first()
    return None if row is None else read([bulletins.c.due_at], row)[0].get("due_at")


async def written(
    transaction: Transaction,
    bulletin_id: int,
    content: Mapping[str, Any],
    *,
    again_at: datetime | None = None,
) -> None:
    """Keep what it says; with `again_at`, it may be posted from then on."""
    values: dict[str, Any] = {"content": as_text(content), **runs.NONE}
    if again_at is not None:
        values |= {"next_try_at": again_at, **FRESH}
    await transaction.connection.execute(
        update(bulletins).where(bulletins.c.id == bulletin_id).values(values)
    )


async def go_on(transaction: Transaction, bulletin_id: int, at: datetime) -> None:
    """Some of the work is done and there is more: whatever failed before is over."""
    await transaction.connection.execute(
        update(bulletins).where(bulletins.c.id == bulletin_id).values(next_try_at=at, **FRESH)
    )


async def claim(transaction: Transaction, bulletin: Bulletin, now: datetime, until: datetime) -> bool:
    """Take it for posting until then; False if another process has it, or it was posted."""
    taken = await transaction.connection.execute(
        update(bulletins)
        .where(
            bulletins.c.id == bulletin.id,
            bulletins.c.sent_at.is_(None),
            bulletins.c.given_up_at.is_(None),
            has_come(bulletins.c.next_try_at, now),
        )
        .values(next_try_at=until)
    )
    return taken.rowcount == 1


async def sent(transaction: Transaction, bulletin_id: int, at: datetime) -> None:
    await transaction.connection.execute(
        update(bulletins).where(bulletins.c.id == bulletin_id).values(sent_at=at, error=None)
    )


async def failed(
    transaction: Transaction, bulletin: Bulletin, now: datetime, until: datetime, error: str
) -> None:
    await transaction.connection.execute(
        update(bulletins)
        .where(bulletins.c.id == bulletin.id)
        .values(
            tries=bulletin.tries + 1,
            next_try_at=until,
            error=error[:500],
            failing_since=bulletin.failing_since or now,
            **runs.NONE,
        )
    )


async def give_up(transaction: Transaction, bulletin_id: int, at: datetime, error: str) -> None:
    """It is not posted any more."""
    await transaction.connection.execute(
        update(bulletins)
        .where(bulletins.c.id == bulletin_id)
        .values(tries=bulletins.c.tries + 1, given_up_at=at, error=error[:500])
    )
