"""The daily comparison of every subuser's balance with the ledger: what stands out is written down.

Readings are kept as they come, so a restart goes on where it stood.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

from creditbot.domain.changes import subuser_key
from creditbot.domain.drift import DRIFT, Comparison, Finding, comparable, compare
from creditbot.domain.policy import Policy
from creditbot.domain.schedule import COMPARISON, NEXT
from creditbot.sendgrid.client import SendGrid
from creditbot.store import changes, events, outbox, snapshots, timers
from creditbot.store.database import Database, Transaction
from creditbot.store.timers import Timer
from creditbot.store.work import Queue, Work

from .backoff import backoff
from .give_up import daily_ends
from .job import Job
from .poll import Poll, Round

LEASE = timedelta(seconds=60)
"""How long one process has a comparison to itself; that another reads the same meanwhile does no harm."""

PATIENT_TRIES = 240
"""Failures in a row, about two hours, after which the comparison is made without what can't be read."""

KEPT = timedelta(days=35)


class Compare:
    """Comes back until every subuser was read, or SendGrid did not let it for too long."""

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        policy: Policy,
        channel: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._poll = Poll(sendgrid, clock)
        self._policy = policy
        self._channel = channel
        self._clock = clock

    async def __call__(self, timer_id: int) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            timer = await timers.get(transaction.connection, timer_id, now)
            if timer is None or not await timers.claim(transaction, timer, now, now + LEASE):
                return
            await snapshots.forget(transaction, now - KEPT, now)
            known = await snapshots.subusers(transaction.connection, timer.due_at)
        found = await self._poll(known)
        async with self._database.write() as transaction:
            await snapshots.add(transaction, found.taken)
            comes_again = await self._comes_again(transaction, timer, found)
        if not comes_again:
            await self._finish(timer, found)

    async def _comes_again(self, transaction: Transaction, timer: Timer, found: Round) -> bool:
        """Plan the next run of this comparison, if it takes one."""
        now = self._clock()
        problem = found.problem
        if problem is None and found.left:
            await timers.go_on(transaction, timer, now)
            return True
        if problem is not None and problem.passing and timer.tries < PATIENT_TRIES:
            tries = 0 if found.taken else timer.tries
            later = now + backoff(tries, problem.wait)
            await timers.failed(transaction, timer, tries + 1, later, problem.sentence)
            return True
        return False

    async def _finish(self, timer: Timer, found: Round) -> None:
        now = self._clock()
        outcome = await self._judge(timer, found, now)
        async with self._database.write() as transaction:
            if not await timers.done(transaction, timer, NEXT[COMPARISON](self._policy, now)):
                return  # another run was faster
            for finding in outcome.findings:
                await events.append(transaction.connection, DRIFT, at=now, detail=asdict(finding))
            event_id = await events.append(
                transaction.connection, "compared", at=now, detail=outcome.counts()
            )
            if outcome.worth_telling:
                subject, content = f"event {event_id}", outcome.document()
                await outbox.put(transaction, DRIFT, self._channel, now, subject=subject, content=content)

    async def _judge(self, timer: Timer, found: Round, now: datetime) -> Comparison:
        findings: list[Finding] = []
        compared = not_comparable = 0
        unread = set(found.left)
        async with self._database.read() as connection:
            by_subuser = await changes.since(connection, now - KEPT)
            async for history in snapshots.histories(connection, now - KEPT):
                after = history[-1]
                if after.at < timer.due_at:
                    continue  # deleted since, or not read today
                earlier = [one for one in history if one.at < timer.due_at and one.tells]
                if not after.readable:
                    unread.add(after.subuser)
                elif earlier and comparable(earlier[-1], after):
                    compared += 1
                    finding = compare([*earlier, after], by_subuser.get(subuser_key(after.subuser), ()))
                    findings += [finding] if finding is not None else []
                else:
                    not_comparable += 1
        why = found.problem or found.refusal
        problem = None if why is None else why.sentence
        return Comparison(
            round(now.timestamp() * 1000),
            compared,
            not_comparable,
            tuple(findings),
            tuple(sorted(unread)),
            problem,
        )


JOB = Job(
    Work("compare", Queue.SENDGRID, (timers.due(COMPARISON),)),
    lambda parts: Compare(parts.database, parts.sendgrid, parts.policy, parts.channel, parts.clock).__call__,
    daily_ends(DRIFT),
    mends=True,
)
