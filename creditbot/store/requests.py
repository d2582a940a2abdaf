"""Requests: asking, reading, and the one door through which their state changes."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    RowMapping,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.amounts import MAX_AMOUNT
from creditbot.domain.chain import APPROVAL_WITHDRAWN
from creditbot.domain.changes import Change, subuser_key
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.policy import Usage
from creditbot.domain.reminders import ESCALATED, REMINDER
from creditbot.domain.requests import (
    FINAL,
    HOLDS_SUBUSER,
    Approval,
    BalanceCheck,
    CreditRequest,
    Neighbour,
    Outline,
    Status,
    check_transition,
    people_to_tell,
)
from creditbot.domain.text import without_markup
from creditbot.domain.who import Actor

from . import cards as cards_store
from . import events, notices, readable, runs
from .database import Transaction
from .ledger_columns import IN_LEDGER, recorded
from .tables import (
    IS_HELD,
    IS_OPEN,
    IS_PENDING,
    NOT_ENDED,
    approvals,
    cards,
    is_among_lately,
    is_in,
    requests,
)
from .types import Moment, Words
from .work_on_requests import APPLY, CHECK

log = structlog.get_logger(__name__)

APPROVED_FOR = timedelta(seconds=5)
"""How long a request is approved before its requester is told so: its end comes sooner as a rule, and tells
who approved it, too.
"""

LATELY = timedelta(hours=1)
"""For how long a change that was applied is told to whoever asks for another of the same subuser."""

FORGETS_EVERY = 5
"""With one request in so many some old notices are dropped, which are more than these five bring."""

BESIDE = 3
"""Requests that are named beside another one."""


_INSERT = insert(requests).returning(requests.c.id)


async def create(
    transaction: Transaction,
    *,
    origin: str,
    channel: str,
    change: Change,
    reason: str,
    requested_by: Actor,
    at: datetime,
    expires_at: datetime,
    remind_at: datetime | None,
    approvals_needed: int,
    policy_hash: str,
    tier: str,
    again_of: int | None = None,
    same_as: int | None = None,
) -> int:
    """Insert a pending request with its event and the place of its card; return its ID.

    SQL refuses a second one of the same `origin`: see `by_origin` first. `same_as` is an earlier request for
    the same, of which its requester knew.
    """
    connection = transaction.connection
    values = {
        "origin": origin,
        "subuser": change.subuser,
        "subuser_key": change.key,
        "allocation_update": change.allocation_update,
        "reason": reason,
        "requested_by": requested_by.id,
        "requester_team": requested_by.elsewhere,
        "requested_at": at,
        "expires_at": expires_at,
        "remind_at": remind_at,
        "approvals_needed": approvals_needed,
        "policy_hash": policy_hash,
        "follows_policy": policy_hash,
        "again_of": again_of,
        "token": new_token(),
    }
    inserted = await connection.execute(_INSERT, {"status": Status.PENDING, "version": 1, **values})
    request_id = int(inserted.scalar_one())
    await connection.execute(insert(cards), {"request_id": request_id, "channel": channel})
    if request_id % FORGETS_EVERY == 0:
        await notices.forget(transaction, at)
    await events.append(
        connection,
        "requested",
        at=at,
        request_id=request_id,
        actor=requested_by.id,
        to_status=Status.PENDING,
        detail={
            "subuser": change.subuser,
            "allocation_update": change.allocation_update,
            "reason": reason,
            "approvals_needed": approvals_needed,
            "policy": policy_hash,
            **({"tier": tier} if tier else {}),
            **({"again_of": again_of} if again_of is not None else {}),
            **({"same_as": same_as} if same_as is not None else {}),
            **recorded(requests, {"id": request_id, "status": Status.PENDING, **values}),
        },
    )
    transaction.wake(CHECK, request_id)
    return request_id


def new_token() -> str:
    """128 bits that nobody guesses, which a card's buttons carry to show which request they are about."""
    return secrets.token_hex(16)


