"""What an open page has not been told yet."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

Look = Callable[[], Any]

GATHER = 0.05
"""Seconds in which changes gather: mail that flows changes a balance ten times a second."""


class Feed:
    """News for one page. What changes twice before it is sent goes out once, as it is then."""

    def __init__(self) -> None:
        self._due: dict[tuple[str, str], Look] = {}
        self._wake = asyncio.Event()
        self._ended = False

    def end(self) -> None:
        """No more news."""
        self._ended = True
        self._wake.set()

    def mark(self, event: str, look: Look, key: str = "") -> None:
        """`event` about `key` is to be told; `look` gives what there is to see when it goes out."""
        self._due[event, key] = look
        self._wake.set()

    async def batches(self, idle: float) -> AsyncIterator[list[tuple[str, Any]]]:
        """News as they come up, until the end; an empty batch after `idle` seconds without any."""
        while not self._ended:
            try:
                async with asyncio.timeout(idle):
                    await self._wake.wait()
            except TimeoutError:
                yield []
                continue
            if not self._ended:
                await asyncio.sleep(GATHER)
            self._wake.clear()
            due, self._due = self._due, {}
            yield [(event, look()) for (event, _), look in due.items()]
