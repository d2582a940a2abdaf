"""Turns at something of which there is one."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class Turns:
    """One has the turn at a time: who is in a hurry goes first, and otherwise who came first."""

    def __init__(self, pass_on: Callable[[], None]) -> None:
        """`pass_on` is called where somebody got the turn who has just stopped waiting for it."""
        self._pass_on = pass_on
        self._taken = False
        self._hurried: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()

    async def take(self, patience: float | None) -> None:
        """Wait for one's turn, for so many seconds if one is in a hurry.

        Raises:
            TimeoutError: it did not come by then.
        """
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        queue = self._patient if patience is None else self._hurried
        queue.append(mine)
        try:
            async with asyncio.timeout(patience):
                await mine
        except BaseException:
            if not mine.cancelled():
                self._pass_on()
            with suppress(ValueError):  # else a database that says nothing would make the queue grow
                queue.remove(mine)
            raise

    def hand_over(self) -> bool:
        """Let the next one have it; False if nobody waits, and whoever has it still does."""
        while queue := self._hurried or self._patient:
            mine = queue.popleft()
            if not mine.done():  # or it was cancelled
                mine.set_result(None)
                return True
        return False

    def give(self) -> None:
        """Give it to the next one, or to whoever comes."""
        if not self.hand_over():
            self._taken = False
