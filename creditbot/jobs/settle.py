"""A request in doubt: read the balance once SendGrid must be done, and settle only what is proven."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from creditbot.domain.doubt import whom_to_ask
from creditbot.domain.evidence import (
    Conclusion,
    Reading,
    Verdict,
    conclude,
    confirm,
    use_before,
    use_in_words,
)
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Outline, Status
from creditbot.domain.who import Directory, Roster
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.store import attempts, outbox, requests
from creditbot.store.attempts import Attempt
from creditbot.store.database import Database, Transaction
from creditbot.store.readable import believed
from creditbot.store.work_on_requests import SETTLE

from .backoff import backoff
from .give_up import AGAIN_AND_AGAIN, find_in_log, request_ends
from .job import Job, Parts
from .reading import read_credits

PATIENT_TRIES = 10
"""Failed readings, about four minutes, after which the approvers are asked, while reading goes on."""

SECOND_READING = timedelta(minutes=3)
"""How long after a reading by which a removal was not applied the next one must say the same.

It is assumed that SendGrid has worked off by then what it has taken; how late it may be is not documented.
"""

ENDS = {Verdict.APPLIED: Status.APPLIED, Verdict.NOT_APPLIED: Status.FAILED}


class Settle:
    """Ends in `applied` or `failed` by evidence, or leaves the reading on the card for a person."""

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        clock: Callable[[], datetime],
        *,
        policy: Policy,
        directory: Directory,
        channel: str,
    ) -> None:
        self._database = database
        self._sendgrid = sendgrid
        self._clock = clock
        self._policy = policy
        self._directory = directory
        self._channel = channel

    async def __call__(self, request_id: int) -> None:
        async with self._database.read() as connection:
            request = await requests.get(connection, request_id)
            last = await attempts.last(connection, request_id)
            tries = await requests.tries(connection, request_id)
            begun = self._clock()
            due = await requests.may_be_tried(connection, request_id, begun)
        if request is None or last is None or request.status is not Status.IN_DOUBT:
            return
        unclear_until = believed(request.unclear_until, begun)
        if not due or (unclear_until is not None and unclear_until > begun):
            return
        try:
            _, after = await read_credits(self._sendgrid, request.subuser)
        except SendGridProblem as problem:
            await self._unreadable(request, tries, problem)
            return
        read_at = self._clock()
        found = conclude(request.allocation_update, last.before, after)
        if request.read_again_at is not None:
            found = confirm(found, request.remain_after, after.remain)
        again = request.read_again_at
        if found.verdict is Verdict.NOT_APPLIED and (again is None or begun < again):
            await self._read_again(request, last, after, read_at, found)
        else:
            await self._write(request, last, after, read_at, found)

    async def _read_again(
        self, request: CreditRequest, last: Attempt, after: Reading, read_at: datetime, found: Conclusion
    ) -> None:
        """Keep the first reading that speaks against the change, and read once more some minutes later."""
        async with self._database.write() as transaction:
            current = await self._still_as_read(transaction, request)
            if current is None:
                return
            planned = believed(current.read_again_at, read_at)
            if planned is not None:
                await requests.postpone(transaction, current, planned, 0)
                return
            again_at = read_at + SECOND_READING
            await requests.amend(
                transaction,
                request.id,
                "read_once",
                at=self._clock(),
                detail={"remain_before": last.before.remain, "remain_after": after.remain},
                explanation=found.arithmetic,
                remain_after=after.remain,
                remain_after_at=read_at,
                used_before=None,
                used_since=None,
                read_again_at=again_at,
                next_try_at=again_at,
                tries=0,
            )

    async def _still_as_read(self, transaction: Transaction, request: CreditRequest) -> CreditRequest | None:
        """The request, if it is in doubt still, and no other run has been faster: what that found stands."""
        current = await requests.get(transaction.connection, request.id)
        if current is None or current.status is not Status.IN_DOUBT:
            return None
        if not await requests.is_tried_again(transaction.connection, request.id):
            return None
        return current if current.read_again_at == request.read_again_at else None

    async def _unreadable(self, request: CreditRequest, tries: int, problem: SendGridProblem) -> None:
        """Read again what may pass; where it does not, or not for long, people are asked all the same."""
        asked = not problem.passing or tries == PATIENT_TRIES
        roster = await self._directory() if asked else Roster()
        now = self._clock()
        async with self._database.write() as transaction:
            current = await self._still_as_read(transaction, request)
            if current is None:
                return
            if problem.passing:
                await requests.postpone(transaction, current, now + backoff(tries, problem.wait), tries + 1)
            if asked:
                why = f"The balance can't be read, so nothing is proven. {problem.sentence}"
                columns: dict[str, Any] = {} if problem.passing else {"next_try_at": None}
                # A first reading is forgotten with it: one that comes later is the first of two again.
                columns |= {"explanation": why, "unclear_until": None, "read_again_at": None}
                await requests.amend(
                    transaction, request.id, "not_proven", at=now, detail={"said": why}, **columns
                )
                await self._ask(transaction, current, roster)

    async def _write(
        self, request: CreditRequest, last: Attempt, after: Reading, read_at: datetime, found: Conclusion
    ) -> None:
        roster = Roster() if found.verdict in ENDS else await self._directory()
        now = self._clock()
        earlier = use_before(request.check, last.before, last.started_at)
        arithmetic = _arithmetic(found, request, last, earlier)
        figures: dict[str, Any] = {
            "remain_after": after.remain,
            "remain_after_at": None if after.remain is None else read_at,
            "used_before": earlier,
            "used_since": found.used_since,
        }
        detail = {
            "verdict": found.verdict,
            "remain_before": last.before.remain,
            "remain_after": after.remain,
            "arithmetic": arithmetic,
        }
        async with self._database.write() as transaction:
            current = await self._still_as_read(transaction, request)
            if current is None:
                return
            if found.verdict in ENDS:
                await requests.transition(
                    transaction,
                    current,
                    ENDS[found.verdict],
                    kind="proven",
                    at=now,
                    detail=detail,
                    explanation=arithmetic,
                    finished_at=now,
                    **figures,
                )
                return
            # No next try: from here on it takes a person, or "Check again".
            await requests.amend(
                transaction,
                request.id,
                "not_proven",
                at=now,
                detail=detail,
                explanation=arithmetic,
                read_again_at=None,
                next_try_at=None,
                **figures,
            )
            await self._ask(transaction, current, roster)

    async def _ask(self, transaction: Transaction, request: CreditRequest, roster: Roster) -> None:
        """Tell those who may say what became of it that they are needed."""
        now = self._clock()
        channel = self._policy.channel_of(request.subuser, self._channel)
        for person in whom_to_ask(request, self._policy, roster, now, channel):
            await outbox.tell(transaction, request.id, "not_proven", person, now)


def _arithmetic(found: Conclusion, request: CreditRequest, last: Attempt, earlier: int | None) -> str:
    """What the balances say; where they prove nothing, a person is told the use before it was sent, too."""
    if found.verdict is not Verdict.UNKNOWN or earlier is None or request.check is None:
        return found.arithmetic
    return f"{found.arithmetic} {use_in_words(earlier, last.started_at - request.check.at)}"


async def _give_up(parts: Parts, transaction: Transaction, request: Outline) -> None:
    """Whoever agreed is told that they are needed; and the channel, since they may not settle it now."""
    if request.status is not Status.IN_DOUBT:
        return
    sentence = (
        f"creditbot could not read or judge the balance. {AGAIN_AND_AGAIN} "
        f"{find_in_log(request, 'Until it is fixed, someone has to look in SendGrid.')}"
    )
    now = parts.clock()
    await requests.amend(
        transaction,
        request.id,
        "not_proven",
        at=now,
        detail={"rule": "given_up", "said": sentence},
        explanation=sentence,
        next_try_at=None,
        unclear_until=None,
        read_again_at=None,
    )
    for person in dict.fromkeys([*request.approvers, parts.channel]):
        await outbox.tell(transaction, request.id, "not_proven", person, now)


JOB = Job(
    SETTLE,
    lambda parts: (
        Settle(
            parts.database,
            parts.sendgrid,
            parts.clock,
            policy=parts.policy,
            directory=parts.directory,
            channel=parts.channel,
        ).__call__
    ),
    request_ends(_give_up),
)
