"""What a click tells of its message, whatever it decides."""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain.secrecy import Secrets
from creditbot.domain.shown import Shown
from creditbot.elapsed import boottime
from creditbot.seldom import Seldom
from creditbot.store import cards, requests
from creditbot.store.database import Database, Transaction

from .delivery import Delivery, came_before
from .refusals import Refusals

DRAWN_ANEW_EVERY = 30.0
"""Seconds: how often a card may be drawn anew because it was clicked, and not because it is behind.

Slack lets an app change about one message a second, and all cards share that.
"""


class Clicks:
    """Both raise NotTaken or MaybeTaken if the database did not answer."""

    def __init__(
        self, database: Database, refusals: Refusals, clock: Callable[[], datetime], *, secrets: Secrets
    ) -> None:
        self._database = database
        self._refusals = refusals
        self._clock = clock
        self._secrets = secrets
        self._drawn_anew = Seldom(1, DRAWN_ANEW_EVERY, boottime)

    async def refuse_unknown_button(
        self, actor: str, action: str, value: str, delivery: Delivery | None = None
    ) -> bool:
        """Record a click on a button that is no decision about any request; False if it is on record."""

        async def write_down(transaction: Transaction) -> bool:
            if await came_before(transaction, delivery, self._clock()):
                return False
            await self._refusals.append(
                transaction,
                "refused_click",
                at=self._clock(),
                actor=actor,
                detail={
                    "action": self._secrets.taken_out(action)[:40],
                    "rule": "unknown_button",
                    # What follows the number may be a token, which no export must tell.
                    "value": self._secrets.taken_out(value.partition(".")[0])[:40],
                },
            )
            return True

        return await self._database.for_person(write_down, delivery.at if delivery else None)

    async def seen_in(self, card: Shown, channel: str, ts: str) -> None:
        """A message that shows a request was clicked: have it drawn anew, known to us or not.

        It counts only if that request is ours, and only where it has a card: what was never posted elsewhere
        can't be lost there. One that is on record is drawn anew once in a while, however often it is clicked.
        """
        current = await self._database.read_for_person(
            lambda connection: cards.is_current(connection, card.request_id, channel, ts)
        )
        if current is False or (current and self._drawn_anew.left_out(f"{channel} {ts}") is None):
            return

        async def join(transaction: Transaction) -> None:
            request = await requests.get(transaction.connection, card.request_id)
            if request is None or not card.is_of(request):
                return
            if await cards.is_in(transaction.connection, request.id, channel):
                await cards.joined(transaction, request.id, channel, ts, self._clock())

        await self._database.for_person(join)