async def transition(
    transaction: Transaction,
    request: CreditRequest | Outline,
    to: Status,
    *,
    kind: str,
    at: datetime,
    actor: str | None = None,
    detail: Mapping[str, object] | None = None,
    **columns: Any,
) -> bool:
    """The one door: move `request` from the status it was read in to `to`, if it is still in it.

    The conditional UPDATE, the event and the notices to people are one transaction. Returns False, with
    nothing written, if someone else was faster.
    """
    check_transition(request.status, to)
    connection = transaction.connection
    if request.explanation is not None:  # it tells of the state that ends
        columns = {"explanation": None, **columns}
    fresh = {"next_try_at": None, "tries": 0, "waits_for": None, **runs.NONE}
    # The key is written with each state: an older creditbot, or someone by hand, may have left it out.
    key = subuser_key(request.subuser)
    changes = {"status": to, "version": requests.c.version + 1, "subuser_key": key, **fresh, **columns}
    moved = await connection.execute(
        update(requests)
        .where(requests.c.id == request.id, requests.c.status == request.status)
        .values(changes)
    )
    if moved.rowcount != 1:
        return False
    await events.append(
        connection,
        kind,
        at=at,
        request_id=request.id,
        actor=actor,
        from_status=request.status,
        to_status=to,
        detail={**(detail or {}), **recorded(requests, {"status": to, **columns})},
    )
    if request.status is Status.PENDING:
        await notices.withdraw(transaction, request.id, at, [REMINDER, ESCALATED])
    if to is not Status.APPLYING:
        await notices.withdraw(transaction, request.id, at, [Status.APPROVED])
    not_before = at + APPROVED_FOR if to is Status.APPROVED else None
    for person in people_to_tell(request, to):
        await notices.add(transaction, request.id, to, person, at, not_before=not_before)
    transaction.wake(cards_store.DRAW, request.id)
    if request.status in HOLDS_SUBUSER and to in FINAL:
        await release(transaction, request.subuser)
    if to is Status.APPLIED:
        await _overtake(transaction, request)
    return True


async def end(
    transaction: Transaction,
    request: CreditRequest | Outline,
    to: Status,
    *,
    at: datetime,
    rule: str,
    said: str,
    detail: Mapping[str, object] | None = None,
    **columns: Any,
) -> None:
    """End a request for a reason that no person gave: what its people are told, and by which rule."""
    await transition(
        transaction,
        request,
        to,
        kind=str(to),
        at=at,
        detail={"rule": rule, "said": without_markup(said), **(detail or {})},
        explanation=said,
        finished_at=at,
        **columns,
    )


async def _overtake(transaction: Transaction, applied: CreditRequest | Outline) -> None:
    """What waits for approval shows a balance from before this change: have it read and drawn anew."""
    waiting_too = (
        update(requests)
        .where(
            IS_OPEN,
            requests.c.subuser_key == subuser_key(applied.subuser),
            requests.c.status == Status.PENDING,
            requests.c.id != applied.id,
        )
        .values(overtaken_by=applied.id, version=requests.c.version + 1, next_try_at=None, tries=0)
        .returning(requests.c.id)
    )
    for request_id in (await transaction.connection.execute(waiting_too)).scalars():
        transaction.wake(CHECK, request_id)
        transaction.wake(cards_store.DRAW, request_id)


async def release(transaction: Transaction, subuser: str) -> None:
    """Let the requests that wait for this subuser be tried at once."""
    waiting = (
        update(requests)
        .where(IS_OPEN, requests.c.subuser_key == subuser_key(subuser), requests.c.status == Status.APPROVED)
        .values(next_try_at=None)
        .returning(requests.c.id)
    )
    for request_id in (await transaction.connection.execute(waiting)).scalars():
        transaction.wake(APPLY, request_id)


async def amend(
    transaction: Transaction,
    request_id: int,
    kind: str,
    *,
    at: datetime,
    actor: str | None = None,
    detail: Mapping[str, object] | None = None,
    **columns: Any,
) -> None:
    """Change what is known of a request, not its state, with its event; its card follows."""
    await events.append(
        transaction.connection,
        kind,
        at=at,
        request_id=request_id,
        actor=actor,
        detail={**(detail or {}), **recorded(requests, columns)},
    )
    await _change(transaction, request_id, columns)


async def touch(transaction: Transaction, request_id: int, **columns: Any) -> None:
    """Have the card drawn anew; change at most what the ledger does not tell of."""
    told = IN_LEDGER[requests] & columns.keys()
    if told:
        raise ValueError(f"a change of {', '.join(sorted(told))} needs an event: use amend")
    await _change(transaction, request_id, columns)


