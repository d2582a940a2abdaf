"""Who means to do what, how that reached us, and the record of what was not allowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain import rules
from creditbot.domain.errors import Refusal, UnknownRequest
from creditbot.domain.requests import CreditRequest
from creditbot.domain.shown import Shown
from creditbot.domain.text import without_markup
from creditbot.elapsed import boottime
from creditbot.seldom import Seldom
from creditbot.store import deliveries, events, requests
from creditbot.store.database import Transaction

RECORDED = 10
"""Refusals a minute of one person about one request that are written down."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery of Slack's, which may come again.

    `id` names it by its trigger or view, the same each time it is delivered; None is like no other. `at` is
    the `boottime()` at which it came. `ack_is_answer` is true where the person sees nothing but the
    ack (a form, a command), so that a second ack must say what the first one said.
    """

    id: str | None
    at: float
    ack_is_answer: bool = False


About = int | Shown
"""Which request: the number that a person typed, or what the card showed that they clicked on."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who means to do what to which request."""

    about: About
    action: str
    actor: str

    @property
    def request_id(self) -> int:
        return self.about.request_id if isinstance(self.about, Shown) else self.about

    @property
    def shown(self) -> Shown | None:
        return self.about if isinstance(self.about, Shown) else None

    async def request(self, connection: AsyncConnection) -> CreditRequest | None:
        """The request that is meant; None if there is none, also where a card shows another one."""
        found = await requests.get(connection, self.request_id)
        other = found is not None and self.shown is not None and not self.shown.is_of(found)
        return None if other else found

    def is_about_nothing(self) -> Refusal:
        """What its actor is told if there is no such request."""
        return UnknownRequest(self.request_id) if self.shown is None else rules.unknown_card()


async def came_before(transaction: Transaction, arrival: Arrival | None, now: datetime) -> bool:
    """Whether Slack had delivered this before; what has no name never was."""
    if arrival is None or arrival.id is None:
        return False
    return await deliveries.came_before(transaction, arrival.id, now)


class Refusals:
    """The record of what was not allowed; of one person about one request at most so many a minute.

    Pressing a button again and again must not fill the ledger. The next one that is recorded says how many
    were left out before it.
    """

    def __init__(self) -> None:
        self._seldom = Seldom(RECORDED, 60, boottime)

    async def record(
        self,
        transaction: Transaction,
        request: CreditRequest | None,
        deed: Deed,
        refusal: Refusal,
        at: datetime,
    ) -> None:
        """Write down that a deed was not allowed, or that it had been done before."""
        await self.append(
            transaction,
            "repeated_click" if refusal.rule == rules.REPEATED else "refused_click",
            at=at,
            request_id=None if request is None else request.id,
            actor=deed.actor,
            detail={
                "action": deed.action,
                "rule": refusal.rule,
                "said": without_markup(refusal.sentence),
                **({"named": deed.request_id} if request is None else {}),
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
