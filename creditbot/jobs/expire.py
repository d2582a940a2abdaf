"""Ending requests that nobody decided in time."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain.requests import Outline, Status
from creditbot.domain.rules import has_expired
from creditbot.store import requests
from creditbot.store.database import Database, Transaction
from creditbot.store.work_on_requests import EXPIRE

from .give_up import request_ends
from .job import Job, Parts


class Expire:
    """The sweep's part; a click that comes too late finds the same out by itself."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, request_id: int) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            request = await requests.get(transaction.connection, request_id)
            if request is not None and has_expired(request, now):
                await requests.transition(
                    transaction, request, Status.EXPIRED, kind="expired", at=now, finished_at=now
                )


async def _give_up(parts: Parts, transaction: Transaction, request: Outline) -> None:
    """Without the rule that could not be followed."""
    if request.status is not Status.PENDING:
        return
    now = parts.clock()
    await requests.transition(
        transaction,
        request,
        Status.EXPIRED,
        kind="expired",
        at=now,
        detail={"rule": "given_up"},
        finished_at=now,
    )


JOB = Job(EXPIRE, lambda parts: Expire(parts.database, parts.clock).__call__, request_ends(_give_up))
