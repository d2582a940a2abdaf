"""What else is known of a request changes, and not its state; its card follows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, update

from creditbot.domain.chain import APPROVAL_WITHDRAWN
from creditbot.store import cards as cards_store
from creditbot.store import events, runs
from creditbot.store.database import Transaction
from creditbot.store.ledger_columns import IN_LEDGER, recorded
from creditbot.store.tables import approvals, requests


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
    await cards_store.redraw(transaction, request_id)


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
