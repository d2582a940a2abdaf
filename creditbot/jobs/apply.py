"""Sending an approved change to SendGrid: at most once that may have counted.

The order is the promise. An attempt is committed before its PATCH leaves, and its outcome after. An
attempt is only followed by another if its outcome says that nothing can have been applied. So whatever
dies whenever, an attempt without an outcome means doubt, and doubt never means a second PATCH.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from creditbot.domain.credits import Applied, InDoubt, NotSent, PatchOutcome, RateLimited, Refused
from creditbot.domain.doubt import whom_to_ask
from creditbot.domain.errors import Refusal, WrongLedgerKey
from creditbot.domain.evidence import Reading
from creditbot.domain.markup import without_markup
from creditbot.domain.operators import is_operator
from creditbot.domain.policy import Policy
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest, Outline, Status
from creditbot.domain.rules import all_may_see, check_change
from creditbot.domain.who import Roster
from creditbot.elapsed import Stopwatch
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.store import attempts, notices, requests
from creditbot.store.attempts import MAY_BE_REPEATED, OUTCOMES, Attempt
from creditbot.store.database import AWAY, CommitUnclear, Database, Transaction
from creditbot.store.types import to_millis
from creditbot.store.work_on_requests import APPLY, SETTLE

from .backoff import GIVE_UP_AFTER, backoff, given_up
from .gate import Gate
from .give_up import find_in_log, nothing_sent, request_ends
from .job import MARGIN, Job, Parts, Run
from .reading import read_credits

LONGEST_LAPSE = timedelta(minutes=2)
"""Longer than any process waits for SendGrid, however it is set."""

TOO_LATE_TO_SEND = timedelta(seconds=3)
"""A process that stood still for this long after it wrote an attempt down must not send it any more."""

READS = 3
"""Calls to SendGrid that reading a balance takes at most. What took longer than their timeouts was read
before a sleep, and says nothing about the balance right before an attempt."""

WAITS = timedelta(seconds=30)

MOST_RECORDINGS = 6
"""How often writing down an outcome is tried that fails for another reason than that the database is away."""

STOPPED = InDoubt(
    "creditbot was stopped while it was sending the change, so it is not known whether SendGrid received it."
)

log = structlog.get_logger(__name__)


class Apply:
    """Takes an approved request through `applying` to its end, or leaves it to be taken up again."""

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        policy: Policy,
        gate: Gate,
        clock: Callable[[], datetime],
        *,
        channel: str,
        stopwatch: Callable[[], Stopwatch] = Stopwatch,
    ) -> None:
        self._database = database
        self._stopwatch = stopwatch
        self._sendgrid = sendgrid
        self._policy = policy
        self._gate = gate
        self._clock = clock
        self._channel = channel
        self._lapse = timedelta(seconds=sendgrid.timeout) + MARGIN
        self._stale = timedelta(seconds=READS * sendgrid.timeout) + TOO_LATE_TO_SEND

    async def __call__(self, request_id: int) -> None:
        if not await self._gate(request_id):
            return
        request = await self._claim(request_id)
        if request is None:
            return
        async with self._database.read() as connection:
            last = await attempts.last(connection, request_id)
            tries = await requests.tries(connection, request_id)
        if last is not None and last.outcome not in MAY_BE_REPEATED:
            await self._wait_for_or_doubt(request, last)
            return
        reading = self._stopwatch()
        before = await self._read_before(request, last, tries)
        if before is not None and timedelta(seconds=reading.seconds()) < self._stale:
            await self._attempt(request, 1 if last is None else last.number + 1, before)

    async def _claim(self, request_id: int) -> CreditRequest | None:
        """Move an approved request to `applying`, or find it there; None if there is nothing to do now."""
        now = self._clock()
        async with self._database.write() as transaction:
            request = await requests.get(transaction.connection, request_id)
            if request is None or request.status not in {Status.APPROVED, Status.APPLYING}:
                return None
            if request.status is Status.APPLYING:
                return request
            # Writers take turns, so the index that holds it to one change at a time has nothing to refuse.
            ahead = await requests.under_way(transaction.connection, request.subuser)
            if ahead is not None:
                await self._wait_its_turn(transaction, request, ahead, now)
                return None
            await requests.transition(
                transaction, request, Status.APPLYING, kind="applying", at=now, claimed_at=now
            )
            return await requests.get(transaction.connection, request_id)

    async def _wait_its_turn(
        self, transaction: Transaction, request: CreditRequest, ahead: int, now: datetime
    ) -> None:
        """Another change of this subuser is under way or in doubt."""
        await requests.postpone(transaction, request, now + WAITS, 0)
        if ahead != request.waits_for:
            await requests.touch(transaction, request.id, waits_for=ahead)

    def _over(self, attempt: Attempt) -> datetime:
        """When SendGrid is done with it. The process that sent it may wait longer than this one would."""
        return min(attempt.over_at or attempt.started_at + self._lapse, attempt.started_at + LONGEST_LAPSE)

    async def _wait_for_or_doubt(self, request: CreditRequest, last: Attempt) -> None:
        """An attempt has no outcome: whoever sent it may still be waiting, or has died."""
        over = self._over(last)
        now = self._clock()
        async with self._database.write() as transaction:
            if await attempts.last(transaction.connection, request.id) != last:
                return  # its answer has come
            if now < over:
                await requests.postpone(transaction, request, over, 0)
                return
            await self._conclude(transaction, request, last.id, last.started_at, STOPPED)

    async def _read_before(self, request: CreditRequest, last: Attempt | None, tries: int) -> Reading | None:
        """The balance right before, and a last look whether the change still makes sense."""
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
                await self._end(transaction, request, Status.FAILED, status, why)
            elif given_up(request, now):
                await self._end(transaction, request, Status.FAILED, None, _never_sent(why))
            else:
                await requests.postpone(transaction, request, now + backoff(tries, problem.wait), tries + 1)

    async def _attempt(self, request: CreditRequest, number: int, before: Reading) -> None:
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

    async def _record(
        self, request: CreditRequest, attempt_id: int, started: datetime, outcome: PatchOutcome
    ) -> None:
        """Commit a known outcome, and try until that is done: a success must not turn into doubt.

        Raises:
            WrongLedgerKey: this process can never write it down, so the log has it for whoever settles it.
            Exception: it can't be written down for a reason that nobody foresaw; likewise.
        """
        about = {
            "request_id": request.id,
            "outcome": OUTCOMES[type(outcome)],
            "status": getattr(outcome, "status", None),
        }
        tries = 0
        while True:
            try:
                async with self._database.write(patience=10) as transaction:
                    current = await requests.get(transaction.connection, request.id)
                    attempt = await attempts.get(transaction.connection, attempt_id)
                    # It may be another's if ours was not written down, and concluded if a commit was unclear.
                    ours = attempt is not None and to_millis(attempt.started_at) == to_millis(started)
                    known = attempt is not None and attempt.outcome == OUTCOMES[type(outcome)]
                    if current is not None and ours and not known:
                        await self._conclude(transaction, current, attempt_id, started, outcome)
            except Exception as error:
                away = isinstance(error, (*AWAY, CommitUnclear))
                tries += 1
                if isinstance(error, WrongLedgerKey) or (tries >= MOST_RECORDINGS and not away):
                    log.error(  # noqa: TRY400 - of a wrong key the sentence says it all
                        "This process can't record an outcome. Make a note of it: if the request is in "
                        "doubt later, settle it accordingly with `creditbot requests settle`",
                        **about,
                        exc_info=None if isinstance(error, WrongLedgerKey) else error,
                        error=str(error),
                    )
                    raise
                log.warning(
                    "An outcome could not be recorded; trying again",
                    **about,
                    error=f"{type(error).__name__}: {error}",
                )
                await asyncio.sleep(backoff(tries - 1).total_seconds() / 4)
            else:
                return

    async def _conclude(
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
                await self._end(
                    transaction,
                    request,
                    Status.APPLIED,
                    outcome.status,
                    None,
                    remain_after=found.remain,
                    remain_after_at=None if found.remain is None else now,
                )
            case Refused():
                await self._end(transaction, request, Status.FAILED, outcome.status, outcome.sentence)
            case InDoubt():
                await self._doubt(transaction, request, started, outcome)
            case NotSent():
                await self._again(transaction, request, outcome.detail, None)
            case RateLimited():
                await self._again(transaction, request, "SendGrid's rate limit was reached.", outcome.wait)

    async def _end(
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
            await notices.add(transaction, request.id, "contradicted", person, now)

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
        over = self._over(last) if last else started + self._lapse
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
            await self._end(transaction, request, Status.FAILED, None, f"{why} Nothing was applied.")
            return
        now = self._clock()
        if given_up(request, now):
            await self._end(transaction, request, Status.FAILED, None, _never_sent(why))
            return
        tries = await requests.tries(transaction.connection, request.id)
        await requests.postpone(transaction, request, now + backoff(tries, wait), tries + 1)


def _before(last: Attempt | None) -> dict[str, Any]:
    """The balance that was read right before it was sent, and when."""
    if last is None or last.before.remain is None:
        return {"remain_before": None, "remain_before_at": None}
    return {"remain_before": last.before.remain, "remain_before_at": last.started_at}


def _never_sent(why: str) -> str:
    minutes = round(GIVE_UP_AFTER.total_seconds() / 60)
    return f"{why} creditbot tried for {minutes} minutes and sent nothing. Ask again once this is fixed."


async def _give_up(parts: Parts, transaction: Transaction, request: Outline) -> None:
    match request.status:
        case Status.APPROVED:
            await nothing_sent(parts, transaction, request, Status.CANCELLED, "send this change")
        case Status.APPLYING:
            if await attempts.may_have_counted(transaction.connection, request.id):
                await _doubt(parts, transaction, request)
            else:
                await nothing_sent(parts, transaction, request, Status.FAILED, "send this change")


async def _doubt(parts: Parts, transaction: Transaction, request: Outline) -> None:
    sentence = (
        "An internal error stopped creditbot while it was sending the change, so it is not known "
        f"whether SendGrid received it. {find_in_log(request, 'Its answer may be there, too.')}"
    )
    now = parts.clock()
    over = now + parts.lapse
    await requests.transition(
        transaction,
        request,
        Status.IN_DOUBT,
        kind="in_doubt",
        at=now,
        detail={"rule": "given_up", "said": sentence},
        explanation=sentence,
        unclear_until=over,
        next_try_at=over,
    )


def _build(parts: Parts) -> Run:
    gate = Gate(parts.database, parts.policy, parts.directory, parts.clock)
    apply = Apply(parts.database, parts.sendgrid, parts.policy, gate, parts.clock, channel=parts.channel)
    return apply.__call__


JOB = Job(APPLY, _build, request_ends(_give_up))
