"""How many calls SendGrid takes, shared by all that this process asks; what people wait for goes first.

SendGrid publishes no numbers for these endpoints, and says in each answer how many more it takes, and until
when. Other processes, and whatever else uses the account, count in there too. What nobody waits for leaves a
part of that to people; what people wait for is never held back here.

Source: twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from creditbot.elapsed import boottime

from .answers import rate_limit_room, rate_limit_wait
from .problems import SendGridProblem

AT_ONCE = 4
"""Calls under way at once for which nobody waits."""

FOR_PEOPLE = 5
"""One part in so many of SendGrid's limit is left to people."""

A_MINUTE = 480
"""Calls after which what nobody waits for stops, where SendGrid tells no limit. Its v2 allowed 600."""

MINUTE = 60.0


class NoRoom(SendGridProblem):
    """SendGrid was not asked, so that people can still ask it; it can be after `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            "SendGrid's rate limit leaves no room for this now. Try again in a few minutes.",
            passing=True,
            wait=wait,
        )


class Budget:
    """What is known of the limit, from the answers of the last minute."""

    def __init__(self, clock: Callable[[], float] = boottime) -> None:
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._calls: deque[float] = deque(maxlen=A_MINUTE)
        self._told = False
        self._not_before = 0.0

    def called(self) -> None:
        """A call begins, whoever waits for it."""
        self._calls.append(self._clock())

    def answered(self, status: int, headers: Mapping[str, str], now: float) -> None:
        """Take what an answer tells of the limit; `now` is in seconds since 1970."""
        room = rate_limit_room(headers)
        self._told = self._told or room is not None
        if status == 429 or (room is not None and room[0] * FOR_PEOPLE <= room[1]):
            self._not_before = max(self._not_before, self._clock() + rate_limit_wait(headers, now))

    @asynccontextmanager
    async def unhurried(self) -> AsyncIterator[None]:
        """Make a call for which nobody waits.

        Raises:
            NoRoom: the rest of the limit is for people.
        """
        async with self._slots:
            wait = self._wait()
            if wait > 0:
                raise NoRoom(wait)
            yield

    def _wait(self) -> float:
        now = self._clock()
        wait = self._not_before - now
        if not self._told and len(self._calls) == A_MINUTE:
            wait = max(wait, self._calls[0] + MINUTE - now)
        return wait
