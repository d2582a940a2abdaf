"""A request comes to be."""

import secrets
from datetime import datetime

from sqlalchemy import insert

from creditbot.domain.changes import Change
from creditbot.domain.relations import Relation, RelationKind
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Actor
from creditbot.store import cards, events, outbox, paces, relations
from creditbot.store.database import Transaction
from creditbot.store.ledger_columns import recorded
from creditbot.store.tables import requests
from creditbot.store.work_on_requests import CHECK

from .reading import with_those_beside
from .rows import ALL, new

FORGETS_EVERY = 5
"""With one request in so many some old notices are dropped, which are more than these five bring."""

_INSERT = insert(requests).returning(*ALL.selected_columns)


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
    follows: tuple[RelationKind, int] | None = None,
    same_as: int | None = None,
) -> CreditRequest:
    """Insert a pending request with its event and the place of its card; return it, with those beside it.

    SQL refuses a second one of the same `origin`: see `by_origin` first. `follows` is a request
    and why this one follows it, `same_as` an earlier one for the same, of which its requester knew.
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
        "token": new_token(),
    }
    inserted = await connection.execute(_INSERT, {"status": Status.PENDING, "version": 1, **values})
    row = inserted.mappings().one()
    request_id = int(row["id"])
    await cards.begin(transaction, request_id, channel, at)
    relation = None if follows is None else Relation(request_id, *follows)
    related = {} if relation is None else await relations.add(transaction, relation)
    if request_id % FORGETS_EVERY == 0:
        await outbox.forget(transaction, at)
        await paces.forget(transaction, at)
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
            **({f"{follows[0]}_of": follows[1]} if follows is not None else {}),
            **({"same_as": same_as} if same_as is not None else {}),
            **recorded(requests, {"id": request_id, "status": Status.PENDING, **values}),
            **related,
        },
    )
    transaction.wake(CHECK, request_id)
    return await with_those_beside(connection, new(row, relation))


def origin_of(kind: RelationKind, of_request: int) -> str:
    """The origin of a request that comes of another one, so that SQL refuses a second."""
    return f"{kind}:{of_request}"


def new_token() -> str:
    """128 bits that nobody guesses, which a card's buttons carry to show which request they are about."""
    return secrets.token_hex(16)
