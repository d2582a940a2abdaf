"""Telling a person, or a channel, what became of a request; each once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.place import Place
from creditbot.domain.policy import approvers_of
from creditbot.domain.reminders import ABOUT_CARDS, UNTOLD, asks, is_moot, not_before
from creditbot.domain.requests import CreditRequest
from creditbot.domain.rules import may_see
from creditbot.domain.who import Actor, is_person
from creditbot.jobs.outgoing import Failure, Found, Kind, Undeliverable
from creditbot.slack.cards.notices import notice
from creditbot.slack.message import sentence
from creditbot.store import cards, outbox, requests
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Transaction
from creditbot.store.outbox import Outgoing

from .tools import Tools

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """The news of this `kind` of a request, for a person; `card` is where its card is."""

    person: str
    kind: str
    request: CreditRequest
    card: Place | None
    tools: Tools = field(repr=False)

    async def draw(self) -> Mapping[str, Any]:
        tools, request = self.tools, self.request
        told = request.requester if self.person == request.requested_by else Actor(self.person)
        figures = may_see(told, tools.policy, await tools.directory(tools.policy.may_see))
        return notice(
            self.kind, request, figures=figures, place=self.card, link=tools.links.to(self.card)
        ).payload()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """There is news of a request that can't be read: a person is told just that."""

    person: str
    request: UnreadableRequest

    async def draw(self) -> Mapping[str, Any]:
        return sentence(self.request.sentence).payload()


@dataclass(frozen=True, slots=True)
class About:
    """What a notice is about, and where the request's card is."""

    request: CreditRequest | UnreadableRequest
    card: Place | None


class Notices(Kind[About]):
    """Of each kind of news of a request."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def look(self, connection: AsyncConnection, row: Outgoing, now: datetime) -> Found[About] | None:
        request = None if row.request_id is None else await _read(connection, row.request_id)
        if request is None:
            raise Undeliverable("no such request")
        about = About(request, await cards.place(connection, request.id))
        if isinstance(request, UnreadableRequest):
            moot = asks(row.kind)
        else:
            moot = is_moot(row.kind, row.recipient, request, now)
        if row.kind in ABOUT_CARDS:
            moot = not await cards.in_trouble(connection, request.id)
        if moot:
            return Found(None, about)
        drawing: Notice | Unreadable
        if isinstance(request, UnreadableRequest):
            drawing = Unreadable(row.recipient, request)
        else:
            drawing = Notice(row.recipient, row.kind, request, about.card, self._tools)
        # Between a reminder and its sending quiet hours may have begun, since Slack was away.
        return Found(drawing, about, not_before=not_before(row.kind, self._tools.policy, now))

    def log(self, failure: Failure[About], *, over: bool) -> None:
        row = failure.row
        about = {"request_id": row.request_id, "person": row.recipient, "error": failure.problem.detail}
        if over:
            log.error("A person could not be told; it will not be tried again", kind=row.kind, **about)
        else:
            log.warning("A person could not be told; it will be tried again", **about)

    async def given_up(self, transaction: Transaction, failure: Failure[About]) -> None:
        """Have others hear of it: of a person the channel of the card, of a channel the listed approvers.

        Of a reminder nobody has to: the others are reminded, too, and the card is there. If the others can't
        be told, either, that is the end of it.
        """
        row, found, now = failure.row, failure.found, failure.at
        if found is None or asks(row.kind) or row.kind in ABOUT_CARDS or row.kind.startswith(UNTOLD):
            return
        request, card = found.about.request, found.about.card
        if is_person(row.recipient):
            if card is not None:
                await outbox.tell(transaction, request.id, f"{UNTOLD}{row.recipient}", card.channel, now)
            return
        if isinstance(request, UnreadableRequest):
            return  # the log and the lists tell of it
        policy = self._tools.policy
        listed = approvers_of(policy.tiers_of(request.changes) or policy.tiers)
        for person in sorted(listed.people - {request.requested_by}):
            await outbox.tell(transaction, request.id, row.kind, person, now)


async def _read(connection: AsyncConnection, request_id: int) -> CreditRequest | UnreadableRequest | None:
    try:
        return await requests.get(connection, request_id)
    except UnreadableRequest as unreadable:
        log.warning("A request can't be read", request_id=request_id, why=unreadable.sentence)
        return unreadable
