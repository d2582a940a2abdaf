"""Rows as they lie in the table become requests, in this one place."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import RowMapping, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.changes import Change, possible
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.requests import Approval, BalanceCheck, CreditRequest, Status
from creditbot.store import readable
from creditbot.store.tables import approvals, requests

log = structlog.get_logger(__name__)

_SAME_NAME = [
    "id",
    "reason",
    "version",
    "requested_by",
    "requested_at",
    "expires_at",
    "approvals_needed",
    "decided_by",
    "decided_at",
    "decision_reason",
    "claimed_at",
    "unclear_until",
    "finished_at",
    "answer_status",
    "remain_before",
    "remain_before_at",
    "remain_after",
    "remain_after_at",
    "used_before",
    "used_since",
    "explanation",
    "settled_by",
    "settled_reason",
    "waits_for",
    "overtaken_by",
    "again_of",
    "asked_again_as",
    "contradicted_at",
    "policy_hash",
    "break_glass_reason",
    "read_again_at",
    "requester_team",
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

_READ = [requests.c[name] for name in [*_SAME_NAME, *_OF_CHANGE, "status", "token", *_OF_CHECK]]


# To build a statement takes longer than to execute it, so those of every request are built once.
ALL = select(*readable.as_they_lie(_READ))
"""Requests as `load` reads them."""

_APPROVALS = (
    select(*readable.as_they_lie(approvals.columns))
    .where(approvals.c.request_id.in_(bindparam("perhaps", expanding=True)))
    .order_by(approvals.c.id)
)


async def load(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object] | None = None
) -> list[CreditRequest | UnreadableRequest]:
    """The requests that a query finds, which is ALL with more to it, each with its approvals."""
    rows = list((await connection.execute(query, given)).mappings())
    agreed: dict[int, list[RowMapping]] = {row["id"]: [] for row in rows}
    # Each approval makes a new version, so what is in its first has none.
    perhaps = [row["id"] for row in rows if row["version"] != 1]
    if perhaps:
        found = await connection.execute(_APPROVALS, {"perhaps": perhaps})
        for row in found.mappings():
            agreed[row["request_id"]].append(row)
    return [_read(row, agreed[row["id"]]) for row in rows]


async def load_readable(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object] | None = None
) -> list[CreditRequest]:
    """Those of `load` that can be read; the others are logged, and stop nobody."""
    found = await load(connection, query, given)
    for request in found:
        if isinstance(request, UnreadableRequest):
            log.error("A request can't be read, and is left out", request_id=request.id, why=request.sentence)
    return [request for request in found if isinstance(request, CreditRequest)]


def _read(row: RowMapping, agreed: Sequence[RowMapping]) -> CreditRequest | UnreadableRequest:
    values, unreadable = readable.read(_READ, row)
    given = [readable.read([approvals.c.approver, approvals.c.at], one) for one in agreed]
    if values.get("status") not in set(Status):
        unreadable.append("status")
    if not possible(values.get("allocation_update", 1)):
        unreadable.append("allocation_update")
    if any(bad for _, bad in given):
        unreadable.append("approvals")
    if unreadable:
        return UnreadableRequest(row["id"], unreadable)
    check = None
    if values["checked_at"] is not None:
        check = BalanceCheck(**{name: values[column] for column, name in _OF_CHECK.items()})
    return CreditRequest(
        change=Change(**{name: values[name] for name in _OF_CHANGE}),
        status=Status(values["status"]),
        approvals=tuple(Approval(**one) for one, _ in given),
        check=check,
        token=values["token"] or "",
        **{name: values[name] for name in _SAME_NAME},
    )
