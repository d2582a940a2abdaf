"""Cards: which messages show a request, and which version of it each one shows.

Usually there is one. A crash between posting and recording, or a post to which Slack gave no answer, leaves a
second, which joins when it is clicked; until then the card that is on record says that it may be there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.place import Place

from .database import Transaction
from .tables import cards


@dataclass(frozen=True, slots=True)
class Card:
    """One message; `ts` is None until it was posted, as far as anyone recorded."""

    id: int
    request_id: int
    channel: str
    ts: str | None
    posts: int
    shown_version: int
    tries: int

    @property
    def has_copy_above(self) -> bool:
        """Whether an earlier post of it may have come through without anyone knowing."""
        return self.posts > (0 if self.ts is None else 1)


FRESH = {"tries": 0, "next_try_at": None, "error": None}

COLUMNS = [cards.c[field.name] for field in fields(Card)]


async def behind(connection: AsyncConnection, request_id: int, version: int, now: datetime) -> list[Card]:
    """The cards of a request that show an older version and may be tried now."""
    query = select(*COLUMNS).where(
        cards.c.request_id == request_id,
        cards.c.shown_version < version,
        or_(cards.c.next_try_at.is_(None), cards.c.next_try_at <= now),
    )
    return [Card(**row) for row in (await connection.execute(query)).mappings()]


async def claim(transaction: Transaction, card: Card, now: datetime, until: datetime) -> bool:
    """Take a card for drawing until then; False if another process has it, or it is not as it was read.

    A click may have told meanwhile which message it is: who still takes it for unposted would post another.
    A post is counted here, before it is sent, so that a crash can't hide it.
    """
    posts = card.posts if card.ts is not None else card.posts + 1
    taken = await transaction.connection.execute(
        update(cards)
        .where(
            cards.c.id == card.id,
            cards.c.ts == card.ts,
            cards.c.posts == card.posts,
            cards.c.shown_version == card.shown_version,
            or_(cards.c.next_try_at.is_(None), cards.c.next_try_at <= now),
        )
        .values(next_try_at=until, posts=posts)
    )
    return taken.rowcount == 1


async def shown(
    transaction: Transaction, card: Card, channel: str, ts: str, *, version: int, lease: datetime
) -> None:
    """The message now shows this version, unless it was clicked or taken over meanwhile.

    Then nobody knows which of two drawings came last, or whether there are two messages now, so that each is
    drawn once more. If the row has come to stand for another message, this one gets a row of its own.
    """
    ours = await transaction.connection.execute(
        update(cards)
        .where(cards.c.id == card.id, cards.c.next_try_at == lease)
        .values(channel=channel, ts=ts, shown_version=version, **FRESH)
    )
    if ours.rowcount == 0:
        await joined(transaction, card.request_id, channel, ts)


async def places(connection: AsyncConnection, request_ids: Iterable[int]) -> dict[int, Place]:
    """Where the cards of these requests are, by the requests' IDs; of several, the one posted last."""
    query = select(cards.c.request_id, cards.c.channel, cards.c.ts).where(
        cards.c.request_id.in_(list(request_ids))
    )
    found: dict[int, Place] = {}
    for row in await connection.execute(query.order_by(cards.c.ts.is_not(None), cards.c.id)):
        found[row.request_id] = Place(row.channel, row.ts)
    return found


async def place(connection: AsyncConnection, request_id: int) -> Place | None:
    """Where the card of a request is, or will be; None if there is no such request."""
    return (await places(connection, [request_id])).get(request_id)


async def is_in(connection: AsyncConnection, request_id: int, channel: str) -> bool:
    """Whether the request has a card in this channel, posted or yet to be."""
    query = select(cards.c.id).where(cards.c.request_id == request_id, cards.c.channel == channel)
    return await connection.scalar(query.limit(1)) is not None


async def joined(transaction: Transaction, request_id: int, channel: str, ts: str) -> None:
    """Have this very message drawn anew, since it was clicked or posted, whether or not it was on record."""
    connection = transaction.connection
    message = cards.c.channel == channel, cards.c.ts == ts
    mine = cards.c.request_id == request_id
    if await connection.scalar(select(cards.c.id).where(*message, ~mine)) is not None:
        return  # it shows another request, so this is no click of Slack's
    known = select(cards.c.id, cards.c.posts).where(mine, *message)
    unposted = select(cards.c.id, cards.c.posts).where(mine, cards.c.ts.is_(None))
    found = (await connection.execute(known)).first() or (await connection.execute(unposted)).first()
    if found is not None:
        drawn = {"posts": max(found.posts, 1), "shown_version": 0, **FRESH}
        await _change(transaction, found.id, channel=channel, ts=ts, **drawn)
    else:
        # It is the copy that may have been above another: now it is known.
        suspected = await connection.scalar(select(cards.c.id).where(mine, cards.c.posts > 1).limit(1))
        if suspected is not None:
            await _change(transaction, suspected, posts=cards.c.posts - 1, shown_version=0)
        await connection.execute(insert(cards).values(request_id=request_id, channel=channel, ts=ts, posts=1))
    transaction.wake("draw", request_id)


async def lost(transaction: Transaction, card: Card) -> None:
    """The message is gone: the next drawing posts a new one, unless there is another."""
    others = select(cards.c.id).where(cards.c.request_id == card.request_id, cards.c.id != card.id)
    if await transaction.connection.scalar(others.limit(1)) is not None:
        gone = delete(cards).where(cards.c.id == card.id, cards.c.ts == card.ts)
        await transaction.connection.execute(gone)
        return
    await transaction.connection.execute(
        update(cards)
        .where(cards.c.id == card.id, cards.c.ts == card.ts)
        .values(ts=None, posts=cards.c.posts - 1, shown_version=0, next_try_at=None)
    )
    transaction.wake("draw", card.request_id)


async def failed(
    transaction: Transaction, card: Card, until: datetime, error: str, *, not_done: bool
) -> None:
    """It could not be shown. Only if that was certainly `not_done`, a post of it does not count."""
    taken_back = 1 if card.ts is None and not_done else 0
    await _change(
        transaction,
        card.id,
        tries=card.tries + 1,
        next_try_at=until,
        error=error[:500],
        posts=cards.c.posts - taken_back,
    )


async def _change(transaction: Transaction, card_id: int, **columns: Any) -> None:
    await transaction.connection.execute(update(cards).where(cards.c.id == card_id).values(columns))
