"""A bound for what others can have written down, as often as they like."""

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_KINDS = 1000
"""Kinds that are remembered; the one that began longest ago is forgotten for another."""


@dataclass(slots=True)
class Told:
    """What was told of one kind since `since`."""

    since: float
    lines: int = 0
    left_out: int = 0


class Seldom:
    """Lets `most` lines of each kind through in so many seconds, and counts the others."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._told: dict[str, Told] = {}

    def left_out(self, kind: str) -> int | None:
        """How many of this kind were left out before this one; None if this one is left out as well."""
        now = self._clock()
        if kind not in self._told and len(self._told) >= MOST_KINDS:
            del self._told[next(iter(self._told))]
        told = self._told.setdefault(kind, Told(now))
        if now >= told.since + self._seconds:
            told.since, told.lines = now, 0
        if told.lines >= self._most:
            told.left_out += 1
            return None
        before, told.left_out = told.left_out, 0
        told.lines += 1
        return before
