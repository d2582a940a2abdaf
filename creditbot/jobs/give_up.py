"""Ending what a job can't get on with, for a reason that nobody foresaw.

This needs as little as can be: no policy, no reading of a balance, of a row only what it changes. Anything
else may be what is broken. How a request ends is declared beside each job, since it depends on what the job
may have done.
"""

from collections.abc import Awaitable, Callable

from creditbot.domain.policy import DAY
from creditbot.domain.requests import Outline, Status
from creditbot.domain.schedule import NEXT
from creditbot.domain.undone import Undone
from creditbot.store import outbox, requests, tables, timers
from creditbot.store.database import Transaction

from .job import End, Parts

AGAIN_AND_AGAIN = "An internal error kept coming back, so creditbot has stopped trying."

EndRequest = Callable[[Parts, Transaction, Outline], Awaitable[None]]
"""Ends a request as what it certainly is, if it is in a state in which the job works on it: nothing was sent,
or nobody knows. Its people are told.
"""


def request_ends(end: EndRequest) -> End:
    """How a job on requests ends one."""
    return End(tables.requests, lambda parts: _GiveUpRequest(parts, end))


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


class _GiveUpTimer:
    """Has people told that a daily message came to nothing; the next one comes as usual."""

    def __init__(self, parts: Parts, kind: str) -> None:
        self._database = parts.database
        self._channel = parts.channel
        self._clock = parts.clock
        self._kind = kind

    async def __call__(self, timer_id: int, runs: int) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            timer = await timers.outline(transaction.connection, timer_id, now)
            if timer is None or timer.runs != runs:
                return
            kind = self._kind if timer.name in NEXT else timer.name
            content = undone(kind).document()
            subject = f"{timer.name} of {timer.due_at.isoformat()}"
            await outbox.put(transaction, kind, self._channel, now, subject=subject, content=content)
            days_ago = (now - timer.due_at) // DAY
            await timers.plan(transaction, timer.name, timer.due_at + DAY * max(days_ago + 1, 1))


def daily_ends(kind: str) -> End:
    """How a job on a daily timer ends the work of a day, which should have come to a message of this kind."""
    return End(tables.timers, lambda parts: _GiveUpTimer(parts, kind))


def undone(kind: str) -> Undone:
    return Undone(kind, f"{AGAIN_AND_AGAIN} Whoever runs creditbot can find the error in the log.")
