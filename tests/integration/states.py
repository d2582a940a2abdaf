"""Requests in each state, written to a real database through the door that the bot itself uses."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from creditbot.domain.changes import Change
from creditbot.domain.credits import Applied, InDoubt, PatchOutcome, Refused, SubuserCredits
from creditbot.domain.evidence import Reading
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Actor
from creditbot.store import attempts, events, requests
from creditbot.store.database import Database, Transaction
from tests.authority import POLICY, Role

from .adapters import CHANNEL

DECIDER = "U0DECIDER"
"""Who decided what is decided, unless it was the requester: somebody with no other role."""

WAYS_THERE: dict[Status, list[Status]] = {
    Status.PENDING: [],
    Status.REFUSED: [Status.REFUSED],
    Status.APPROVED: [Status.APPROVED],
    Status.DENIED: [Status.DENIED],
    Status.CANCELLED: [Status.CANCELLED],
    Status.EXPIRED: [Status.EXPIRED],
    Status.APPLYING: [Status.APPROVED, Status.APPLYING],
    Status.APPLIED: [Status.APPROVED, Status.APPLYING, Status.APPLIED],
    Status.FAILED: [Status.APPROVED, Status.APPLYING, Status.FAILED],
    Status.IN_DOUBT: [Status.APPROVED, Status.APPLYING, Status.IN_DOUBT],
}

OUTCOMES: Mapping[Status, PatchOutcome] = {
    Status.APPLIED: Applied(SubuserCredits("nonrecurring", remain=1250), "{}"),
    Status.FAILED: Refused(400, "SendGrid said no.", "{}"),
    Status.IN_DOUBT: InDoubt("the connection was lost"),
}

_numbers = count(1)


async def brought_to(database: Database, status: Status, role: Role, at: datetime) -> CreditRequest:
    """A request of this role's requester in this state, approved by those whom the role says.

    Each is about a subuser of its own, so that none has to wait for another.
    """
    number = next(_numbers)
    async with database.write() as transaction:
        created = await requests.create(
            transaction,
            origin=f"brought {number}",
            channel=CHANNEL,
            change=Change(f"sub{number}", 250),
            reason="the spring mailing",
            requested_by=Actor(role.requester),
            at=at,
            expires_at=at + POLICY.expiry,
            remind_at=None,
            approvals_needed=POLICY.tiers[0].approvals,
            policy_hash=POLICY.hash,
            tier=POLICY.tiers[0].name,
        )
        await _check_and_approve(transaction, created.id, role, at)
        for step in WAYS_THERE[status]:
            await _step(transaction, await _read(transaction, created.id), step, at)
        request = await _read(transaction, created.id)
    assert request.status is status
    return request


async def _check_and_approve(transaction: Transaction, request_id: int, role: Role, at: datetime) -> None:
    await requests.amend(
        transaction,
        request_id,
        "checked",
        at=at,
        checked_at=at,
        credits_type="nonrecurring",
        checked_remain=1000,
    )
    for approver in role.approved:
        added = await requests.add_approval(transaction, request_id, approver, at)
        await events.append(
            transaction.connection, "approval", at=at, request_id=request_id, actor=approver, detail=added
        )


async def _step(transaction: Transaction, request: CreditRequest, to: Status, at: datetime) -> None:
    """One change of state, with what the bot would write beside it."""
    by = {Status.APPROVED: DECIDER, Status.DENIED: DECIDER, Status.CANCELLED: request.requested_by}.get(to)
    decided: dict[str, Any] = {} if by is None else {"decided_by": by, "decided_at": at}
    if to in OUTCOMES:
        before = Reading("nonrecurring", 1000, None)
        attempt = await attempts.start(transaction, request.id, 1, before, at)
        await attempts.finish(transaction, attempt, OUTCOMES[to], at)
    await requests.transition(transaction, request, to, kind=str(to), at=at, actor=by, **decided)


async def _read(transaction: Transaction, request_id: int) -> CreditRequest:
    request = await requests.get(transaction.connection, request_id)
    assert request is not None
    return request
