"""Ending what a job can't get on with, for a reason that nobody foresaw.

This needs as little as can be: no policy, no reading of a balance, of a row only what it changes. Anything
else may be what is broken. How a request ends is declared beside each job, since it depends on what the job
may have done.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from creditbot.domain.policy import DAY
from creditbot.domain.requests import Outline, Status
from creditbot.domain.undone import Undone
from creditbot.store import bulletins, requests, tables
from creditbot.store.database import Database, Transaction

from .job import End, Parts

AGAIN_AND_AGAIN = "An internal error kept coming back, so creditbot has stopped trying."

EndRequest = Callable[[Parts, Transaction, Outline], Awaitable[None]]
"""Ends a request as what it certainly is, if it is in a state in which the job works on it: nothing was sent,
or nobody knows. Its people are told.
"""


def request_ends(end: EndRequest) -> End:
    """How a job on requests ends one."""
    return End(tables.requests, lambda parts: _GiveUpRequest(parts, end))


def bulletin_ends(job: str) -> End:
    """How a job on the daily messages ends one."""
    return End(tables.bulletins, lambda parts: _GiveUpBulletin(job, parts.database, parts.clock))


def find_in_log(request: Outline, then: str) -> str:
    return f"Whoever runs creditbot can find the error in the log, under request {request.id}. {then}"


async def nothing_sent(
    parts: Parts, transaction: Transaction, request: Outline, to: Status, what: str
) -> None:
    """End it as one of which nothing was sent; `what` creditbot could not do."""
    sentence = (
        f"creditbot could not {what}. {AGAIN_AND_AGAIN} Nothing was sent. "
        f"{find_in_log(request, 'Ask again once it is fixed.')}"
    )
    await requests.end(transaction, request, to, at=parts.clock(), rule="given_up", said=sentence)


class _GiveUpRequest:
    def __init__(self, parts: Parts, end: EndRequest) -> None:
        self._parts = parts
        self._end = end

    async def __call__(self, request_id: int, runs: int) -> None:
        async with self._parts.database.write() as transaction:
            request = await requests.outline(transaction.connection, request_id)
            if request is not None and request.runs == runs:
                await self._end(self._parts, transaction, request)


class _GiveUpBulletin:
    """Has people told that a daily message came to nothing; the next one comes as usual.

    If not even that can be posted, it ends in the log.
    """

    def __init__(self, job: str, database: Database, clock: Callable[[], datetime]) -> None:
        self._job = job
        self._database = database
        self._clock = clock

    async def __call__(self, bulletin_id: int, runs: int) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            found = await bulletins.outline(transaction.connection, bulletin_id, now)
            if found is None or found.runs != runs:
                return
            said = undone(found.kind)
            if found.content == bulletins.as_text(said.document()):
                await bulletins.give_up(transaction, bulletin_id, now, f"{self._job}: {said.problem}")
                return
            await bulletins.written(transaction, bulletin_id, said.document(), again_at=now)
            if found.content is None and found.kind in {bulletins.DIGEST, bulletins.DRIFT}:
                days_ago = (now - found.due_at) // DAY
                following = found.due_at + DAY * max(days_ago + 1, 1)
                await bulletins.plan(transaction, found.kind, following)


def undone(kind: str) -> Undone:
    return Undone(kind, f"{AGAIN_AND_AGAIN} Whoever runs creditbot can find the error in the log.")