async def _change(transaction: Transaction, request_id: int, columns: Mapping[str, Any]) -> None:
    changes = {"version": requests.c.version + 1, **runs.NONE, **columns}
    await transaction.connection.execute(update(requests).where(requests.c.id == request_id).values(changes))
    transaction.wake(cards_store.DRAW, request_id)


async def postpone(
    transaction: Transaction, request: CreditRequest | Outline, until: datetime, tries: int
) -> None:
    """Leave a request in its state for the job to take up again at `until`."""
    await transaction.connection.execute(
        update(requests)
        .where(requests.c.id == request.id, requests.c.status == request.status)
        .values(next_try_at=until, tries=tries, **runs.NONE)
    )


async def add_approval(
    transaction: Transaction, request_id: int, approver: str, at: datetime
) -> dict[str, dict[str, object]]:
    """Count one approver's yes; return what the event about it has to say of that."""
    values = {"request_id": request_id, "approver": approver, "at": at}
    inserted = await transaction.connection.execute(
        insert(approvals).values(values).returning(approvals.c.id)
    )
    return recorded(approvals, {"id": inserted.scalar_one(), **values})


async def withdraw_approval(transaction: Transaction, request_id: int, approver: str, at: datetime) -> None:
    """Take one approver's yes back; that it was given stays in the ledger."""
    await transaction.connection.execute(
        delete(approvals).where(approvals.c.request_id == request_id, approvals.c.approver == approver)
    )
    await events.append(
        transaction.connection, APPROVAL_WITHDRAWN, at=at, request_id=request_id, actor=approver
    )
    await touch(transaction, request_id)


async def by_origin(connection: AsyncConnection, origin: str) -> CreditRequest | None:
    """The request that this very delivery has made before, if it has."""
    return await _one(connection, _BY_ORIGIN, {"the_origin": origin})


async def usage(
    connection: AsyncConnection,
    *,
    since: datetime,
    requested_by: str,
    changes: Sequence[Change],
    without: Sequence[int] = (),
) -> Usage:
    """What counts towards the rolling caps of these changes, but for the requests `without`: all that is
    open, whatever its age, and what was applied since. Additions and removals both count, by their amounts.

    It is summed up anew each time, from the rows themselves, so that no sum can be wrong. Each is found by an
    index: `requests_open` has what is open, which is never much, and `requests_by_end` what has ended, from
    that moment on. Those before it are not looked at, however many.
    """
    given = {
        "since": since,
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

    named = counted.c.subuser_key.in_(bindparam("keys", expanding=True, type_=Words()))
    theirs = counted.c.requested_by == bindparam("requested_by", type_=Words())
    mine = case((theirs, counted.c.amount), else_=0)
    weighed = select(
        case((named, counted.c.subuser_key)).label("key"), counted.c.amount, mine.label("mine")
    ).subquery()
    return select(weighed.c.key, func.sum(weighed.c.amount), func.sum(weighed.c.mine)).group_by(weighed.c.key)


_USAGE = _usage()


async def get(connection: AsyncConnection, request_id: int) -> CreditRequest | None:
    """The request, and while it waits also those beside it.

    Raises:
        UnreadableRequest: its row holds what this version can't read.
    """
    return await _one(connection, _BY_ID, {"the_id": request_id})


async def _one(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object]
) -> CreditRequest | None:
    found = next(iter(await load(connection, query, given)), None)
    if isinstance(found, UnreadableRequest):
        raise found
    if found is None or found.status is not Status.PENDING:
        return found
    return replace(found, beside=await _beside(connection, found))


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
    key = bindparam("its_key", type_=Words())
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


async def tries(connection: AsyncConnection, request_id: int) -> int:
    """How often the job at hand has tried in the present state."""
    query = select(requests.c.tries).where(requests.c.id == request_id)
    return readable.count(await connection.scalar(query))


async def may_be_tried(connection: AsyncConnection, request_id: int, now: datetime) -> bool:
    """Whether there is a next try of the job at hand, and its time has come."""
    next_try_at = requests.c.next_try_at
    query = select(requests.c.id).where(
        requests.c.id == request_id, next_try_at.is_not(None), readable.has_come(next_try_at, now)
    )
    return await connection.scalar(query) is not None


