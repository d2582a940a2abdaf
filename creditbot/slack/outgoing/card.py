"""The card of a request: posted if there is none, changed otherwise; always to the state as it is now.

A message that was the card in another channel is made to point to the one that took its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.place import Place
from creditbot.domain.reminders import NO_CARD, OLD_CARD
from creditbot.domain.requests import CreditRequest
from creditbot.jobs.messenger import DeliveryProblem, Fault
from creditbot.jobs.outgoing import Failure, Found, Kind
from creditbot.jobs.retries import DAY, card_is_over
from creditbot.slack.cards.card import request_card
from creditbot.slack.cards.notices import moved
from creditbot.store import cards, outbox, requests
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Transaction
from creditbot.store.outbox import Outgoing
from creditbot.store.tables import CARD

from .tools import Tools

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Card:
    """With `copy_above` it says that an earlier copy of it may stand there, too."""

    request: CreditRequest
    copy_above: bool
    tools: Tools = field(repr=False)

    async def draw(self) -> Mapping[str, Any]:
        tools, now = self.tools, self.tools.clock()
        roster = await tools.directory(tools.policy.authority(self.request, now))
        return request_card(
            self.request, tools.policy, roster, now, copy_above=self.copy_above, links=tools.links.to
        ).payload()


@dataclass(frozen=True, slots=True)
class Pointer:
    """What was a request's card says where that is now."""

    request: CreditRequest
    card: Place
    tools: Tools = field(repr=False)

    async def draw(self) -> Mapping[str, Any]:
        return moved(self.request, self.card, self.tools.links.to(self.card)).payload()


class Cards(Kind[CreditRequest]):
    """A row that has `moved_at` is to point to the card that is posted elsewhere, once."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def look(
        self, connection: AsyncConnection, row: Outgoing, now: datetime
    ) -> Found[CreditRequest] | None:
        del now
        if row.request_id is None:
            return None
        try:
            request = await requests.get(connection, row.request_id)
        except UnreadableRequest as unreadable:
            # What the card shows stays, since nobody knows what it should show.
            raise DeliveryProblem(unreadable.sentence, fault=Fault.OURS) from unreadable
        if request is None or request.check is None:
            return None
        if row.moved_at is None:
            return Found(Card(request, row.has_copy_above, self._tools), request, request.version)
        place = await cards.place(connection, request.id)
        if row.ts is None or place is None or place.ts is None or place == row.place:
            return None  # there is nothing to point to yet
        return Found(Pointer(request, place, self._tools), request, request.version)

    async def record(
        self,
        transaction: Transaction,
        row: Outgoing,
        found: Found[CreditRequest],
        place: Place,
        *,
        lease: datetime | None,
        at: datetime,
    ) -> bool:
        if row.moved_at is not None:
            await outbox.give_up(transaction, row, at)
            return True
        return await cards.shown(transaction, row, place, version=found.version, lease=lease, at=at)

    async def shown_twice(self, transaction: Transaction, row: Outgoing, place: Place, at: datetime) -> None:
        if row.request_id is not None and place.ts is not None:
            await cards.joined(transaction, row.request_id, place.channel, place.ts, at)

    def is_over(self, failure: Failure[CreditRequest]) -> bool:
        if failure.found is None:
            return failure.at >= failure.since + DAY
        if failure.row.moved_at is not None:
            # It is of no use any more where nobody can see it.
            return failure.problem.fault is not Fault.PASSING
        return card_is_over(failure.found.about, failure.problem, failure.since, failure.at)

    async def failed(self, transaction: Transaction, failure: Failure[CreditRequest], *, over: bool) -> bool:
        """Tell its requester what does not pass by itself. A message that is gone is posted anew."""
        row, found, fault = failure.row, failure.found, failure.problem.fault
        if found is None or row.moved_at is not None:
            return False
        if fault is Fault.GONE:
            await cards.lost(transaction, row, found.about.id)
            return True
        if over or fault.lasting:
            kind = NO_CARD if row.ts is None else OLD_CARD
            await outbox.tell(transaction, found.about.id, kind, found.about.requested_by, failure.at)
        return False

    def log(self, failure: Failure[CreditRequest], *, over: bool) -> None:
        """Once as an error what a person must mend, and that there is no further try."""
        row, found, problem = failure.row, failure.found, failure.problem
        about = {"request_id": row.request_id, "channel": row.recipient, "error": problem.detail}
        if found is None:
            if row.tries == 0:
                log.error("A request can't be read", request_id=row.request_id, why=problem.detail)
        elif row.moved_at is not None:
            log.info("An old card can't be made to point to the new one", **about)
        elif over:
            log.error("A request's card could not be shown; it will not be tried again", **about)
        elif row.tries == 0 and problem.fault is Fault.CHANNEL:
            log.error(
                "A card's channel can't be reached: invite the bot there with /invite, or set another "
                f"channel in {self._setting(found.about, row.recipient)} and restart",
                **about,
            )
        elif row.tries == 0 and problem.fault.lasting:
            log.error("Slack refuses a request's card until the cause is fixed", **about)
        else:
            log.warning("A request's card could not be shown; it will be tried again", **about)

    def _setting(self, request: CreditRequest, channel: str) -> str:
        """Where the channel of a card is named."""
        by_policy = self._tools.policy.channel_of(request.subuser, default="") == channel
        return "[[channels]] of the policy" if by_policy else "CREDITBOT_APPROVALS_CHANNEL"


KINDS = {CARD: Cards}
