"""Attempts: each sending of a PATCH, written down before it leaves and again when its answer is known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, or_, select, update

from creditbot.domain.credits import Applied, InDoubt, NotSent, PatchOutcome, RateLimited, Refused
from creditbot.domain.evidence import Reading

from . import events
from .connection import AsyncConnection
from .database import Transaction
from .ledger_columns import recorded
from .tables import attempts

OUTCOMES: dict[type[PatchOutcome], str] = {
    Applied: "applied",
    Refused: "refused",
    NotSent: "not_sent",
    RateLimited: "rate_limited",
    InDoubt: "in_doubt",
}
MAY_BE_REPEATED = frozenset({"not_sent", "rate_limited"})
"""Outcomes after which nothing can have been applied, so that another attempt is safe."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending; `outcome` is None while its answer is not known.

    `over_at` is when whoever sends it has given up on SendGrid; None if an earlier version wrote it.
    """

    id: int
    request_id: int
    number: int
    started_at: datetime
    over_at: datetime | None
    before: Reading
    finished_at: datetime | None
    outcome: str | None
    answer_status: int | None
    answer_body: str | None
    detail: str | None


async def start(
    transaction: Transaction,
    request_id: int,
    number: int,
    before: Reading,
    at: datetime,
    *,
    over_at: datetime | None = None,
) -> int:
    """Write down that a PATCH is about to be sent, with its event; return the attempt's ID."""
    values = {
        "request_id": request_id,
        "number": number,
        "started_at": at,
        "over_at": over_at,
        "credits_type": before.type,
        "remain_before": before.remain,
        "last_reset": before.last_reset,
    }
    inserted = await transaction.connection.execute(insert(attempts).values(values).returning(attempts.c.id))
    attempt_id = int(inserted.scalar_one())
    await events.append(
        transaction.connection,
        "attempt",
        at=at,
        request_id=request_id,
        detail={
            "number": number,
            "remain_before": before.remain,
            **recorded(attempts, {"id": attempt_id, **values}),
        },
    )
    return attempt_id


async def finish(transaction: Transaction, attempt_id: int, outcome: PatchOutcome, at: datetime) -> None:
    """Write down what came of it, with its event."""
    values = {
        "finished_at": at,
        "outcome": OUTCOMES[type(outcome)],
        "answer_status": getattr(outcome, "status", None),
        "answer_body": getattr(outcome, "body", None),
        "detail": getattr(outcome, "detail", None),
    }
    changed = await transaction.connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id)
        .values(values)
        .returning(attempts.c.request_id, attempts.c.number)
    )
    request_id, number = changed.one()
    await events.append(
        transaction.connection,
        "answer",
        at=at,
        request_id=request_id,
        detail={
            "outcome": values["outcome"],
            "status": values["answer_status"],
            **recorded(attempts, {"number": number, **values}),
        },
    )


async def get(connection: AsyncConnection, attempt_id: int) -> Attempt | None:
    return await _first(connection, select(attempts).where(attempts.c.id == attempt_id))


async def last(connection: AsyncConnection, request_id: int) -> Attempt | None:
    mine = select(attempts).where(attempts.c.request_id == request_id)
    return await _first(connection, mine.order_by(attempts.c.number.desc()).limit(1))


async def may_have_counted(connection: AsyncConnection, request_id: int) -> bool:
    """Whether any sending of a request may have been applied, as far as outcomes tell."""
    harmless = attempts.c.outcome.in_(sorted(MAY_BE_REPEATED))
    query = select(attempts.c.id).where(
        attempts.c.request_id == request_id, or_(attempts.c.outcome.is_(None), ~harmless)
    )
    return await connection.scalar(query.limit(1)) is not None


async def _first(connection: AsyncConnection, query: Select[Any]) -> Attempt | None:
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    before = Reading(row["credits_type"], row["remain_before"], row["last_reset"])
    return Attempt(before=before, **{name: row[name] for name in _SAME_NAME})


_SAME_NAME = [
    "id",
    "request_id",
    "number",
    "started_at",
    "over_at",
    "finished_at",
    "outcome",
    "answer_status",
    "answer_body",
    "detail",
]