async def is_tried_again(connection: AsyncConnection, request_id: int) -> bool:
    """Whether there is a next try of the job at hand, at whatever time."""
    query = select(requests.c.id).where(requests.c.id == request_id, requests.c.next_try_at.is_not(None))
    return await connection.scalar(query) is not None


async def reminded(connection: AsyncConnection, request_id: int) -> int:
    """How many of the policy's reminders are over."""
    query = select(requests.c.reminded).where(requests.c.id == request_id)
    return readable.count(await connection.scalar(query))


async def look_again(
    transaction: Transaction, request_id: int, at: datetime | None, *, reminded: int
) -> None:
    """When it is to be seen next whether someone has to be reminded; None if nobody has to be any more."""
    await transaction.connection.execute(
        update(requests)
        .where(requests.c.id == request_id)
        .values(remind_at=at, reminded=reminded, **runs.NONE)
    )


async def remind_no_more(transaction: Transaction, request_id: int) -> None:
    await transaction.connection.execute(
        update(requests).where(requests.c.id == request_id).values(remind_at=None, **runs.NONE)
    )


async def not_following(connection: AsyncConnection, policy_hash: str) -> list[int]:
    """The IDs of those that wait for approvals and follow another policy than this, oldest first."""
    query = select(requests.c.id).where(IS_OPEN, IS_PENDING, _follows_another(policy_hash))
    return sorted((await connection.execute(query)).scalars())


async def to_follow(
    connection: AsyncConnection, policy_hash: str, among: Sequence[int]
) -> list[CreditRequest]:
    """Those of some requests that are still `not_following`, and can be read."""
    query = ALL.where(requests.c.id.in_(among), IS_PENDING, _follows_another(policy_hash))
    return await load_readable(connection, query.order_by(requests.c.id))


def _follows_another(policy_hash: str) -> ColumnElement[bool]:
    return requests.c.follows_policy.is_distinct_from(policy_hash)


async def without_token(
    connection: AsyncConnection, since: datetime, among: Sequence[int] | None = None
) -> list[int]:
    """Those of an older version that its cards still have buttons for: open, or failed since then."""
    none = select(requests.c.id).where(requests.c.token.is_(None))
    if among is not None:
        none = none.where(requests.c.id.in_(among))
    failed = is_in({Status.FAILED}), requests.c.finished_at >= since
    found = union_all(none.where(NOT_ENDED), none.where(*failed))
    return sorted((await connection.execute(found)).scalars())


async def under_way(connection: AsyncConnection, subuser: str) -> int | None:
    """The ID of the request that is being applied to this subuser, or is in doubt."""
    # One that an older creditbot has written may have no key.
    held = select(requests.c.id).where(IS_HELD)
    same = union_all(
        held.where(requests.c.subuser_key == subuser_key(subuser)), held.where(requests.c.subuser == subuser)
    )
    found: int | None = await connection.scalar(select(func.min(same.subquery().c.id)))
    return found


async def load_readable(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, object] | None = None
) -> list[CreditRequest]:
    """Those of `load` that can be read; the others are logged, and stop nobody."""
    found = await load(connection, query, given)
    for request in found:
        if isinstance(request, UnreadableRequest):
            log.error("A request can't be read, and is left out", request_id=request.id, why=request.sentence)
    return [request for request in found if isinstance(request, CreditRequest)]


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

_READ = [
    requests.c[name] for name in [*_SAME_NAME, "subuser", "allocation_update", "status", "token", *_OF_CHECK]
]

# To build a statement takes longer than to execute it, so those of every request are built once.
ALL = select(*readable.as_they_lie(_READ))
"""Requests as `load` reads them."""

_BY_ID = ALL.where(requests.c.id == bindparam("the_id"))
_BY_ORIGIN = ALL.where(requests.c.origin == bindparam("the_origin"))
_APPROVALS = (
    select(*readable.as_they_lie(approvals.columns))
    .where(approvals.c.request_id.in_(bindparam("perhaps", expanding=True)))
    .order_by(approvals.c.id)
)


def _read(row: RowMapping, agreed: Sequence[RowMapping]) -> CreditRequest | UnreadableRequest:
    values, unreadable = readable.read(_READ, row)
    given = [readable.read([approvals.c.approver, approvals.c.at], one) for one in agreed]
    if values.get("status") not in set(Status):
        unreadable.append("status")
    if not 0 < abs(values.get("allocation_update", 1)) <= MAX_AMOUNT:
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
