"""Sending an approved change to SendGrid: at most once that may have counted.

The order is the promise. An attempt is committed before its PATCH leaves, and its outcome after. An
attempt is only followed by another if its outcome says that nothing can have been applied. So whatever
dies whenever, an attempt without an outcome means doubt, and doubt never means a second PATCH.

Each step is a module: `recheck`, `claim`, `unfinished`, `look_before`, `attempt`, which alone sends, `record`
and `conclude`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from creditbot.domain.policy import Policy
from creditbot.elapsed import Stopwatch
from creditbot.jobs.give_up import request_ends
from creditbot.jobs.job import MARGIN, Job, Parts, Run
from creditbot.sendgrid.client import SendGrid
from creditbot.store import attempts, requests
from creditbot.store.attempts import MAY_BE_REPEATED
from creditbot.store.database import Database
from creditbot.store.work_on_requests import APPLY

from .attempt import TOO_LATE_TO_SEND, SendAttempt
from .claim import Claim
from .conclude import Conclude
from .give_up import give_up
from .look_before import LookBefore
from .recheck import Recheck
from .record import Record
from .unfinished import Unfinished

READS = 3
"""Calls to SendGrid that reading a balance takes at most. What took longer than their timeouts was read
before a sleep, and says nothing about the balance right before an attempt."""


class Apply:
    """Takes an approved request through `applying` to its end, or leaves it to be taken up again."""

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        policy: Policy,
        recheck: Recheck,
        clock: Callable[[], datetime],
        *,
        channel: str,
        stopwatch: Callable[[], Stopwatch] = Stopwatch,
    ) -> None:
        lapse = timedelta(seconds=sendgrid.timeout) + MARGIN
        conclude = Conclude(policy, clock, lapse, channel=channel)
        record = Record(database, conclude)
        self._database = database
        self._stopwatch = stopwatch
        self._stale = timedelta(seconds=READS * sendgrid.timeout) + TOO_LATE_TO_SEND
        self._recheck = recheck
        self._claim = Claim(database, clock)
        self._unfinished = Unfinished(database, conclude, clock)
        self._look_before = LookBefore(database, sendgrid, policy, conclude, clock)
        self._attempt = SendAttempt(database, sendgrid, record, clock, lapse, stopwatch=stopwatch)

    async def __call__(self, request_id: int) -> None:
        if not await self._recheck(request_id):
            return
        request = await self._claim(request_id)
        if request is None:
            return
        async with self._database.read() as connection:
            last = await attempts.last(connection, request_id)
            tries = await requests.tries(connection, request_id)
        if last is not None and last.outcome not in MAY_BE_REPEATED:
            await self._unfinished(request, last)
            return
        reading = self._stopwatch()
        before = await self._look_before(request, last, tries)
        if before is not None and timedelta(seconds=reading.seconds()) < self._stale:
            await self._attempt(request, 1 if last is None else last.number + 1, before)


def _build(parts: Parts) -> Run:
    recheck = Recheck(parts.database, parts.policy, parts.directory, parts.clock)
    apply = Apply(parts.database, parts.sendgrid, parts.policy, recheck, parts.clock, channel=parts.channel)
    return apply.__call__


JOB = Job(APPLY, _build, request_ends(give_up))
