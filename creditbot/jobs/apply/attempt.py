"""One attempt: committed, then sent, then its outcome recorded. Nothing else sends the PATCH."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from creditbot.domain.credits import InDoubt, NotSent, PatchOutcome
from creditbot.domain.evidence import Reading
from creditbot.domain.requests import CreditRequest, Status
from creditbot.elapsed import Stopwatch
from creditbot.sendgrid.client import SendGrid
from creditbot.store import attempts, requests
from creditbot.store.database import CommitUnclear, Database

from .conclude import STOPPED
from .record import Record

TOO_LATE_TO_SEND = timedelta(seconds=3)
"""A process that stood still for this long after it wrote an attempt down must not send it any more."""

log = structlog.get_logger(__name__)


class SendAttempt:
    """Sends the change, unless another process has written this attempt down first, and sends it."""

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        record: Record,
        clock: Callable[[], datetime],
        lapse: timedelta,
        *,
        stopwatch: Callable[[], Stopwatch],
    ) -> None:
        self._database = database
        self._sendgrid = sendgrid
        self._record = record
        self._clock = clock
        self._lapse = lapse
        self._stopwatch = stopwatch

    async def __call__(self, request: CreditRequest, number: int, before: Reading) -> None:
        started, standing = self._clock(), self._stopwatch()
        attempt_id = None
        try:
            async with self._database.write() as transaction:
                current = await requests.get(transaction.connection, request.id)
                if current is None or current.status is not Status.APPLYING:
                    return
                last = await attempts.last(transaction.connection, request.id)
                if last is not None and last.number >= number:
                    return  # another process wrote this attempt down first, and sends it
                attempt_id = await attempts.start(
                    transaction, request.id, number, before, started, over_at=started + self._lapse
                )
        except (CommitUnclear, asyncio.CancelledError) as error:
            if attempt_id is not None:
                await self._never_left(request, attempt_id, started)
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        outcome: PatchOutcome
        stood_still = timedelta(seconds=standing.seconds())
        if max(self._clock() - started, stood_still) > TOO_LATE_TO_SEND:
            outcome = NotSent("creditbot was held up before it could send the change.")
            await self._record(request, attempt_id, started, outcome)
            return
        try:
            outcome = await self._sendgrid.update_remaining(request.subuser, request.allocation_update)
        except asyncio.CancelledError:
            await self._record(request, attempt_id, started, STOPPED)
            raise
        except Exception as error:
            log.exception("Error while sending a change", request_id=request.id)
            outcome = InDoubt(
                f"creditbot had an internal error while it was sending the change ({type(error).__name__})."
            )
        await self._record(request, attempt_id, started, outcome)

    async def _never_left(self, request: CreditRequest, attempt_id: int, started: datetime) -> None:
        """Nothing was sent, whether or not the attempt was written down: if it was, no doubt may follow."""
        log.warning("An attempt may not have been recorded, so it was not sent", request_id=request.id)
        await self._record(
            request,
            attempt_id,
            started,
            NotSent("creditbot lost its database before the change was sent."),
        )
