"""The bot, with a look every few milliseconds of the processor's time at what it is doing.

`python -m tests.bench.profiled serve` is `creditbot serve`; when it ends, it writes what was seen to a folder
that its environment names. cProfile would count what is waited, too, and loses its way among greenlets.
"""

import json
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from threading import main_thread
from types import FrameType

from creditbot.cli import main

from .counted import callers, parent_frame

TO = "BENCH_PROFILE"

EVERY = 0.002
"""Seconds of the processor."""


class Profile:
    """Seconds of each function: in itself, and with all that it calls."""

    def __init__(self) -> None:
        self._itself: defaultdict[str, float] = defaultdict(float)
        self._in_all: defaultdict[str, float] = defaultdict(float)
        self._used: dict[int, float] = {}

    def look(self, _number: int, here: FrameType | None) -> None:
        """Give each thread's time since the last look to what it is at now."""
        frames = sys._current_frames()
        for thread, frame in frames.items():
            used, stack = self._since(thread), _stack(frame)
            if thread == main_thread().ident:  # this very look is on top there
                stack = _stack(here) + _stack(parent_frame())
            if stack and not any(name.startswith("importlib.") for name in stack):  # it is just starting
                self._itself[stack[0]] += used
                for name in set(stack):
                    self._in_all[name] += used
        self._used = {thread: self._used[thread] for thread in frames}

    def _since(self, thread: int) -> float:
        now = time.clock_gettime(time.pthread_getcpuclockid(thread))
        before, self._used[thread] = self._used.get(thread, now), now
        return now - before

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"itself": self._itself, "in_all": self._in_all}))


def _stack(frame: FrameType | None) -> list[str]:
    """What is called by what, the innermost first."""
    return [f"{each.f_globals.get('__name__', '')}: {each.f_code.co_qualname}" for each in callers(frame)]


if __name__ == "__main__":
    profile = Profile()
    signal.signal(signal.SIGPROF, profile.look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        main()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        profile.write(Path(os.environ[TO]) / f"{os.getpid()}.json")
