"""What counts towards the rolling caps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    func,
    select,
    union_all,
)

from creditbot.domain.amounts import MAX_AMOUNT
from creditbot.domain.changes import Change
from creditbot.domain.policy import DAY, Limits, Usage
from creditbot.domain.requests import Status
from creditbot.store.connection import AsyncConnection
from creditbot.store.tables import IS_OPEN, is_in, requests
from creditbot.store.types import Moment, StoredText


async def usage(
    connection: AsyncConnection,
    limits: Limits,
    now: datetime,
    *,
    requested_by: str,
    changes: Sequence[Change],
    without: Sequence[int] = (),
) -> Usage:
    """What counts towards the rolling caps of these changes, but for the requests `without`: all that is
    open, whatever its age, and what was applied within a day. Additions and removals both count, by their
    amounts. Where no cap is set, nothing is read.

    It is summed up anew each time, from the rows themselves, so that no sum can be wrong. Each is found by an
    index: `requests_open` has what is open, which is never much, and `requests_by_end` what has ended, from
    that moment on. Those before it are not looked at, however many.
    """
    if not limits.rolling:
        return Usage()
    given = {
        "since": now - DAY,
        "requested_by": requested_by,
        "keys": list({change.key for change in changes}),
        "without": list(without) or [0],
    }
    by_requester, of_subuser, in_all = 0, {}, 0
    for key, amount, mine in await connection.execute(_USAGE, given):
        by_requester, in_all = by_requester + int(mine), in_all + int(amount)
        if key is not None:
            of_subuser[key] = int(amount)
    return Usage(by_requester, of_subuser, in_all)


def plausible() -> ColumnElement[bool]:
    """Whether a request's change is one that can be asked for."""
    return requests.c.allocation_update.between(-MAX_AMOUNT, MAX_AMOUNT)


def _usage() -> Select[str | None, int, int]:
    """Credits by subuser, of those that are named; in one row, with no name, of all others."""

    def amounts(*which: ColumnElement[bool]) -> Select[Any]:
        # What nobody can have asked for was damaged, and is sent by nobody; nor could it be added up.
        amount = case((plausible(), func.abs(requests.c.allocation_update)), else_=0)
        query = select(requests.c.requested_by, requests.c.subuser_key, amount.label("amount"))
        return query.where(*which, requests.c.id.not_in(bindparam("without", expanding=True)))

    lately = requests.c.finished_at >= bindparam("since", type_=Moment())
    counted = union_all(amounts(IS_OPEN), amounts(is_in({Status.APPLIED}), lately)).subquery()

    named = counted.c.subuser_key.in_(bindparam("keys", expanding=True, type_=StoredText()))
    theirs = counted.c.requested_by == bindparam("requested_by", type_=StoredText())
    mine = case((theirs, counted.c.amount), else_=0)
    weighed = select(
        case((named, counted.c.subuser_key)).label("key"), counted.c.amount, mine.label("mine")
    ).subquery()
    return select(weighed.c.key, func.sum(weighed.c.amount), func.sum(weighed.c.mine)).group_by(weighed.c.key)


_USAGE = _usage()
