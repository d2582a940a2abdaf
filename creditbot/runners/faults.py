"""What this process has failed with of late: the waits grow, and each fault is logged whole but once.

Jobs on requests bound themselves, in the tables. This is for the rest, and for what is wrong with a runner.
"""

import random
import time

import structlog

from creditbot.store.database import AWAY, CommitUnclear

LONGEST, LONGEST_AWAY = 300.0, 30.0
"""Seconds between two tries; less where the database was away, which is back at any moment."""

MOST = 10_000
"""Of what is forgotten beyond that, the next fault is logged whole once more."""

log = structlog.get_logger(__name__)


class Faults:
    """By a job's name and key, or whatever else is done again and again."""

    def __init__(self) -> None:
        self._times: dict[object, int] = {}
        self._not_before: dict[object, float] = {}

    def failed(self, what: object, error: Exception) -> None:
        """Log it, and have it wait."""
        times = self._times.pop(what, 0) + 1
        if len(self._times) >= MOST:
            self.succeeded(next(iter(self._times)))
        self._times[what] = times
        seconds = wait(times, error)
        self._not_before[what] = time.monotonic() + seconds
        about = {"what": str(what), "time": times, "seconds": round(seconds, 1)}
        if times == 1 and not isinstance(error, (*AWAY, CommitUnclear)):
            log.error("Something failed; it will be tried again", **about, exc_info=error)
        else:
            log.warning("Something failed; it will be tried again", **about, error=one_line(error))

    def succeeded(self, what: object) -> None:
        self._times.pop(what, None)
        self._not_before.pop(what, None)

    def must_wait(self, what: object) -> bool:
        return self._not_before.get(what, 0.0) > time.monotonic()


def wait(times: int, error: BaseException) -> float:
    """About 2, 4, 8, … seconds after so many failures; never two the same."""
    longest = LONGEST_AWAY if isinstance(error, (*AWAY, CommitUnclear)) else LONGEST
    return min(2.0 ** min(times, 20), longest) * random.uniform(0.8, 1.2)  # noqa: S311 - it is no secret


def one_line(error: BaseException) -> str:
    """What was said of a database that is away, as its driver says it; the others only wrap it."""
    lines = str(error.__cause__ or error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
