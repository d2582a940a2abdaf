"""Ending what a job can't get on with, for a reason that nobody foresaw.

This needs as little as can be: no policy, no reading of a balance, of a row only what it changes. Anything
else may be what is broken.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from creditbot.domain.policy import DAY
from creditbot.domain.requests import Outline, Status
from creditbot.domain.undone import Undone
from creditbot.store import attempts, bulletins, notices, requests
from creditbot.store.database import Database, Transaction

AN_HOUR = timedelta(hours=1)

AGAIN_AND_AGAIN = "An internal error kept coming back, so creditbot has stopped trying."


def _then(request: Outline, once: str) -> str:
    return f"Whoever runs creditbot can find the error in the log, under request {request.id}. {once}"


class GiveUpRequest:
    """Ends a request as what it certainly is: nothing was sent, or nobody knows. Its people are told."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], *, channel: str, lapse: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._channel = channel
        self._lapse = lapse

    async def __call__(self, job: str, request_id: int, runs: int) -> None:
        async with self._database.write() as transaction:
            request = await requests.outline(transaction.connection, request_id)
            if request is None or request.runs != runs:
                return
            match job, request.status:
                case "check", Status.PENDING if request.was_shown:
                    # It can be decided without its balance being read anew, and expires like any other.
                    await requests.postpone(transaction, request, self._clock() + AN_HOUR, 0)
                case "check", Status.PENDING:
                    await self._nothing_sent(transaction, request, Status.REFUSED, "check this request")
                case "expire", Status.PENDING:
                    now = self._clock()
                    await requests.transition(
                        transaction,
                        request,
                        Status.EXPIRED,
                        kind="expired",
                        at=now,
                        detail={"rule": "given_up"},
                        finished_at=now,
                    )
                case "remind", Status.PENDING:
                    await requests.remind_no_more(transaction, request.id)
                case "apply", Status.APPROVED:
                    await self._nothing_sent(transaction, request, Status.CANCELLED, "send this change")
                case "apply", Status.APPLYING:
                    if await attempts.may_have_counted(transaction.connection, request.id):
                        await self._doubt(transaction, request)
                    else:
                        await self._nothing_sent(transaction, request, Status.FAILED, "send this change")
                case "settle", Status.IN_DOUBT:
                    await self._ask(transaction, request)

    async def _nothing_sent(self, transaction: Transaction, request: Outline, to: Status, what: str) -> None:
        sentence = (
            f"creditbot could not {what}. {AGAIN_AND_AGAIN} Nothing was sent. "
            f"{_then(request, 'Ask again once it is fixed.')}"
        )
        await requests.end(transaction, request, to, at=self._clock(), rule="given_up", said=sentence)

    async def _doubt(self, transaction: Transaction, request: Outline) -> None:
        sentence = (
            "An internal error stopped creditbot while it was sending the change, so it is not known "
            f"whether SendGrid received it. {_then(request, 'Its answer may be there, too.')}"
        )
        now = self._clock()
        over = now + self._lapse
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

    async def _ask(self, transaction: Transaction, request: Outline) -> None:
        """Whoever agreed is told that they are needed; and the channel, since they may not settle it now."""
        sentence = (
            f"creditbot could not read or judge the balance. {AGAIN_AND_AGAIN} "
            f"{_then(request, 'Until it is fixed, someone has to look in SendGrid.')}"
        )
        now = self._clock()
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
        for person in dict.fromkeys([*request.approvers, self._channel]):
            await notices.add(transaction, request.id, "not_proven", person, now)


class GiveUpBulletin:
    """Has people told that a daily message came to nothing; the next one comes as usual.

    If not even that can be posted, it ends in the log.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, job: str, bulletin_id: int, runs: int) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            found = await bulletins.outline(transaction.connection, bulletin_id, now)
            if found is None or found.runs != runs:
                return
            said = undone(found.kind)
            if found.content == bulletins.as_text(said.document()):
                await bulletins.give_up(transaction, bulletin_id, now, f"{job}: {said.problem}")
                return
            await bulletins.written(transaction, bulletin_id, said.document(), again_at=now)
            if found.content is None and found.kind in {bulletins.DIGEST, bulletins.DRIFT}:
                days_ago = (now - found.due_at) // DAY
                following = found.due_at + DAY * max(days_ago + 1, 1)
                await bulletins.plan(transaction, found.kind, following)


def undone(kind: str) -> Undone:
    return Undone(kind, f"{AGAIN_AND_AGAIN} Whoever runs creditbot can find the error in the log.")
