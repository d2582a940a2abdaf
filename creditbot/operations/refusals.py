"""The record of what was not allowed."""

from collections.abc import Mapping
from datetime import datetime

from creditbot.domain import rules
from creditbot.domain.errors import Refusal
from creditbot.domain.markup import without_markup
from creditbot.domain.requests import CreditRequest
from creditbot.elapsed import boottime
from creditbot.seldom import Seldom
from creditbot.store import events
from creditbot.store.database import Transaction

from .actions import Action

RECORDED = 10
"""Refusals a minute of one person about one request that are written down."""


class Refusals:
    """Of one person about one request at most so many a minute are written down.

    Pressing a button again and again must not fill the ledger. The next one that is recorded says how many
    were left out before it.
    """

    def __init__(self) -> None:
        self._seldom = Seldom(RECORDED, 60, boottime)

    async def record(
        self,
        transaction: Transaction,
        request: CreditRequest | None,
        action: Action,
        refusal: Refusal,
        at: datetime,
    ) -> None:
        """Write down that an action was not allowed, or that it had been done before."""
        await self.append(
            transaction,
            "repeated_click" if refusal.rule == rules.REPEATED else "refused_click",
            at=at,
            request_id=None if request is None else request.id,
            actor=action.actor,
            detail={
                "action": action.name,
                "rule": refusal.rule,
                "said": without_markup(refusal.sentence),
                **({"named": action.request_id} if request is None else {}),
            },
        )

    async def append(
        self,
        transaction: Transaction,
        kind: str,
        *,
        at: datetime,
        actor: str,
        detail: Mapping[str, object],
        request_id: int | None = None,
    ) -> None:
        """Write an event, unless this person has caused too many of them just now."""
        left_out = self._seldom.left_out(f"{actor} {request_id}")
        if left_out is None:
            return
        detail = {**detail, **({"left_out": left_out} if left_out else {})}
        await events.append(
            transaction.connection, kind, at=at, request_id=request_id, actor=actor, detail=detail
        )


def raised(found: CreditRequest | Refusal) -> CreditRequest:
    """A refusal is returned from a transaction, which keeps its event, and raised after the commit."""
    if isinstance(found, Refusal):
        raise found
    return found
