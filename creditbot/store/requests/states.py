"""The one door through which the state of a request changes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from creditbot.domain.changes import subuser_key
from creditbot.domain.markup import without_markup
from creditbot.domain.reminders import ESCALATED, REMINDER
from creditbot.domain.requests import (
    FINAL,
    HOLDS_SUBUSER,
    CreditRequest,
    Outline,
    Status,
    check_transition,
    people_to_tell,
)
from creditbot.store import cards as cards_store
from creditbot.store import events, outbox, runs
from creditbot.store.database import Transaction
from creditbot.store.ledger_columns import recorded
from creditbot.store.tables import IS_OPEN, requests
from creditbot.store.work_on_requests import APPLY, CHECK

APPROVED_FOR = timedelta(seconds=5)
"""How long a request is approved before its requester is told so: its end comes sooner as a rule, and tells
who approved it, too.
"""


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
    of_no_use: list[str] = []
    if request.status is Status.PENDING:
        of_no_use += [REMINDER, ESCALATED]
    if to is not Status.APPLYING:
        of_no_use.append(Status.APPROVED)
    if of_no_use:
        await outbox.withdraw(transaction, request.id, at, of_no_use)
    not_before = at + APPROVED_FOR if to is Status.APPROVED else None
    for person in people_to_tell(request, to):
        await outbox.tell(transaction, request.id, to, person, at, not_before=not_before)
    await cards_store.redraw(transaction, request.id)
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
    overtaken = (await transaction.connection.execute(waiting_too)).scalars().all()
    for request_id in overtaken:
        transaction.wake(CHECK, request_id)
    if overtaken:
        await cards_store.redraw(transaction, *overtaken)


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
