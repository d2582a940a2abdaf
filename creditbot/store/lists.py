"""Requests in pages, each found by the key of the one before: a long list takes no more than a short one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.paging import Section, Turn
from creditbot.domain.place import Place
from creditbot.domain.requests import FINAL, CreditRequest, Status, subuser_key

from . import cards
from .requests import load, load_readable
from .tables import requests


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
    query = select(requests).order_by(requests.c.id).limit(limit)
    if after is not None:
        query = query.where(requests.c.id > after)
    if wanted.statuses:
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
    undecided = requests.c.status.in_([Status.PENDING, Status.IN_DOUBT])
    query = select(requests).where(undecided, requests.c.requested_by != person)
    return await load_readable(connection, query.order_by(requests.c.id).limit(limit))


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
    rows = select(requests.c.id, section.label("section")).where(requests.c.status.not_in(sorted(FINAL)))
    return await _page(connection, rows, size, turn)


async def history(connection: AsyncConnection, size: int, subuser: str | None, turn: Turn | None) -> Page:
    """The newest requests first, of one subuser, in whatever case its name was typed, or of all."""
    rows = select(requests.c.id, literal(int(Section.ALL)).label("section"))
    if subuser is not None:
        rows = rows.where(requests.c.subuser_key == subuser_key(subuser))
    return await _page(connection, rows, size, turn, newest_first=True)


async def _page(
    connection: AsyncConnection,
    rows: Select[Any],
    size: int,
    turn: Turn | None,
    *,
    newest_first: bool = False,
) -> Page:
    """Turn to a page of the rows (ID and section). Where there is none, it is the first one."""
    listed = rows.subquery()

    def beyond(section: int, id_: int, *, onward: bool) -> ColumnElement[bool]:
        """What comes after these two in the list, or before."""
        later, newer = (listed.c.section > section, listed.c.id > id_)
        earlier, older = (listed.c.section < section, listed.c.id < id_)
        within = newer if onward is not newest_first else older
        return or_(later if onward else earlier, and_(listed.c.section == section, within))

    async def keys(turn: Turn | None) -> list[tuple[int, int]]:
        onward = turn is None or turn.onward
        order = [listed.c.section, listed.c.id.desc() if newest_first else listed.c.id]
        if not onward:
            order = [listed.c.section.desc(), listed.c.id if newest_first else listed.c.id.desc()]
        query = select(listed.c.section, listed.c.id).order_by(*order).limit(size)
        if turn is not None:
            query = query.where(beyond(turn.section, turn.request_id, onward=onward))
        found = [(row.section, row.id) for row in await connection.execute(query)]
        return found if onward else found[::-1]

    found = await keys(turn)
    if not found or (turn is not None and not turn.onward and len(found) < size):
        found = await keys(None)
    by_section = select(listed.c.section, func.count()).group_by(listed.c.section)
    counts = {Section(section): number for section, number in await connection.execute(by_section)}
    ids = [id_ for _, id_ in found]
    by_id = {
        request.id: request
        for request in await load(connection, select(requests).where(requests.c.id.in_(ids)))
    }
    before = 0
    if found:
        query = select(func.count()).select_from(listed).where(beyond(*found[0], onward=False))
        before = await connection.scalar(query) or 0
    return Page(
        [(Section(section), by_id[id_]) for section, id_ in found],
        before + 1 if found else 0,
        counts,
        await cards.places(connection, ids),
    )
