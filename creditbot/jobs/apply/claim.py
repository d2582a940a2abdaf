"""Which request it is the turn of: one change of a subuser at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from creditbot.domain.requests import CreditRequest, Status
from creditbot.store import requests
from creditbot.store.database import Database, Transaction

WAITS = timedelta(seconds=30)


class Claim:
    """Moves an approved request to `applying`, or finds it there; None if there is nothing to do now."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, request_id: int) -> CreditRequest | None:
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
                await _wait_its_turn(transaction, request, ahead, now)
                return None
            await requests.transition(
                transaction, request, Status.APPLYING, kind="applying", at=now, claimed_at=now
            )
            return await requests.get(transaction.connection, request_id)


async def _wait_its_turn(transaction: Transaction, request: CreditRequest, ahead: int, now: datetime) -> None:
    """Another change of this subuser is under way or in doubt."""
    await requests.postpone(transaction, request, now + WAITS, 0)
    if ahead != request.waits_for:
        await requests.touch(transaction, request.id, waits_for=ahead)
