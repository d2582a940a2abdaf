"""Telling a person, or a channel, what became of a request."""

from collections.abc import Callable
from datetime import datetime

import structlog

from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.place import Place
from creditbot.domain.policy import Policy, approvers_of
from creditbot.domain.reminders import ABOUT_CARDS, UNTOLD, asks, is_moot, not_before
from creditbot.domain.requests import CreditRequest
from creditbot.domain.who import is_person
from creditbot.store import cards, notices, requests
from creditbot.store.database import Database, Transaction
from creditbot.store.notices import NOTIFY, Notice

from .deliveries import NOTICE, next_try
from .job import Job
from .messenger import LEASE, DeliveryProblem, Fault, Messenger

log = structlog.get_logger(__name__)


class Notify:
    """Sends one notice and writes down that it was sent, or that it was given up."""

    def __init__(
        self, database: Database, messenger: Messenger, policy: Policy, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._messenger = messenger
        self._policy = policy
        self._clock = clock

    async def __call__(self, notice_id: int) -> None:
        async with self._database.read() as connection:
            notice = await notices.get(connection, notice_id, self._clock())
        if notice is None or notice.over:
            return
        now = self._clock()
        async with self._database.aside() as transaction:
            request = await self._request(transaction, notice.request_id)
            if request is None:
                log.error("A person can't be told: the request is not there", person=notice.person)
                await notices.give_up(transaction, notice, now, "no such request")
                return
            if isinstance(request, UnreadableRequest):
                moot = asks(notice.kind)
            else:
                moot = is_moot(notice.kind, notice.person, request, now)
            if notice.kind in ABOUT_CARDS:
                moot = not await cards.in_trouble(transaction.connection, request.id)
            # Between a reminder and its sending quiet hours may have begun, since Slack was away.
            earliest = now if moot else not_before(notice.kind, self._policy, now)
            until = max(earliest, now + LEASE)
            if not await notices.claim(transaction, notice, now, until) or earliest > now:
                return
            card = await cards.place(transaction.connection, request.id)
        try:
            if not moot:
                await self._send(notice, request, card)
        except DeliveryProblem as problem:
            await self._failed(notice, request, card, problem)
            return
        except Exception as error:
            log.exception("A notice could not be sent", request_id=request.id, kind=notice.kind)
            detail = f"{type(error).__name__}: {error}"
            await self._failed(notice, request, card, DeliveryProblem(detail, fault=Fault.OURS))
            return
        async with self._database.aside() as transaction:
            await notices.sent(transaction, notice_id, self._clock())

    async def _request(
        self, transaction: Transaction, request_id: int
    ) -> CreditRequest | UnreadableRequest | None:
        """What a notice is about; of what can't be read a person is told just that."""
        try:
            return await requests.get(transaction.connection, request_id)
        except UnreadableRequest as unreadable:
            log.warning("A request can't be read", request_id=request_id, why=unreadable.sentence)
            return unreadable

    async def _send(
        self, notice: Notice, request: CreditRequest | UnreadableRequest, card: Place | None
    ) -> None:
        if isinstance(request, UnreadableRequest):
            await self._messenger.send_unreadable(notice.person, request)
        else:
            await self._messenger.send_notice(notice.person, notice.kind, request, card)

    async def _failed(
        self,
        notice: Notice,
        request: CreditRequest | UnreadableRequest,
        card: Place | None,
        problem: DeliveryProblem,
    ) -> None:
        now = self._clock()
        over = now >= (notice.failing_since or now) + NOTICE[problem.fault]
        about = {"request_id": request.id, "person": notice.person, "error": problem.detail}
        if over:
            log.error("A person could not be told; it will not be tried again", kind=notice.kind, **about)
        else:
            log.warning("A person could not be told; it will be tried again", **about)
        async with self._database.write() as transaction:
            if not over:
                later = next_try(problem, notice.tries, notice.id, now)
                await notices.failed(transaction, notice, now, later, problem.detail)
            elif await notices.give_up(transaction, notice, now, problem.detail):
                await self._tell_others(transaction, notice, request, card)

    async def _tell_others(
        self,
        transaction: Transaction,
        notice: Notice,
        request: CreditRequest | UnreadableRequest,
        card: Place | None,
    ) -> None:
        """Have others hear of it: of a person the channel of the card, of a channel the listed approvers.

        Of a reminder nobody has to: the others are reminded, too, and the card is there. If the others can't
        be told, either, that is the end of it.
        """
        if asks(notice.kind) or notice.kind in ABOUT_CARDS or notice.kind.startswith(UNTOLD):
            return
        now = self._clock()
        if is_person(notice.person):
            if card is not None:
                kind = f"{UNTOLD}{notice.person}"
                await notices.add(transaction, request.id, kind, card.channel, now)
            return
        if isinstance(request, UnreadableRequest):
            return  # the log and the lists tell of it
        tiers = self._policy.tiers_of(request.changes)
        listed = approvers_of(tiers or self._policy.tiers)
        for person in sorted(listed.people - {request.requested_by}):
            await notices.add(transaction, request.id, notice.kind, person, now)


JOB = Job(
    NOTIFY,
    lambda parts: Notify(parts.database, parts.messenger, parts.policy, parts.clock).__call__,
    mends=True,
)
