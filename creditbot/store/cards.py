"""Cards: which messages show a request, and which version of it each one shows.

Usually there is one. A crash between posting and recording, or a post to which Slack gave no answer, leaves a
second, which joins when it is clicked; until then the card that is on record says that it may be there. Where
another channel is named than the one that has an open request's card, the request gets a card there, and the
old one is to point to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update

from creditbot.domain.place import Place

from . import damage
from .connection import AsyncConnection
from .database import Transaction
from .readable import NOW, Time, count, has_come, is_too_far, read
from .tables import BEHIND, IS_OLDER, NOT_ENDED, cards, requests
from .work import Queue, Work


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
    failing_since: datetime | None
    moved_at: datetime | None

    @property
    def has_copy_above(self) -> bool:
        """Whether an earlier post of it may have come through without anyone knowing."""
        return self.posts > (0 if self.ts is None else 1)


FRESH = {"tries": 0, "next_try_at": None, "error": None, "failing_since": None, "given_up_at": None}

MOST_VERSION = 2**31 - 1

COLUMNS = [field.name for field in fields(Card)]


def to_draw(older: ColumnElement[bool], now: Time) -> ColumnElement[bool]:
    """The cards that show an `older` version of their request, or do not yet point to the one that is posted
    elsewhere; as far as they may be tried now.
    """
    instead = cards.alias()
    # Not EXISTS, for which PostgreSQL may read all cards to have them at hand.
    posted = select(instead.c.id).where(
        instead.c.request_id == cards.c.request_id, instead.c.moved_at.is_(None), instead.c.ts.is_not(None)
    )
    elsewhere = posted.limit(1).scalar_subquery().is_not(None)
    return and_(
        cards.c.given_up_at.is_(None),
        has_come(cards.c.next_try_at, now),
        or_(
            and_(or_(cards.c.moved_at.is_(None), is_too_far(cards.c.moved_at, now)), older),
            and_(cards.c.moved_at.is_not(None), cards.c.ts.is_not(None), elsewhere),
        ),
    )


DRAW = Work(
    "draw",
    Queue.SLACK,
    (
        select(cards.c.request_id)
        .where(BEHIND, to_draw(IS_OLDER, NOW))
        .order_by(cards.c.next_try_at, cards.c.id),
    ),
)


async def behind(
    connection: AsyncConnection, request_id: int, version: int | None, now: datetime
) -> list[Card]:
    """The cards of a request that are to be drawn, and may be tried now; any, if its version is not known.

    Raises:
        DamagedRow: one of them can't be read.
    """
    newest = MOST_VERSION if version is None else version
    # None shows a newer version than there is, unless it was damaged.
    older = cards.c.shown_version.is_distinct_from(newest) | (cards.c.wanted_version != newest)
    query = select(cards).where(cards.c.request_id == request_id, to_draw(older, now))
    return [Card(**values) for values in await damage.rows(connection, query, cards, COLUMNS, now)]


async def claim(transaction: Transaction, card: Card, now: datetime, until: datetime) -> bool:
    """Take a card until then; False if another process has it, or it is not as it was read.

    A click may have told meanwhile which message it is: who still takes it for unposted would post another.
    A post is counted here, before it is sent, so that a crash can't hide it.
    """
    posts = card.posts if card.ts is not None else card.posts + 1
    taken = await transaction.connection.execute(
        update(cards)
        .where(
            cards.c.id == card.id,
            cards.c.channel == card.channel,
            cards.c.ts == card.ts,
            cards.c.posts == card.posts,
            cards.c.shown_version == card.shown_version,
            cards.c.moved_at == card.moved_at,
            cards.c.given_up_at.is_(None),
            has_come(cards.c.next_try_at, now),
        )
        .values(next_try_at=until, posts=posts)
    )
    return taken.rowcount == 1


async def shown(
    transaction: Transaction, card: Card, channel: str, ts: str, *, version: int, lease: datetime | None
) -> bool:
    """The message now shows this version. False if it was clicked or drawn meanwhile, and must be `joined`.

    What was posted was ours until `lease`. A message that was changed was nobody's: to change one twice does
    no harm, as long as it ends with what is newest.
    """
    # A trigger keeps what is wanted; written anew, it is right again if it was damaged. Nobody moves the
    # request on meanwhile, or the card would be taken for current.
    version_now = select(requests.c.version).where(requests.c.id == card.request_id)
    wanted = await transaction.connection.scalar(version_now.with_for_update(read=True))
    as_read = cards.c.shown_version == card.shown_version, cards.c.ts == card.ts
    ours = await transaction.connection.execute(
        update(cards)
        .where(cards.c.id == card.id, *([cards.c.next_try_at == lease] if lease else as_read))
        .values(channel=channel, ts=ts, shown_version=version, wanted_version=wanted, **FRESH)
    )
    return ours.rowcount == 1


async def places(connection: AsyncConnection, request_ids: Iterable[int]) -> dict[int, Place]:
    """Where the cards of these requests are, by the requests' IDs; of several, the one posted last.

    One that only points to another does not count, nor one that can't be read.
    """
    columns = [cards.c.request_id, cards.c.channel, cards.c.ts]
    query = select(*columns).where(cards.c.request_id.in_(list(request_ids)))
    query = query.order_by(cards.c.moved_at.is_(None), cards.c.ts.is_not(None), cards.c.id)
    rows = [read(columns, row) for row in (await connection.execute(query)).mappings()]
    return {row["request_id"]: Place(row["channel"], row["ts"]) for row, damaged in rows if not damaged}


async def place(connection: AsyncConnection, request_id: int) -> Place | None:
    """Where the card of a request is, or will be; None if there is no such request."""
    return (await places(connection, [request_id])).get(request_id)


async def is_in(connection: AsyncConnection, request_id: int, channel: str) -> bool:
    """Whether the request has a card in this channel, posted or yet to be."""
    query = select(cards.c.id).where(cards.c.request_id == request_id, cards.c.channel == channel)
    return await connection.scalar(query.limit(1)) is not None


async def is_current(connection: AsyncConnection, request_id: int, channel: str, ts: str) -> bool | None:
    """Whether this message is known to show the request as it stands; None if it is not on record.

    False means that it is about to be drawn, without anybody calling for that.
    """
    current = or_(
        cards.c.shown_version == requests.c.version,
        # It was not drawn for some reason; but somebody sees it, so it may be tried at once.
        cards.c.error.is_not(None),
        cards.c.given_up_at.is_not(None),
    )
    query = select(current).join(requests)
    return await connection.scalar(
        query.where(cards.c.channel == channel, cards.c.ts == ts, cards.c.request_id == request_id)
    )


async def joined(transaction: Transaction, request_id: int, channel: str, ts: str) -> None:
    """Have this very message drawn anew, since it was clicked or posted, whether or not it was on record.

    Of two that have drawn it at once nobody knows which came last, nor after a post whether there are two
    messages now. If a row has come to stand for another message, this one gets a row of its own.
    """
    connection = transaction.connection
    message = cards.c.channel == channel, cards.c.ts == ts
    mine = cards.c.request_id == request_id
    if await connection.scalar(select(cards.c.id).where(*message, ~mine)) is not None:
        return  # it shows another request, so this is no click of Slack's
    known = select(cards.c.id, cards.c.posts).where(mine, *message)
    unposted = select(cards.c.id, cards.c.posts).where(mine, cards.c.ts.is_(None), cards.c.channel == channel)
    found = (await connection.execute(known)).first() or (await connection.execute(unposted)).first()
    if found is not None:
        drawn = {"posts": max(count(found.posts), 1), "shown_version": 0, **FRESH}
        await _change(transaction, found.id, channel=channel, ts=ts, **drawn)
    else:
        # It is the copy that may have been above another: now it is known.
        copied = mine, cards.c.posts > 1, cards.c.channel == channel
        suspected = await connection.scalar(select(cards.c.id).where(*copied).limit(1))
        if suspected is not None:
            await _change(transaction, suspected, posts=cards.c.posts - 1, shown_version=0)
        await connection.execute(insert(cards).values(request_id=request_id, channel=channel, ts=ts, posts=1))
    transaction.wake(DRAW, request_id)


async def lost(transaction: Transaction, card: Card) -> None:
    """The message is gone: the next drawing posts a new one, unless there is another."""
    others = select(cards.c.id).where(
        cards.c.request_id == card.request_id, cards.c.id != card.id, cards.c.moved_at.is_(None)
    )
    if await transaction.connection.scalar(others.limit(1)) is not None:
        gone = delete(cards).where(cards.c.id == card.id, cards.c.ts == card.ts)
        await transaction.connection.execute(gone)
        return
    await transaction.connection.execute(
        update(cards)
        .where(cards.c.id == card.id, cards.c.ts == card.ts)
        .values(ts=None, posts=cards.c.posts - 1, shown_version=0, **FRESH)
    )
    transaction.wake(DRAW, card.request_id)


async def failed(
    transaction: Transaction, card: Card, now: datetime, until: datetime, error: str, *, not_done: bool
) -> None:
    """It could not be shown. Only if that was certainly `not_done`, a post of it does not count."""
    taken_back = 1 if card.ts is None and not_done else 0
    await _change(
        transaction,
        card.id,
        tries=card.tries + 1,
        next_try_at=until,
        error=error[:500],
        failing_since=card.failing_since or now,
        posts=cards.c.posts - taken_back,
    )


async def give_up(transaction: Transaction, card: Card, at: datetime, error: str | None = None) -> None:
    """Nothing more is drawn there, unless it is clicked: it can't be, or it points to another by now."""
    await _change(transaction, card.id, given_up_at=at, next_try_at=None, error=error and error[:500])


