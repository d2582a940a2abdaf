"""Cards: which messages show a request; their rows in the outbox are delivered like all others.

Usually there is one. A crash between posting and recording, or a post to which Slack gave no answer, leaves a
second, which joins when it is clicked; until then the card that is on record says that it may be there. Where
another channel is named than the one that has an open request's card, the request gets a card there, and the
old one is to point to it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update

from creditbot.domain.place import Place

from .connection import AsyncConnection
from .database import Transaction
from .outbox import DELIVER, FRESH, Outgoing, as_read
from .readable import count, read
from .tables import CARD, IS_CARD, NOT_ENDED, outbox, requests

_INSERT = insert(outbox)


async def begin(transaction: Transaction, request_id: int, channel: str, at: datetime) -> None:
    """Give a new request its card, which is posted once there is something to show of it."""
    await _add(transaction, request_id, channel, at)


async def _add(transaction: Transaction, request_id: int, channel: str, at: datetime, **columns: Any) -> None:
    values = {"kind": CARD, "request_id": request_id, "recipient": channel, "created_at": at, **columns}
    await transaction.connection.execute(_INSERT, values)


async def redraw(transaction: Transaction, *request_ids: int) -> None:
    """Wake whoever draws the cards of these requests, which have just changed."""
    found = await transaction.connection.execute(_OF_REQUESTS, {"requests": request_ids})
    for card_id in found.scalars():
        transaction.wake(DELIVER, card_id)


_OF_REQUESTS = select(outbox.c.id).where(
    IS_CARD, outbox.c.request_id.in_(bindparam("requests", expanding=True))
)


def _of(request_id: int) -> tuple[Any, Any]:
    return IS_CARD, outbox.c.request_id == request_id


async def shown(
    transaction: Transaction,
    card: Outgoing,
    place: Place,
    *,
    version: int,
    lease: datetime | None,
    at: datetime,
) -> bool:
    """The message now shows this version. False if it was clicked or drawn meanwhile, and must be `joined`.

    What was posted was ours until `lease`. A message that was changed was nobody's: to change one twice does
    no harm, as long as it ends with what is newest.
    """
    # A trigger keeps what is wanted; written anew, it is right again if it was damaged. Nobody moves the
    # request on meanwhile, or the card would be taken for current.
    version_now = select(requests.c.version).where(requests.c.id == card.request_id)
    wanted = await transaction.connection.scalar(version_now.with_for_update(read=True))
    not_taken = outbox.c.next_try_at == lease if lease else as_read(card)
    ours = await transaction.connection.execute(
        update(outbox)
        .where(outbox.c.id == card.id, not_taken)
        .values(
            recipient=place.channel,
            ts=place.ts,
            shown_version=version,
            wanted_version=wanted,
            sent_at=at,
            **FRESH,
        )
    )
    return ours.rowcount == 1


async def places(connection: AsyncConnection, request_ids: Iterable[int]) -> dict[int, Place]:
    """Where the cards of these requests are, by the requests' IDs; of several, the one posted last.

    One that only points to another does not count, nor one that can't be read.
    """
    found = await connection.execute(_PLACES, {"those": list(request_ids)})
    rows = [read(_OF_PLACE, row) for row in found.mappings()]
    return {row["request_id"]: Place(row["recipient"], row["ts"]) for row, damaged in rows if not damaged}


_OF_PLACE = [outbox.c.request_id, outbox.c.recipient, outbox.c.ts]
_PLACES = (
    select(*_OF_PLACE)
    .where(IS_CARD, outbox.c.request_id.in_(bindparam("those", expanding=True)))
    .order_by(outbox.c.moved_at.is_(None), outbox.c.ts.is_not(None), outbox.c.id)
)


async def place(connection: AsyncConnection, request_id: int) -> Place | None:
    """Where the card of a request is, or will be; None if there is no such request."""
    return (await places(connection, [request_id])).get(request_id)


async def is_in(connection: AsyncConnection, request_id: int, channel: str) -> bool:
    """Whether the request has a card in this channel, posted or yet to be."""
    query = select(outbox.c.id).where(*_of(request_id), outbox.c.recipient == channel)
    return await connection.scalar(query.limit(1)) is not None


async def is_current(connection: AsyncConnection, request_id: int, channel: str, ts: str) -> bool | None:
    """Whether this message is known to show the request as it stands; None if it is not on record.

    False means that it is about to be drawn, without anybody calling for that.
    """
    current = or_(
        outbox.c.shown_version == requests.c.version,
        # It was not drawn for some reason; but somebody sees it, so it may be tried at once.
        outbox.c.error.is_not(None),
        outbox.c.given_up_at.is_not(None),
    )
    query = select(current).join(requests, requests.c.id == outbox.c.request_id)
    return await connection.scalar(
        query.where(*_of(request_id), outbox.c.recipient == channel, outbox.c.ts == ts)
    )


async def joined(transaction: Transaction, request_id: int, channel: str, ts: str, at: datetime) -> None:
    """Have this very message drawn anew, since it was clicked or posted, whether or not it was on record.

    Of two that have drawn it at once nobody knows which came last, nor after a post whether there are two
    messages now. If a row has come to stand for another message, this one gets a row of its own.
    """
    connection = transaction.connection
    message = outbox.c.recipient == channel, outbox.c.ts == ts
    anothers = select(outbox.c.id).where(*message, or_(~IS_CARD, outbox.c.request_id != request_id))
    if await connection.scalar(anothers) is not None:
        return  # it shows something else, so this is no click of Slack's
    mine = _of(request_id)
    known = select(outbox.c.id, outbox.c.posts).where(*mine, *message)
    unposted = select(outbox.c.id, outbox.c.posts).where(
        *mine, outbox.c.ts.is_(None), outbox.c.recipient == channel
    )
    found = (await connection.execute(known)).first() or (await connection.execute(unposted)).first()
    if found is not None:
        drawn = {"posts": max(count(found.posts), 1), "shown_version": 0, **FRESH}
        await _change(transaction, found.id, recipient=channel, ts=ts, **drawn)
    else:
        # It is the copy that may have been above another: now it is known.
        copied = *mine, outbox.c.posts > 1, outbox.c.recipient == channel
        suspected = await connection.scalar(select(outbox.c.id).where(*copied).limit(1))
        if suspected is not None:
            await _change(transaction, suspected, posts=outbox.c.posts - 1, shown_version=0)
        await _add(transaction, request_id, channel, at, ts=ts, posts=1)
    await redraw(transaction, request_id)


async def lost(transaction: Transaction, card: Outgoing, request_id: int) -> None:
    """The message is gone: the next drawing posts a new one, unless there is another."""
    gone = outbox.c.id == card.id, outbox.c.ts == card.ts
    others = select(outbox.c.id).where(*_of(request_id), outbox.c.id != card.id, outbox.c.moved_at.is_(None))
    if await transaction.connection.scalar(others.limit(1)) is not None:
        await transaction.connection.execute(delete(outbox).where(*gone))
        return
    await transaction.connection.execute(
        update(outbox).where(*gone).values(ts=None, posts=outbox.c.posts - 1, shown_version=0, **FRESH)
    )
    await redraw(transaction, request_id)


async def in_trouble(connection: AsyncConnection, request_id: int) -> bool:
    """Whether a card of the request could not be shown when that was tried last."""
    query = select(outbox.c.id).where(
        *_of(request_id), outbox.c.moved_at.is_(None), outbox.c.error.is_not(None)
    )
    return await connection.scalar(query.limit(1)) is not None


async def move(transaction: Transaction, request_id: int, channel: str, at: datetime) -> None:
    """Give the request a card in this channel, and have those that were posted in others point to it.

    One that is being posted meanwhile is recorded, and then points there, too.
    """
    connection = transaction.connection
    mine = *_of(request_id), outbox.c.moved_at.is_(None)
    elsewhere = *mine, outbox.c.recipient != channel
    await connection.execute(delete(outbox).where(*elsewhere, outbox.c.posts == 0))
    await connection.execute(update(outbox).where(*elsewhere).values(moved_at=at, given_up_at=None))
    if await connection.scalar(select(outbox.c.id).where(*mine).limit(1)) is None:
        await _add(transaction, request_id, channel, at)
    await redraw(transaction, request_id)


async def of_open_requests(
    connection: AsyncConnection, among: Sequence[int] | None = None
) -> list[tuple[int, str, str]]:
    """The request, its subuser and the channel of each card that shows a request that has not ended."""
    columns = [outbox.c.request_id, requests.c.subuser, outbox.c.recipient]
    open_ = select(requests.c.id).where(NOT_ENDED)
    if among is not None:
        open_ = open_.where(requests.c.id.in_(among))
    query = select(*columns).join(requests, requests.c.id == outbox.c.request_id)
    query = query.where(IS_CARD, outbox.c.request_id.in_(open_), outbox.c.moved_at.is_(None))
    rows = [read(columns, row) for row in (await connection.execute(query)).mappings()]
    return [
        (row["request_id"], row["subuser"], row["recipient"]) for row, unreadable in rows if not unreadable
    ]


async def _change(transaction: Transaction, card_id: int, **columns: Any) -> None:
    await transaction.connection.execute(update(outbox).where(outbox.c.id == card_id).values(columns))
