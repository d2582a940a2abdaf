"""The daily digest in the approvals channel: worked out once, with its event, and posted."""

from collections.abc import Callable
from datetime import datetime

import structlog

from creditbot.domain.digest import Digest, next_digest
from creditbot.domain.policy import DAY, Policy
from creditbot.store import bulletins, events, summary
from creditbot.store.database import Database, Transaction
from creditbot.store.types import from_millis

from .backoff import backoff
from .messenger import LEASE, DeliveryProblem, Messenger

DIGEST = "digest"

log = structlog.get_logger(__name__)


class Announce:
    """After an outage one digest tells of all days; the next one comes at its usual hour."""

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
            content = bulletin.content or await self._write(transaction, bulletin_id, now)
        try:
            await self._messenger.post_digest(self._channel, Digest.read(content))
        except DeliveryProblem as problem:
            log.warning("The digest could not be posted; it will be tried again", error=problem.detail)
            later = self._clock() + backoff(bulletin.tries, problem.wait)
            async with self._database.write() as transaction:
                await bulletins.failed(transaction, bulletin, later, problem.detail)
            return
        async with self._database.write() as transaction:
            await bulletins.sent(transaction, bulletin_id, self._clock())

    async def _write(self, transaction: Transaction, bulletin_id: int, now: datetime) -> dict[str, object]:
        """What it says, with the head as it is before the event about it; and when the next one is due."""
        last = await events.latest(transaction.connection, DIGEST)
        since = now - DAY if last is None else from_millis(last["until"])
        content = (await summary.digest(transaction.connection, since, now)).document()
        await bulletins.written(transaction, bulletin_id, content)
        await events.append(transaction.connection, DIGEST, at=now, detail=content)
        await bulletins.plan(transaction, DIGEST, next_digest(self._policy, now))
        return content