async def in_trouble(connection: AsyncConnection, request_id: int) -> bool:
    """Whether a card of the request could not be shown when that was tried last."""
    query = select(cards.c.id).where(
        cards.c.request_id == request_id, cards.c.moved_at.is_(None), cards.c.error.is_not(None)
    )
    return await connection.scalar(query.limit(1)) is not None


async def move(transaction: Transaction, request_id: int, channel: str, at: datetime) -> None:
    """Give the request a card in this channel, and have those that were posted in others point to it.

    One that is being posted meanwhile is recorded, and then points there, too.
    """
    connection = transaction.connection
    mine = cards.c.request_id == request_id, cards.c.moved_at.is_(None)
    elsewhere = *mine, cards.c.channel != channel
    await connection.execute(delete(cards).where(*elsewhere, cards.c.posts == 0))
    await connection.execute(update(cards).where(*elsewhere).values(moved_at=at, given_up_at=None))
    if await connection.scalar(select(cards.c.id).where(*mine).limit(1)) is None:
        await connection.execute(insert(cards).values(request_id=request_id, channel=channel))
    transaction.wake(DRAW, request_id)


async def of_open_requests(
    connection: AsyncConnection, among: Sequence[int] | None = None
) -> list[tuple[int, str, str]]:
    """The request, its subuser and the channel of each card that shows a request that has not ended."""
    columns = [cards.c.request_id, requests.c.subuser, cards.c.channel]
    open_ = select(requests.c.id).where(NOT_ENDED)
    if among is not None:
        open_ = open_.where(requests.c.id.in_(among))
    query = select(*columns).join(requests).where(requests.c.id.in_(open_), cards.c.moved_at.is_(None))
    rows = [read(columns, row) for row in (await connection.execute(query)).mappings()]
    return [(row["request_id"], row["subuser"], row["channel"]) for row, unreadable in rows if not unreadable]


async def _change(transaction: Transaction, card_id: int, **columns: Any) -> None:
    await transaction.connection.execute(update(cards).where(cards.c.id == card_id).values(columns))
