"""Requests in pages, each found by the key of the one before: a long list takes no more than a short one."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, desc, func, select, tuple_

from creditbot.domain.changes import subuser_key
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.paging import Section, Turn
from creditbot.domain.place import Place
from creditbot.domain.requests import OPEN, CreditRequest, Status

from . import cards
from .connection import AsyncConnection
from .requests import ALL, load, load_readable
from .tables import IS_OPEN, NOT_ENDED, is_in, request_counts, requests


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests are listed; what is left out leaves none out."""

    statuses: frozenset[Status] = frozenset()
    subuser: str | None = None
    since: datetime | None = None


EVERY = Wanted()


async def page(
    connection: AsyncConnection, limit: int, *, after: int | None = None, wanted: Wanted = EVERY
) -> list[CreditRequest | UnreadableRequest]:
    """The oldest requests first, from the one that follows the ID `after`."""
    query = ALL.order_by(requests.c.id).limit(limit)
    if after is not None:
        query = query.where(requests.c.id > after)
    if wanted.statuses and wanted.statuses <= OPEN:
        query = query.where(requests.c.id.in_(_open(wanted.statuses)))
    elif wanted.statuses:
        query = query.where(requests.c.status.in_(sorted(wanted.statuses)))
    if wanted.subuser is not None:
        query = query.where(requests.c.subuser_key == subuser_key(wanted.subuser))
    if wanted.since is not None:
        query = query.where(requests.c.requested_at >= wanted.since)
    return await load(connection, query)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: its requests with their sections, and the number of the first, counted from 1.

    `counts` is of the whole list by section, `places` where the cards of the page's requests are.
    """

    entries: Sequence[tuple[Section, CreditRequest | UnreadableRequest]]
    first: int
    counts: Mapping[Section, int]
    places: Mapping[int, Place]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def last(self) -> int:
        return self.first + len(self.entries) - 1


async def may_wait_for(connection: AsyncConnection, person: str, limit: int) -> list[CreditRequest]:
    """The oldest requests that a decision of this person could bring on, if the rules allow it."""
    of_others = _open({Status.PENDING, Status.IN_DOUBT}).where(requests.c.requested_by != person)
    query = ALL.where(requests.c.id.in_(of_others))
    return await load_readable(connection, query.order_by(requests.c.id).limit(limit))


def _open(statuses: Collection[Status]) -> Select[Any]:
    """The IDs of the requests in some of the states that are not final."""
    return select(requests.c.id).where(IS_OPEN, is_in(statuses))


async def open_requests(
    connection: AsyncConnection, size: int, person: str, *, first: Collection[int], turn: Turn | None
) -> Page:
    """What has not ended, as far as is known: the requests `first`, then those of this person, then the rest,
    oldest first.
    """
    section = case(
        (requests.c.id.in_(first), int(Section.FOR_YOU)),
        (requests.c.requested_by == person, int(Section.YOURS)),
        else_=int(Section.OTHERS),
    )
    listed = select(requests.c.id, section.label("section")).where(NOT_ENDED).subquery()
    place = tuple_(listed.c.section, listed.c.id)

    def beyond(section: int, id_: int, *, onward: bool) -> ColumnElement[bool]:
        """What comes after these two in the list, or before."""
        return place > (section, id_) if onward else place < (section, id_)

    async def keys(turn: Turn | None) -> Keys:
        onward = turn is None or turn.onward
        order = [listed.c.section, listed.c.id]
        query = select(*order).order_by(*(order if onward else map(desc, order))).limit(size)
        if turn is not None:
            query = query.where(beyond(turn.section, turn.request_id, onward=onward))
        return [(Section(row.section), row.id) for row in await connection.execute(query)]

    found = await _turned(keys, turn, size)
    by_section = select(listed.c.section, func.count()).group_by(listed.c.section)
    counts = {Section(section): number for section, number in await connection.execute(by_section)}
    before = select(func.count()).select_from(listed)
    first_one = found[0] if found else (Section.ALL, 0)
    before = before.where(beyond(*first_one, onward=False))
    return await _page(connection, found, counts, await connection.scalar(before) or 0)


async def history(connection: AsyncConnection, size: int, subuser: str | None, turn: Turn | None) -> Page:
    """The newest requests first, of one subuser, in whatever case its name was typed, or of all."""
    ids, total = select(requests.c.id), select(func.sum(request_counts.c.number))
    if subuser is not None:
        key = subuser_key(subuser)
        ids, total = (
            ids.where(requests.c.subuser_key == key),
            total.where(request_counts.c.subuser_key == key),
        )

    async def keys(turn: Turn | None) -> Keys:
        onward = turn is None or turn.onward
        query = ids.order_by(requests.c.id.desc() if onward else requests.c.id).limit(size)
        if turn is not None:
            other = requests.c.id < turn.request_id if onward else requests.c.id > turn.request_id
            query = query.where(other)
        return [(Section.ALL, id_) for id_ in (await connection.execute(query)).scalars()]

    found = await _turned(keys, turn, size)
    if not found:
        return await _page(connection, found, {}, 0)
    counts = {Section.ALL: int(await connection.scalar(total) or 0)}
    before = select(func.count()).select_from(ids.where(requests.c.id > found[0][1]).subquery())
    return await _page(connection, found, counts, await connection.scalar(before) or 0)


Keys = list[tuple[Section, int]]


async def _turned(keys: Callable[[Turn | None], Awaitable[Keys]], turn: Turn | None, size: int) -> Keys:
    """The keys of the page that was turned to, in the list's order. Where there is none, it is the first.

    `keys` has those that follow a turn, from there on: backwards for one that leads back.
    """
    found = await keys(turn)
    if turn is None or (turn.onward and found):
        return found
    if not turn.onward and len(found) == size:
        return found[::-1]
    return await keys(None)


async def _page(connection: AsyncConnection, found: Keys, counts: Mapping[Section, int], before: int) -> Page:
    ids = [id_ for _, id_ in found]
    query = ALL.where(requests.c.id.in_(ids))
    by_id = {request.id: request for request in await load(connection, query)}
    return Page(
        [(section, by_id[id_]) for section, id_ in found],
        before + 1 if found else 0,
        counts,
        await cards.places(connection, ids),
    )
