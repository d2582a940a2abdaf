"""Before anyone is asked: does the subuser exist, can it take the change, what is its balance?

And once more when another change of the subuser has been applied while a request waits.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from creditbot.domain.change_rules import check_change, lasts_until_reset
from creditbot.domain.credits import Balance, SubuserCredits
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Outline, Status
from creditbot.domain.rules import all_may_see
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.store import requests
from creditbot.store.database import Database, Transaction
from creditbot.store.work_on_requests import CHECK

from .backoff import backoff
from .give_up import nothing_sent, request_ends
from .job import Job, Parts

GIVE_UP_AFTER = timedelta(minutes=10)


class Check:
    """Ends in a request that has what its card shows, or in `refused` with a sentence."""

    def __init__(
        self, database: Database, sendgrid: SendGrid, policy: Policy, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._sendgrid = sendgrid
        self._policy = policy
        self._clock = clock

    async def __call__(self, request_id: int) -> None:
        async with self._database.read() as connection:
            request = await requests.get(connection, request_id)
            tries = await requests.tries(connection, request_id)
        if request is None or not _is_due(request):
            return
        try:
            credits_ = await self._sendgrid.subuser_credits(request.subuser)
            floor = self._policy.floor_of(request.change)
            # What is written down here is told to people, who may not all see balances.
            figures = all_may_see(request, self._policy)
            check_change(request.change, credits_, floor, figures=figures)
        except Refusal as refusal:
            await self._refuse(request, refusal.rule, refusal.sentence)
        except SendGridProblem as problem:
            await self._explain(request, tries, problem)
        else:
            await self._passed(request, credits_, await self._resets(request, credits_))

    async def _resets(self, request: CreditRequest, credits_: SubuserCredits) -> Balance:
        """The dates of a recurring subuser's resets, for the warning; only the other endpoint has them."""
        if not lasts_until_reset(credits_.type):
            return Balance()
        try:
            return await self._sendgrid.balance(request.subuser)
        except SendGridProblem:
            return Balance()

    async def _passed(self, request: CreditRequest, credits_: SubuserCredits, resets: Balance) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            current = await requests.get(transaction.connection, request.id)
            if not _is_as_it_was(request, current):
                return
            await requests.amend(
                transaction,
                request.id,
                "checked",
                at=now,
                detail={"type": credits_.type, "remain": credits_.remain, "total": credits_.total},
                checked_at=now,
                credits_type=credits_.type,
                checked_remain=credits_.remain,
                checked_total=credits_.total,
                reset_frequency=credits_.reset_frequency or resets.reset_frequency,
                next_reset=resets.next_reset,
                next_try_at=None,
                tries=0,
                overtaken_by=None,
            )

    async def _explain(self, request: CreditRequest, tries: int, problem: SendGridProblem) -> None:
        """Try again what may pass, for a while; refuse the rest, with the names that come near.

        What has been shown stays, for as long as it waits, without a balance: it can be decided meanwhile.
        """
        now = self._clock()
        was_shown = request.check is not None
        passing = problem.passing and now - request.requested_at < GIVE_UP_AFTER
        if passing or (was_shown and not problem.no_such_user):
            async with self._database.write() as transaction:
                await requests.postpone(transaction, request, now + backoff(tries, problem.wait), tries + 1)
            return
        sentence = problem.sentence
        if problem.no_such_user:
            sentence = await self._sendgrid.unknown_name(request.subuser)
        await self._refuse(request, "sendgrid", sentence)

    async def _refuse(self, request: CreditRequest, rule: str, sentence: str) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            if not _is_as_it_was(request, await requests.get(transaction.connection, request.id)):
                return
            await requests.end(transaction, request, Status.REFUSED, at=now, rule=rule, said=sentence)


def _is_due(request: CreditRequest) -> bool:
    outdated = request.check is None or request.overtaken_by is not None
    return request.status is Status.PENDING and outdated


def _is_as_it_was(request: CreditRequest, current: CreditRequest | None) -> bool:
    """Whether what was read is still about it: another change may have been applied since."""
    return current is not None and _is_due(current) and current.overtaken_by == request.overtaken_by


AN_HOUR = timedelta(hours=1)


async def _give_up(parts: Parts, transaction: Transaction, request: Outline) -> None:
    if request.status is not Status.PENDING:
        return
    if request.was_shown:
        # It can be decided without its balance being read anew, and expires like any other.
        await requests.postpone(transaction, request, parts.clock() + AN_HOUR, 0)
    else:
        await nothing_sent(parts, transaction, request, Status.REFUSED, "check this request")


JOB = Job(
    CHECK,
    lambda parts: Check(parts.database, parts.sendgrid, parts.policy, parts.clock).__call__,
    request_ends(_give_up),
)
