"""Rows as they lie in the table become requests, in this one place."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import structlog
from sqlalchemy import (
    BindParameter,
    Column,
    CompoundSelect,
    RowMapping,
    Select,
    bindparam,
    literal,
    select,
    union_all,
)

from creditbot.domain.changes import Change, possible
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.relations import Relation, RelationKind
from creditbot.domain.requests import Approval, BalanceCheck, CreditRequest, Status
from creditbot.store import readable
from creditbot.store.connection import AsyncConnection
from creditbot.store.tables import approvals, relations, requests

log = structlog.get_logger(__name__)

_CONVERTED = ["status", "token"]

_SAME_NAME = [
    field.name for field in fields(CreditRequest) if field.name in requests.c and field.name not in _CONVERTED
]

_OF_CHECK = {
    "checked_at": "at",
    "credits_type": "type",
    "checked_remain": "remain",
    "checked_total": "total",
    "reset_frequency": "reset_frequency",
    "next_reset": "next_reset",
}

_OF_CHANGE = ["subuser", "allocation_update"]

_READ = [requests.c[name] for name in [*_SAME_NAME, *_OF_CHANGE, *_CONVERTED, *_OF_CHECK]]


# To build a statement takes longer than to execute it, so those of every request are built once.
ALL = select(*readable.as_they_lie(_READ), requests.c.origin)
"""Requests as `load` reads them."""

APPROVAL, FOLLOWS, FOLLOWED = "approval", "follows", "followed"
"""What is read of a request beside its row."""


def _belongings() -> CompoundSelect[Any]:
    """What lies in other tables and belongs to some requests, in one statement: whose, what, and two values
    of it.
    """
    of: BindParameter[Any] = bindparam("perhaps", expanding=True)

    def read(what: str, whose: Column[int], name: Column[str], value: Column[Any]) -> Select[Any]:
        [number] = readable.as_they_lie([value])
        columns = literal(what).label("what"), whose.label("whose"), name.label("name"), number.label("value")
        return select(*columns, whose.table.c.id.label("id")).where(whose.in_(of))

    return union_all(
        read(APPROVAL, approvals.c.request_id, approvals.c.approver, approvals.c.at),
        read(FOLLOWS, relations.c.request_id, relations.c.kind, relations.c.of_request),
        read(FOLLOWED, relations.c.of_request, relations.c.kind, relations.c.request_id),
    )


_BELONGINGS = _belongings()
_OF_OTHERS = tuple(f"{kind}:" for kind in RelationKind)
"""How the origin begins of a request that follows another."""


async def load(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object] | None = None
) -> list[CreditRequest | UnreadableRequest]:
    """The requests that a query finds, which is ALL with more to it, with all that belongs to them."""
    rows = list((await connection.execute(query, given)).mappings())
    belongings: dict[int, list[RowMapping]] = {row["id"]: [] for row in rows}
    # Each approval and each follower makes a new version, so what is in its first has none.
    perhaps = [row["id"] for row in rows if row["version"] != 1 or _follows_another(row)]
    if perhaps:
        found = await connection.execute(_BELONGINGS, {"perhaps": perhaps})
        for row in found.mappings():
            belongings[row["whose"]].append(row)
    return [_read(row, belongings[row["id"]]) for row in rows]


def new(row: RowMapping, relation: Relation | None) -> CreditRequest:
    """A request whose row has just been written, with nothing else that belongs to it."""
    found = _read(row, [])
    if isinstance(found, UnreadableRequest):
        raise found
    return found if relation is None else replace(found, relations=(relation,))


def _follows_another(row: RowMapping) -> bool:
    return str(row["origin"]).startswith(_OF_OTHERS)


async def load_readable(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object] | None = None
) -> list[CreditRequest]:
    """Those of `load` that can be read; the others are logged, and stop nobody."""
    found = await load(connection, query, given)
    for request in found:
        if isinstance(request, UnreadableRequest):
            log.error("A request can't be read, and is left out", request_id=request.id, why=request.sentence)
    return [request for request in found if isinstance(request, CreditRequest)]


def _read(row: RowMapping, belongings: Sequence[RowMapping]) -> CreditRequest | UnreadableRequest:
    values, unreadable = readable.read(_READ, row)
    if values.get("status") not in set(Status):
        unreadable.append("status")
    if not possible(values.get("allocation_update", 1)):
        unreadable.append("allocation_update")
    agreed, bad_approvals = _approvals(belongings)
    related, bad_relations = _relations(belongings)
    unreadable += [*bad_approvals, *bad_relations]
    if unreadable:
        return UnreadableRequest(row["id"], unreadable)
    check = None
    if values["checked_at"] is not None:
        check = BalanceCheck(**{name: values[column] for column, name in _OF_CHECK.items()})
    return CreditRequest(
        change=Change(**{name: values[name] for name in _OF_CHANGE}),
        status=Status(values["status"]),
        approvals=agreed,
        check=check,
        token=values["token"] or "",
        relations=related,
        **{name: values[name] for name in _SAME_NAME},
    )


def _approvals(belongings: Sequence[RowMapping]) -> tuple[tuple[Approval, ...], list[str]]:
    """In the order in which they were given; and what of a request can't be read on their account."""
    own = sorted((one for one in belongings if one["what"] == APPROVAL), key=lambda one: one["id"])
    columns = [approvals.c.approver, approvals.c.at]
    read = [readable.read(columns, {"approver": one["name"], "at": one["value"]}) for one in own]
    if any(bad for _, bad in read):
        return (), ["approvals"]
    return tuple(Approval(**values) for values, _ in read), []


def _relations(belongings: Sequence[RowMapping]) -> tuple[tuple[Relation, ...], list[str]]:
    """Likewise, in no order."""
    found = []
    columns = [relations.c.kind, relations.c.of_request]
    for one in belongings:
        if one["what"] == APPROVAL:
            continue
        values, bad = readable.read(columns, {"kind": one["name"], "of_request": one["value"]})
        if bad or values["kind"] not in set(RelationKind):
            return (), ["relations"]
        ends = one["whose"], values["of_request"]
        follower, of_request = ends if one["what"] == FOLLOWS else ends[::-1]
        found.append(Relation(follower, RelationKind(values["kind"]), of_request))
    return tuple(found), []
