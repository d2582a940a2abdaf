"""Telling a person what became of a request."""

from collections.abc import Callable
from datetime import datetime

import structlog

from creditbot.domain.policy import Policy
from creditbot.domain.reminders import is_moot, not_before
from creditbot.store import cards, notices, requests
from creditbot.store.database import Database

from .backoff import backoff
from .messenger import LEASE, DeliveryProblem, Messenger

log = structlog.get_logger(__name__)


class Notify:
    """Sends one notice and writes down that it was sent."""

    def __init__(
        self, database: Database, messenger: Messenger, policy: Policy, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._messenger = messenger
        self._policy = policy
        self._clock = clock

    async def __call__(self, notice_id: int) -> None:
        async with self._database.read() as connection:
            notice = await notices.get(connection, notice_id)
        if notice is None or notice.sent_at is not None:
            return
        now = self._clock()
        async with self._database.write() as transaction:
            request = await requests.get(transaction.connection, notice.request_id)
            if request is None:
                return
            moot = is_moot(notice.kind, notice.person, request, now)
            # Between a reminder and its sending quiet hours may have begun, since Slack was away.
            earliest = now if moot else not_before(notice.kind, self._policy, now)
            until = max(earliest, now + LEASE)
            if not await notices.claim(transaction, notice, now, until) or earliest > now:
                return
            card = await cards.place(transaction.connection, request.id)
        try:
            if not moot:
                await self._messenger.send_notice(notice.person, notice.kind, request, card)
        except DeliveryProblem as problem:
            log.warning(
                "A person could not be told; it will be tried again",
                request_id=request.id,
                person=notice.person,
                error=problem.detail,
            )
            later = self._clock() + backoff(notice.tries, problem.wait)
            async with self._database.write() as transaction:
                await notices.failed(transaction, notice, later, problem.detail)
            return
        async with self._database.write() as transaction:
            await notices.sent(transaction, notice_id, self._clock())
