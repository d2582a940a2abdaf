"""What the approvals channel is told by the clock: the daily digest, and what a comparison found."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison
from creditbot.domain.policy import DAY, Policy
from creditbot.domain.undone import Undone
from creditbot.store import bulletins, events, summary
from creditbot.store.bulletins import ANNOUNCE, Bulletin
from creditbot.store.database import Database, Transaction
from creditbot.store.types import from_millis

from .deliveries import BULLETIN, next_try
from .give_up import bulletin_ends, undone
from .job import Job
from .messenger import LEASE, DeliveryProblem, Fault, Messenger

READERS: Mapping[str, Callable[[Mapping[str, Any]], Digest | Comparison]] = {
    bulletins.DIGEST: Digest.read,
    bulletins.DRIFT: Comparison.read,
}

MOST = 20
"""People who are sent a bulletin that could not be posted."""

log = structlog.get_logger(__name__)


class Announce:
    """A digest is worked out once, with its event, and posted; what a comparison found was written by it.

    After an outage one digest tells of all days; the next one comes at its usual hour. What can't be posted
    for too long is sent to the approvers whom the policy lists.
    """

    def __init__(
        self,
        database: Database,
        messenger: Messenger,
        policy: Policy,
        channel: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._messenger = messenger
        self._policy = policy
        self._channel = channel
        self._clock = clock

    async def __call__(self, bulletin_id: int) -> None:
        now = self._clock()
        async with self._database.write() as transaction:
            bulletin = await bulletins.get(transaction.connection, bulletin_id, now)
            if bulletin is None or bulletin.over:
                return
            if not await bulletins.claim(transaction, bulletin, now, now + LEASE):
                return
            content = bulletin.content
            if content is None and bulletin.kind == bulletins.DRIFT:
                return  # it is to be compared first
            if content is None and bulletin.kind == bulletins.DIGEST:
                content = await self._write(transaction, bulletin_id, now)
            elif content is None:
                content = await self._replace(transaction, bulletin, now)
        try:
            await self._messenger.post_bulletin(self._channel, _read(bulletin.kind, content))
        except DeliveryProblem as problem:
            await self._failed(bulletin, content, problem)
            return
        except Exception as error:
            log.exception("The %s could not be posted", bulletin.kind)
            detail = f"{type(error).__name__}: {error}"
            await self._failed(bulletin, content, DeliveryProblem(detail, fault=Fault.OURS))
            return
        async with self._database.write() as transaction:
            await bulletins.sent(transaction, bulletin_id, self._clock())

    async def _failed(self, bulletin: Bulletin, content: Mapping[str, Any], problem: DeliveryProblem) -> None:
        now = self._clock()
        about = {"kind": bulletin.kind, "channel": self._channel, "error": problem.detail}
        if now < (bulletin.failing_since or now) + BULLETIN[problem.fault]:
            log.warning("A bulletin could not be posted; it will be tried again", **about)
            later = next_try(problem, bulletin.tries, f"bulletin {bulletin.id}", now)
            async with self._database.write() as transaction:
                await bulletins.failed(transaction, bulletin, now, later, problem.detail)
            return
        said = undone(bulletin.kind).document()
        if problem.fault is Fault.OURS and content != said:
            log.error("A bulletin could not be posted; that it is missing is told instead", **about)
            async with self._database.write() as transaction:
                await bulletins.written(transaction, bulletin.id, said, again_at=now)
            return
        log.error("A bulletin could not be posted; it goes to the listed approvers instead", **about)
        async with self._database.write() as transaction:
            await bulletins.give_up(transaction, bulletin.id, now, problem.detail)
        await self._tell_approvers(bulletin, content)

    async def _tell_approvers(self, bulletin: Bulletin, content: Mapping[str, Any]) -> None:
        """Once each, as far as it works: the ledger has it all, and the log that it was not posted."""
        for person in sorted(self._policy.approvers_of_all_tiers.people)[:MOST]:
            try:
                found = _read(bulletin.kind, content)
                await self._messenger.post_bulletin(person, found, instead_of=self._channel)
            except DeliveryProblem as problem:
                log.warning("A person could not be sent a bulletin", person=person, error=problem.detail)
            except Exception:
                log.exception("A bulletin could not be built", kind=bulletin.kind)
                return

    async def _replace(self, transaction: Transaction, bulletin: Bulletin, now: datetime) -> dict[str, Any]:
        """Nobody can tell which message it was to be: have it said, and the next one of each kind come."""
        said = undone(bulletin.kind).document()
        await bulletins.written(transaction, bulletin.id, said)
        of_each = {bulletins.DIGEST: self._policy.digest, bulletins.DRIFT: self._policy.drift}
        for kind, time_of_day in of_each.items():
            if await bulletins.planned(transaction.connection, kind) is None:
                await bulletins.plan(transaction, kind, self._policy.next(time_of_day, now))
        return said

    async def _write(self, transaction: Transaction, bulletin_id: int, now: datetime) -> dict[str, object]:
        """What it says, with the head as it is before the event about it; and when the next one is due."""
        last = await events.latest(transaction.connection, bulletins.DIGEST)
        since = now - DAY if last is None else from_millis(last["until"])
        counted = None if last is None else int(last["events"])
        found = await summary.digest(transaction.connection, since, now, after_event=counted)
        content = found.document()
        await bulletins.written(transaction, bulletin_id, content)
        await events.append(transaction.connection, bulletins.DIGEST, at=now, detail=content)
        await bulletins.plan(transaction, bulletins.DIGEST, self._policy.next(self._policy.digest, now))
        return content


def _read(kind: str, content: Mapping[str, Any]) -> Digest | Comparison | Undone:
    return Undone.read(kind, content) or READERS[kind](content)


JOB = Job(
    ANNOUNCE,
    lambda parts: (
        Announce(parts.database, parts.messenger, parts.policy, parts.channel, parts.clock).__call__
    ),
    bulletin_ends("announce"),
    mends=True,
)
