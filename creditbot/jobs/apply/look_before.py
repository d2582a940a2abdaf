"""The balance right before, and a last look whether the change still makes sense."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain.change_rules import check_change
from creditbot.domain.errors import Refusal
from creditbot.domain.evidence import Reading
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.rules import all_may_see
from creditbot.jobs.backoff import backoff, given_up
from creditbot.jobs.reading import read_credits
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.store import attempts, requests
from creditbot.store.attempts import Attempt
from creditbot.store.database import Database

from .conclude import Conclude, never_sent


class LookBefore:
    """Reads the balance; None if the change is not to be sent now, or never, which is written down."""

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        policy: Policy,
        conclude: Conclude,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._sendgrid = sendgrid
        self._policy = policy
        self._conclude = conclude
        self._clock = clock

    async def __call__(self, request: CreditRequest, last: Attempt | None, tries: int) -> Reading | None:
        try:
            found, reading = await read_credits(self._sendgrid, request.subuser)
            floor = self._policy.floor_of(request.change)
            # What is written down here is told to people, who may not all see balances.
            figures = all_may_see(request, self._policy)
            check_change(request.change, found, floor, figures=figures)
        except Refusal as refusal:
            await self._not_now(request, last, tries, refusal.sentence)
        except SendGridProblem as problem:
            sentence = problem.sentence
            if problem.no_such_user:
                sentence = await self._sendgrid.unknown_name(request.subuser)
            await self._not_now(request, last, tries, sentence, problem)
        else:
            return reading
        return None

    async def _not_now(
        self,
        request: CreditRequest,
        last: Attempt | None,
        tries: int,
        why: str,
        problem: SendGridProblem | None = None,
    ) -> None:
        """Nothing was sent: try later what may pass, and end the rest as failed.

        Another process may have gone ahead with an attempt meanwhile, and what was read may be its doing:
        then this says nothing.
        """
        now = self._clock()
        async with self._database.write() as transaction:
            if await attempts.last(transaction.connection, request.id) != last:
                return
            if problem is None or not problem.passing:
                status = problem.status if problem else None
                await self._conclude.end(transaction, request, Status.FAILED, status, why)
            elif given_up(request, now):
                await self._conclude.end(transaction, request, Status.FAILED, None, never_sent(why))
            else:
                await requests.postpone(transaction, request, now + backoff(tries, problem.wait), tries + 1)
