"""What the approvals channel is told by the clock: the daily digest, and what a comparison found."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison
from creditbot.domain.policy import DAY, Policy
from creditbot.store import bulletins, events, summary
from creditbot.store.database import Database, Transaction
from creditbot.store.types import from_millis

from .backoff import backoff
from .messenger import LEASE, DeliveryProblem, Messenger

READERS: Mapping[str, Callable[[Mapping[str, Any]], Digest | Comparison]] = {
    bulletins.DIGEST: Digest.read,
    bulletins.DRIFT: Comparison.read,
}

log = structlog.get_logger(__name__)


class Announce:
    """A digest is worked out once, with its event, and posted; what a comparison found was written by it.

    After an outage one digest tells of all days; the next one comes at its usual hour.
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
            bulletin = await bulletins.get(transaction.connection, bulletin_id)
            if bulletin is None or bulletin.sent_at is not None:
                return
            if not await bulletins.claim(transaction, bulletin, now, now + LEASE):
                return
            content = bulletin.content
            if content is None:
                if bulletin.kind != bulletins.DIGEST:
                    return
                content = await self._write(transaction, bulletin_id, now)
        try:
            await self._messenger.post_bulletin(self._channel, READERS[bulletin.kind](content))
        except DeliveryProblem as problem:
            log.warning(
                "The %s could not be posted; it will be tried again", bulletin.kind, error=problem.detail
            )
            later = self._clock() + backoff(bulletin.tries, problem.wait)
            async with self._database.write() as transaction:
                await bulletins.failed(transaction, bulletin, later, problem.detail)
            return
        async with self._database.write() as transaction:
            await bulletins.sent(transaction, bulletin_id, self._clock())

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
