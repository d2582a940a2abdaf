"""How long something has taken, also if the machine slept meanwhile."""

import time
from collections.abc import Callable, Sequence

CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""`time.monotonic()` stands still while a machine is suspended, on Linux and on macOS; these clocks go on.

man7.org/linux/man-pages/man2/clock_gettime.2.html
"""


def boottime() -> float:
    """Seconds of a clock that nobody can set, and that goes on while the machine is suspended."""
    return time.monotonic() if CLOCK is None else time.clock_gettime(CLOCK)


class Stopwatch:
    """Runs from when it is made, by two clocks, of which the one that says more is believed.

    A virtual machine that is paused stops all its clocks; the wall clock is the first to be put right.
    """

    def __init__(self, clocks: Sequence[Callable[[], float]] = (boottime, time.time)) -> None:
        self._began = [(clock, clock()) for clock in clocks]

    def seconds(self) -> float:
        """How long it has run."""
        return max(clock() - began for clock, began in self._began)
