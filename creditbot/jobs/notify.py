"""Telling a person what became of a request."""

from collections.abc import Callable
from datetime import datetime

import structlog

from creditbot.domain.reminders import is_moot
from creditbot.store import notices, requests
from creditbot.store.database import Database

from .backoff import backoff
from .messenger import LEASE, DeliveryProblem, Messenger

log = structlog.get_logger(__name__)


class Notify:
    """Sends one notice and writes down that it was sent."""

    def __init__(self, database: Database, messenger: Messenger, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._messenger = messenger
        self._clock = clock

    async def __call__(self, notice_id: int) -> None:
        async with self._database.read() as connection:
            notice = await notices.get(connection, notice_id)
            request = None if notice is None else await requests.get(connection, notice.request_id)
        if notice is None or request is None or notice.sent_at is not None:
            return
        now = self._clock()
        async with self._database.write() as transaction:
            if not await notices.claim(transaction, notice, now, now + LEASE):
                return
        try:
            if not is_moot(notice.kind, request):
                await self._messenger.send_notice(notice.person, notice.kind, request)
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
