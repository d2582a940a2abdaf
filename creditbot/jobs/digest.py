"""The daily digest: worked out from the tables when its time has come, and put into the outbox."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain import schedule
from creditbot.domain.digest import DIGEST
from creditbot.domain.policy import DAY, Policy
from creditbot.domain.schedule import NEXT
from creditbot.store import events, outbox, summary, timers
from creditbot.store.database import Database, Transaction
from creditbot.store.timers import Timer
from creditbot.store.types import from_millis
from creditbot.store.work import Queue, Work

from .give_up import daily_ends, undone
from .job import Job


class DailyDigest:
    """Works out a digest once, with its event and the time of the next.

    After an outage one digest tells of all days; the next one comes at its usual hour.
    """

    def __init__(
        self, database: Database, policy: Policy, channel: str, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._policy = policy
        self._channel = channel
        self._clock = clock

    async def __call__(self, timer_id: int) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            timer = await timers.get(transaction.connection, timer_id, now)
            if timer is None:
                return
            if timer.name == schedule.DIGEST:
                await self._write(transaction, timer, now)
            else:
                await self._replace(transaction, timer, now)

    async def _write(self, transaction: Transaction, timer: Timer, now: datetime) -> None:
        """With the head as it is before the event about it."""
        last = await events.latest(transaction.connection, DIGEST)
        since = now - DAY if last is None else from_millis(last["until"])
        counted = None if last is None else int(last["events"])
        found = await summary.digest(transaction.connection, since, now, after_event=counted)
        content = found.document()
        event_id = await events.append(transaction.connection, DIGEST, at=now, detail=content)
        subject = f"event {event_id}"
        await outbox.put(transaction, DIGEST, self._channel, now, subject=subject, content=content)
        await timers.done(transaction, timer, NEXT[schedule.DIGEST](self._policy, now))

    async def _replace(self, transaction: Transaction, timer: Timer, now: datetime) -> None:
        """Nobody can tell which timer it was: have that said, and those that are missing come."""
        content = undone(timer.name).document()
        await outbox.put(
            transaction, timer.name, self._channel, now, subject=f"timer {timer.id}", content=content
        )
        await timers.done(transaction, timer, None)
        for name, next_of in NEXT.items():
            if await timers.planned(transaction.connection, name) is None:
                await timers.plan(transaction, name, next_of(self._policy, now))


JOB = Job(
    Work("digest", Queue.UPKEEP, (timers.due(schedule.DIGEST), timers.NAMELESS)),
    lambda parts: DailyDigest(parts.database, parts.policy, parts.channel, parts.clock).__call__,
    daily_ends(DIGEST),
    mends=True,
)
