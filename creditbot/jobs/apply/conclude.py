"""What follows for a request from the outcome of an attempt, in the transaction that writes that down."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from creditbot.domain.credits import Applied, InDoubt, NotSent, PatchOutcome, RateLimited, Refused
from creditbot.domain.doubt import whom_to_ask
from creditbot.domain.markup import without_markup
from creditbot.domain.operators import is_operator
from creditbot.domain.policy import Policy
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Roster
from creditbot.jobs.backoff import GIVE_UP_AFTER, backoff, given_up
from creditbot.store import attempts, outbox, requests
from creditbot.store.attempts import Attempt
from creditbot.store.database import Transaction
from creditbot.store.work_on_requests import SETTLE

LONGEST_LAPSE = timedelta(minutes=2)
"""Longer than any process waits for SendGrid, however it is set."""

STOPPED = InDoubt(
    "creditbot was stopped while it was sending the change, so it is not known whether SendGrid received it."
)

log = structlog.get_logger(__name__)


class Conclude:
    """Ends the request, leaves it for another attempt, or puts it in doubt."""

    def __init__(
        self, policy: Policy, clock: Callable[[], datetime], lapse: timedelta, *, channel: str
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._lapse = lapse
        self._channel = channel

    def over(self, attempt: Attempt) -> datetime:
        """When SendGrid is done with it. The process that sent it may wait longer than this one would."""
        return min(attempt.over_at or attempt.started_at + self._lapse, attempt.started_at + LONGEST_LAPSE)

    async def __call__(
        self,
        transaction: Transaction,
        request: CreditRequest,
        attempt_id: int,
        started: datetime,
        outcome: PatchOutcome,
    ) -> None:
        """Write an attempt's outcome and what follows from it for the request, in one transaction.

        The request may be in doubt by now, if the answer took so long that this attempt was given up:
        then a clear answer settles it.
        """
        now = self._clock()
        await attempts.finish(transaction, attempt_id, outcome, now)
        match outcome:
            case Applied(credits=found):
                await self.end(
                    transaction,
                    request,
                    Status.APPLIED,
                    outcome.status,
                    None,
                    remain_after=found.remain,
                    remain_after_at=None if found.remain is None else now,
                )
            case Refused():
                await self.end(transaction, request, Status.FAILED, outcome.status, outcome.sentence)
            case InDoubt():
                await self._doubt(transaction, request, started, outcome)
            case NotSent():
                await self._again(transaction, request, outcome.detail, None)
            case RateLimited():
                await self._again(transaction, request, "SendGrid's rate limit was reached.", outcome.wait)

    async def end(
        self,
        transaction: Transaction,
        request: CreditRequest,
        to: Status,
        answer_status: int | None,
        sentence: str | None,
        **columns: Any,
    ) -> None:
        if request.status not in {Status.APPLYING, Status.IN_DOUBT}:
            if request.status is not to:
                await self._contradict(transaction, request, to)
            return
        now = self._clock()
        last = await attempts.last(transaction.connection, request.id)
        await requests.transition(
            transaction,
            request,
            to,
            kind=str(to),
            at=now,
            detail={"said": without_markup(sentence)} if sentence else None,
            answer_status=answer_status,
            explanation=sentence,
            **_before(last),
            finished_at=now,
            **columns,
        )

    async def _contradict(self, transaction: Transaction, request: CreditRequest, to: Status) -> None:
        """SendGrid's answer came after the doubt was settled otherwise: the state stays, all are told."""
        log.error(
            "SendGrid's answer contradicts how a doubt was settled", request_id=request.id, answer=str(to)
        )
        now = self._clock()
        word = "applied" if to is Status.APPLIED else "not applied"
        sentence = (
            f"But SendGrid's own answer came later and says that the change was {word}. Check the subuser "
            "in SendGrid."
        )
        await requests.amend(
            transaction,
            request.id,
            "contradicted",
            at=now,
            detail={"said": sentence, "answer": str(to)},
            explanation=sentence,
            contradicted_at=now,
        )
        concerned = {request.requested_by, *request.approvers}
        if request.settled_by is not None and not is_operator(request.settled_by):
            concerned.add(request.settled_by)
        if not request.approvals:
            # Its requester approved it in an emergency, so somebody else must look. Slack is not asked
            # inside a transaction who is in a group: those listed by name are told, or else the channel.
            channel = self._policy.channel_of(request.subuser, self._channel)
            concerned |= {*whom_to_ask(request, self._policy, Roster(), now, channel)}
        follower = request.follower(RelationKind.AGAIN)
        if to is Status.APPLIED and follower is not None:
            concerned |= await self._call_off(transaction, request, follower)
        for person in sorted(concerned):
            await outbox.tell(transaction, request.id, "contradicted", person, now)

    async def _call_off(self, transaction: Transaction, request: CreditRequest, follower_id: int) -> set[str]:
        """End the request that asks again for what was applied after all, if it can be; who must know."""
        follower = await requests.get(transaction.connection, follower_id)
        if follower is None:
            return set()
        called_off = {Status.PENDING: Status.REFUSED, Status.APPROVED: Status.CANCELLED}.get(follower.status)
        if called_off is not None:
            sentence = (
                f"SendGrid says that request {request.id}, which this one follows, was applied after all."
            )
            await requests.end(
                transaction, follower, called_off, at=self._clock(), rule="contradicted", said=sentence
            )
        return {follower.requested_by, *follower.approvers}

    async def _doubt(
        self, transaction: Transaction, request: CreditRequest, started: datetime, outcome: InDoubt
    ) -> None:
        if request.status is not Status.APPLYING:
            return
        last = await attempts.last(transaction.connection, request.id)
        over = self.over(last) if last else started + self._lapse
        await requests.transition(
            transaction,
            request,
            Status.IN_DOUBT,
            kind="in_doubt",
            at=self._clock(),
            detail={"why": outcome.detail},
            answer_status=outcome.status,
            explanation=outcome.detail,
            **_before(last),
            unclear_until=over,
            next_try_at=over,
        )
        transaction.wake(SETTLE, request.id)

    async def _again(
        self, transaction: Transaction, request: CreditRequest, why: str, wait: float | None
    ) -> None:
        """Nothing was applied, so the next attempt is safe, for as long as it makes sense to try."""
        if request.status is not Status.APPLYING:
            await self.end(transaction, request, Status.FAILED, None, f"{why} Nothing was applied.")
            return
        now = self._clock()
        if given_up(request, now):
            await self.end(transaction, request, Status.FAILED, None, never_sent(why))
            return
        tries = await requests.tries(transaction.connection, request.id)
        await requests.postpone(transaction, request, now + backoff(tries, wait), tries + 1)


def _before(last: Attempt | None) -> dict[str, Any]:
    """The balance that was read right before it was sent, and when."""
    if last is None or last.before.remain is None:
        return {"remain_before": None, "remain_before_at": None}
    return {"remain_before": last.before.remain, "remain_before_at": last.started_at}


def never_sent(why: str) -> str:
    minutes = round(GIVE_UP_AFTER.total_seconds() / 60)
    return f"{why} creditbot tried for {minutes} minutes and sent nothing. Ask again once this is fixed."
