"""Bringing a card up to date with its request, however far it is behind."""

from collections.abc import Callable
from datetime import datetime

import structlog

from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.place import Place
from creditbot.domain.policy import Policy
from creditbot.domain.reminders import NO_CARD, OLD_CARD
from creditbot.domain.requests import CreditRequest
from creditbot.store import cards, notices, requests
from creditbot.store.cards import DRAW, Card
from creditbot.store.database import Database

from .deliveries import DAY, card_is_over, next_try
from .job import Job
from .messenger import LEASE, DeliveryProblem, Fault, Messenger

log = structlog.get_logger(__name__)


class Draw:
    """Posts the card if there is none, changes it otherwise; always to the state as it is now.

    A message that was the card in another channel is made to point to the one that took its place.
    """

    def __init__(
        self, database: Database, messenger: Messenger, policy: Policy, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._messenger = messenger
        self._policy = policy
        self._clock = clock

    async def __call__(self, request_id: int) -> None:
        try:
            async with self._database.read() as connection:
                request = await requests.get(connection, request_id)
                if request is None or request.check is None:
                    return
                behind = await cards.behind(connection, request_id, request.version, self._clock())
                place = await cards.place(connection, request_id)
        except UnreadableRequest as unreadable:
            await self._leave(unreadable)
            return
        for card in behind:
            await self._bring_up(request, card, place)

    async def _leave(self, unreadable: UnreadableRequest) -> None:
        """What its cards show stays, since nobody knows what they should show; it is looked at ever later."""
        now = self._clock()
        problem = DeliveryProblem(unreadable.sentence, fault=Fault.OURS)
        async with self._database.write() as transaction:
            for card in await cards.behind(transaction.connection, unreadable.id, None, now):
                if card.tries == 0:
                    log.error("A request can't be read", request_id=unreadable.id, why=unreadable.sentence)
                if now >= (card.failing_since or now) + DAY:
                    await cards.give_up(transaction, card, now, problem.detail)
                else:
                    later = next_try(problem, card.tries, card.id, now)
                    await cards.failed(transaction, card, now, later, problem.detail, not_done=False)

    async def _bring_up(self, request: CreditRequest, card: Card, place: Place | None) -> None:
        lease = None  # to change a message twice does no harm
        if card.ts is None or card.moved_at is not None:
            now = self._clock()
            lease = now + LEASE
            async with self._database.aside() as transaction:
                if not await cards.claim(transaction, card, now, lease):
                    return
        try:
            channel, ts = await self._show(request, card, place)
        except DeliveryProblem as problem:
            await self._failed(request, card, problem)
            return
        except Exception as error:
            log.exception("A card could not be built", request_id=request.id)
            detail = f"{type(error).__name__}: {error}"
            await self._failed(request, card, DeliveryProblem(detail, fault=Fault.OURS))
            return
        async with self._database.aside() as transaction:
            if card.moved_at is not None:
                await cards.give_up(transaction, card, self._clock())
                return
            if await cards.shown(transaction, card, channel, ts, version=request.version, lease=lease):
                return
        async with self._database.write() as transaction:
            await cards.joined(transaction, card.request_id, channel, ts)

    async def _show(self, request: CreditRequest, card: Card, place: Place | None) -> tuple[str, str]:
        copy_above = card.has_copy_above
        if card.ts is None:
            return await self._messenger.post_card(card.channel, request, copy_above=copy_above)
        if card.moved_at is not None and place is not None:
            await self._messenger.point_to_card(card.channel, card.ts, request, place)
        else:
            await self._messenger.update_card(card.channel, card.ts, request, copy_above=copy_above)
        return card.channel, card.ts

    async def _failed(self, request: CreditRequest, card: Card, problem: DeliveryProblem) -> None:
        """Try it later, or give it up; tell its requester what does not pass by itself."""
        now, about = self._clock(), {"request_id": request.id, "channel": card.channel}
        over = card_is_over(request, problem, card.failing_since or now, now)
        if card.moved_at is not None:
            over = problem.fault is not Fault.PASSING  # it is of no use any more where nobody can see it
            log.info("An old card can't be made to point to the new one", error=problem.detail, **about)
        else:
            self._log(request, card, problem, over=over)
        async with self._database.write() as transaction:
            if problem.fault is Fault.GONE and card.moved_at is None:
                await cards.lost(transaction, card)
                return
            if card.moved_at is None and (over or problem.fault.lasting):
                kind = NO_CARD if card.ts is None else OLD_CARD
                await notices.add(transaction, request.id, kind, request.requested_by, now)
            if over:
                await cards.give_up(transaction, card, now, problem.detail)
                return
            later = next_try(problem, card.tries, card.id, now)
            await cards.failed(transaction, card, now, later, problem.detail, not_done=problem.not_done)

    def _log(self, request: CreditRequest, card: Card, problem: DeliveryProblem, *, over: bool) -> None:
        """Once as an error what a person must mend, and that there is no further try."""
        about = {"request_id": request.id, "channel": card.channel, "error": problem.detail}
        if over:
            log.error("A request's card could not be shown; it will not be tried again", **about)
        elif card.tries == 0 and problem.fault is Fault.CHANNEL:
            log.error(
                "A card's channel can't be reached: invite the bot there with /invite, or set another "
                f"channel in {self._setting(request, card)} and restart",
                **about,
            )
        elif card.tries == 0 and problem.fault.lasting:
            log.error("Slack refuses a request's card until the cause is fixed", **about)
        else:
            log.warning("A request's card could not be shown; it will be tried again", **about)

    def _setting(self, request: CreditRequest, card: Card) -> str:
        """Where the channel of a card is named."""
        by_policy = self._policy.channel_of(request.subuser, default="") == card.channel
        return "[[channels]] of the policy" if by_policy else "CREDITBOT_APPROVALS_CHANNEL"


JOB = Job(
    DRAW, lambda parts: Draw(parts.database, parts.messenger, parts.policy, parts.clock).__call__, mends=True
)
