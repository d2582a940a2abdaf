"""One request, and what is beside it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    bindparam,
    func,
    select,
    union_all,
)

from creditbot.domain.changes import subuser_key
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.requests import CreditRequest, Neighbour, Outline, Status
from creditbot.store import cards as cards_store
from creditbot.store import readable
from creditbot.store.connection import AsyncConnection
from creditbot.store.tables import (
    IS_HELD,
    IS_OPEN,
    approvals,
    is_among_lately,
    is_in,
    requests,
)
from creditbot.store.types import StoredText

from .caps import plausible
from .rows import ALL, load

BESIDE = 3
"""Requests that are named beside another one."""

LATELY = timedelta(hours=1)
"""For how long a change that was applied is told to whoever asks for another of the same subuser."""


async def get(connection: AsyncConnection, request_id: int) -> CreditRequest | None:
    """The request, and while it waits also those beside it.

    Raises:
        UnreadableRequest: its row holds what this version can't read.
    """
    return await _one(connection, _BY_ID, {"the_id": request_id})


async def decided_together(connection: AsyncConnection, request_id: int) -> tuple[CreditRequest, ...]:
    """The requests that one decision is about: this one, and first; nothing if it is not there.

    What stands beside it is for cards, and not read. A decision about many is to find them here, in the same
    statement, and let each know the others: see `domain.requests.in_one_decision`.

    Raises:
        UnreadableRequest: likewise.
    """
    found = await _readable(connection, _BY_ID, {"the_id": request_id})
    return () if found is None else (found,)


async def by_origin(connection: AsyncConnection, origin: str) -> CreditRequest | None:
    """The request that this very delivery has made before, if it has."""
    return await _one(connection, _BY_ORIGIN, {"the_origin": origin})


async def _one(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object]
) -> CreditRequest | None:
    found = await _readable(connection, query, given)
    if found is None or found.status is not Status.PENDING:
        return found
    return await with_those_beside(connection, found)


async def with_those_beside(connection: AsyncConnection, request: CreditRequest) -> CreditRequest:
    """A request that waits, with the others that whoever decides it should know of."""
    return replace(request, beside=await _beside(connection, request))


async def _readable(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object]
) -> CreditRequest | None:
    found = next(iter(await load(connection, query, given)), None)
    if isinstance(found, UnreadableRequest):
        raise found
    return found


_BY_ID = ALL.where(requests.c.id == bindparam("the_id"))

_BY_ORIGIN = ALL.where(requests.c.origin == bindparam("the_origin"))


async def _beside(connection: AsyncConnection, request: CreditRequest) -> tuple[Neighbour, ...]:
    """The newest few other requests of its subuser that are open, or were applied lately."""
    given = {
        "its_key": subuser_key(request.subuser),
        "its_id": request.id,
        "lately": request.requested_at - LATELY,
    }
    # Sorted here: for the order of the IDs, SQLite would go through all requests of the subuser.
    rows = sorted((await connection.execute(_BESIDE, given)).mappings(), key=lambda row: -row["id"])[:BESIDE]
    read = (readable.read(_OF_NEIGHBOUR, row) for row in rows)
    found = [values for values, bad in read if not bad]
    places = await cards_store.places(connection, [one["id"] for one in found]) if found else {}
    return tuple(
        Neighbour(**{**one, "status": Status(one["status"])}, card=places.get(one["id"])) for one in found
    )


_OF_NEIGHBOUR = [requests.c[name] for name in ("id", "allocation_update", "status", "requested_by")]


def _others() -> CompoundSelect[Any]:
    others = select(*_OF_NEIGHBOUR).where(requests.c.id != bindparam("its_id"), plausible())
    key = bindparam("its_key", type_=StoredText())
    lately = is_in({Status.APPLIED}), requests.c.finished_at >= bindparam("lately")
    return union_all(
        others.where(IS_OPEN, requests.c.subuser_key == key), others.where(*lately, is_among_lately(key))
    )


_BESIDE = _others()


async def outline(connection: AsyncConnection, request_id: int) -> Outline | None:
    """What of a request can be read, whatever lies in its row; None of one in a state that is not known."""
    same_name = [
        requests.c[name] for name in ("id", "subuser", "status", "requested_by", "explanation", "runs")
    ]
    query = select(*same_name, requests.c.checked_at.is_not(None).label("was_shown"))
    row = (await connection.execute(query.where(requests.c.id == request_id))).mappings().first()
    if row is None or row["status"] not in set(Status):
        return None
    agreed = select(approvals.c.approver).where(approvals.c.request_id == request_id).order_by(approvals.c.id)
    approvers = tuple((await connection.execute(agreed)).scalars())
    return Outline(approvers=approvers, **{**row, "status": Status(row["status"])})


async def under_way(connection: AsyncConnection, subuser: str) -> int | None:
    """The ID of the request that is being applied to this subuser, or is in doubt."""
    # One that an older creditbot has written may have no key.
    held = select(requests.c.id).where(IS_HELD)
    same = union_all(
        held.where(requests.c.subuser_key == subuser_key(subuser)), held.where(requests.c.subuser == subuser)
    )
    found: int | None = await connection.scalar(select(func.min(same.subquery().c.id)))
    return found
