"""An attempt that has no outcome: whoever sent it may still be waiting, or has died."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain.requests import CreditRequest
from creditbot.store import attempts, requests
from creditbot.store.attempts import Attempt
from creditbot.store.database import Database

from .conclude import STOPPED, Conclude


class Unfinished:
    """Waits until SendGrid must be done with it; after that it is in doubt."""

    def __init__(self, database: Database, conclude: Conclude, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._conclude = conclude
        self._clock = clock

    async def __call__(self, request: CreditRequest, last: Attempt) -> None:
        over = self._conclude.over(last)
        now = self._clock()
        async with self._database.write() as transaction:
            if await attempts.last(transaction.connection, request.id) != last:
                return  # its answer has come
            if now < over:
                await requests.postpone(transaction, request, over, 0)
                return
            await self._conclude(transaction, request, last.id, last.started_at, STOPPED)
