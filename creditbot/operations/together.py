"""Whoever asks the same in the same moment is answered by one reading."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from creditbot.elapsed import boottime

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOMENT = 1.0
"""Seconds after its start in which a reading can be joined: an answer is no older than the question but by so
much, however long SendGrid takes.
"""


@dataclass(eq=False, slots=True)
class _Reading(Generic[V]):
    task: asyncio.Task[V]
    began: float
    waiting: int = 0


class Together(Generic[K, V]):
    """Readings under way, by what they are of. None is kept once it has ended."""

    def __init__(self, read: Callable[[K], Awaitable[V]], clock: Callable[[], float] = boottime) -> None:
        self._read = read
        self._clock = clock
        self._readings: dict[K, _Reading[V]] = {}

    async def __call__(self, wanted: K) -> V:
        """What `read` returns or raises, to each of those who ask; it ends early if nobody waits any more."""
        reading = self._readings.get(wanted)
        if reading is None or self._clock() - reading.began > MOMENT:
            reading = self._begin(wanted)
        reading.waiting += 1
        try:
            return await asyncio.shield(reading.task)
        finally:
            reading.waiting -= 1
            if not reading.waiting:
                reading.task.cancel()
                self._forget(wanted, reading)

    def _begin(self, wanted: K) -> _Reading[V]:
        reading = self._readings[wanted] = _Reading(asyncio.create_task(self._reading(wanted)), self._clock())
        reading.task.add_done_callback(lambda _: self._forget(wanted, reading))
        return reading

    async def _reading(self, wanted: K) -> V:
        return await self._read(wanted)

    def _forget(self, wanted: K, reading: _Reading[V]) -> None:
        if self._readings.get(wanted) is reading:
            del self._readings[wanted]
