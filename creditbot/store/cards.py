"""Cards: which messages show a request, and which version of it each one shows.

Usually there is one. A crash between posting and recording leaves a second, which joins when it is clicked.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import Transaction
from .tables import cards


@dataclass(frozen=True, slots=True)
class Card:
    """One message; `ts` is None until it was posted, as far as anyone recorded."""

    id: int
    request_id: int
    channel: str
    ts: str | None
    shown_version: int
    tries: int


async def behind(connection: AsyncConnection, request_id: int, version: int, now: datetime) -> list[Card]:
    """The cards of a request that show an older version and may be tried now."""
    columns = [cards.c[name] for name in ("id", "request_id", "channel", "ts", "shown_version", "tries")]
    query = select(*columns).where(
        cards.c.request_id == request_id,
        cards.c.shown_version < version,
        or_(cards.c.next_try_at.is_(None), cards.c.next_try_at <= now),
    )
    return [Card(**row) for row in (await connection.execute(query)).mappings()]


async def claim(transaction: Transaction, card: Card, now: datetime, until: datetime) -> bool:
    """Take a card for drawing until then; False if another process has it, or it is not as it was read.

    A click may have told meanwhile which message it is: who still takes it for unposted would post another.
    """
    taken = await transaction.connection.execute(
        update(cards)
        .where(
            cards.c.id == card.id,
            cards.c.ts.is_not_distinct_from(card.ts),
            cards.c.shown_version == card.shown_version,
            or_(cards.c.next_try_at.is_(None), cards.c.next_try_at <= now),
        )
        .values(next_try_at=until)
    )
    return taken.rowcount == 1


async def shown(
    transaction: Transaction, card: Card, channel: str, ts: str, *, version: int, lease: datetime
) -> None:
    """The message now shows this version, unless it was clicked or taken over meanwhile.

    Then nobody knows which of two drawings came last, so it is drawn once more. If the row has come to stand
    for another message by then, this one gets a row of its own.
    """
    fresh = {"channel": channel, "ts": ts, "tries": 0, "next_try_at": None, "error": None}
    ours = await transaction.connection.execute(
        update(cards)
        .where(cards.c.id == card.id, cards.c.next_try_at == lease)
        .values(shown_version=version, **fresh)
    )
    if ours.rowcount == 0:
        await clicked(transaction, card.request_id, channel, ts)


async def clicked(transaction: Transaction, request_id: int, channel: str, ts: str) -> None:
    """Have the very message that was clicked drawn anew, whether or not it was on record."""
    connection = transaction.connection
    mine = cards.c.request_id == request_id
    known = await connection.scalar(
        select(cards.c.id).where(mine, cards.c.channel == channel, cards.c.ts == ts)
    )
    unposted = await connection.scalar(select(cards.c.id).where(mine, cards.c.ts.is_(None)))
    card_id = known if known is not None else unposted
    if card_id is not None:
        await _change(transaction, card_id, channel=channel, ts=ts, shown_version=0, next_try_at=None)
    else:
        await connection.execute(insert(cards).values(request_id=request_id, channel=channel, ts=ts))
    transaction.wake("draw", request_id)


async def lost(transaction: Transaction, card: Card) -> None:
    """The message is gone: the next drawing posts a new one, unless a click has shown another by now."""
    await transaction.connection.execute(
        update(cards)
        .where(cards.c.id == card.id, cards.c.ts.is_not_distinct_from(card.ts))
        .values(ts=None, shown_version=0, next_try_at=None)
    )
    transaction.wake("draw", card.request_id)


async def failed(transaction: Transaction, card: Card, until: datetime, error: str) -> None:
    await _change(transaction, card.id, tries=card.tries + 1, next_try_at=until, error=error[:500])


async def _change(transaction: Transaction, card_id: int, **columns: Any) -> None:
    await transaction.connection.execute(update(cards).where(cards.c.id == card_id).values(columns))
