"""Bringing a card up to date with its request, however far it is behind."""

from collections.abc import Callable
from datetime import datetime

import structlog

from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest
from creditbot.store import cards, notices, requests
from creditbot.store.cards import Card
from creditbot.store.database import Database

from .backoff import backoff
from .messenger import LEASE, DeliveryProblem, Messenger

UNREACHABLE = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action"})
"""What Slack says of a channel that only a person can mend."""

log = structlog.get_logger(__name__)


class Draw:
    """Posts the card if there is none, changes it otherwise; always to the state as it is now."""

    def __init__(
        self, database: Database, messenger: Messenger, policy: Policy, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._messenger = messenger
        self._policy = policy
        self._clock = clock

    async def __call__(self, request_id: int) -> None:
        async with self._database.read() as connection:
            request = await requests.get(connection, request_id)
            if request is None or request.check is None:
                return
            behind = await cards.behind(connection, request_id, request.version, self._clock())
        for card in behind:
            await self._bring_up(request, card)

    async def _bring_up(self, request: CreditRequest, card: Card) -> None:
        now = self._clock()
        lease = now + LEASE
        async with self._database.write() as transaction:
            if not await cards.claim(transaction, card, now, lease):
                return
        try:
            channel, ts = await self._show(request, card)
        except DeliveryProblem as problem:
            await self._later(request, card, problem)
            return
        async with self._database.write() as transaction:
            await cards.shown(transaction, card, channel, ts, version=request.version, lease=lease)

    async def _show(self, request: CreditRequest, card: Card) -> tuple[str, str]:
        copy_above = card.has_copy_above
        if card.ts is None:
            return await self._messenger.post_card(card.channel, request, copy_above=copy_above)
        await self._messenger.update_card(card.channel, card.ts, request, copy_above=copy_above)
        return card.channel, card.ts

    async def _later(self, request: CreditRequest, card: Card, problem: DeliveryProblem) -> None:
        about = {"request_id": request.id, "channel": card.channel, "error": problem.detail}
        if problem.detail in UNREACHABLE:
            log.error(
                "The channel of a card can't be reached: invite the bot to it with /invite, or name another "
                f"channel in {self._setting(request, card)}",
                **about,
            )
        else:
            log.warning("A request's card could not be shown; it will be tried again", **about)
        async with self._database.write() as transaction:
            if problem.gone:
                await cards.lost(transaction, card)
                return
            if problem.detail in UNREACHABLE and card.ts is None:
                await notices.add(transaction, request.id, "no_card", request.requested_by, self._clock())
            later = self._clock() + backoff(card.tries, problem.wait)
            await cards.failed(transaction, card, later, problem.detail, not_done=problem.not_done)

    def _setting(self, request: CreditRequest, card: Card) -> str:
        """Where the channel of a card is named."""
        by_policy = self._policy.channel_of(request.subuser, default="") == card.channel
        return "[[channels]] of the policy" if by_policy else "CREDITBOT_APPROVALS_CHANNEL"
