"""What the profile makes of what it sees."""

import json
import sys
import time
from pathlib import Path

from .profiled import Profile


def busy(profile: Profile, until: float) -> None:
    while time.thread_time() < until:
        pass
    profile.look(0, sys._getframe())


def test_what_takes_the_processor_is_at_the_top_and_counts_for_whoever_called_it(tmp_path: Path) -> None:
    profile = Profile()
    profile.look(0, sys._getframe())
    busy(profile, time.thread_time() + 0.001)
    profile.write(tmp_path / "seen")
    seen = json.loads((tmp_path / "seen").read_text())
    caller = test_what_takes_the_processor_is_at_the_top_and_counts_for_whoever_called_it.__qualname__
    assert max(seen["itself"], key=seen["itself"].get) == f"{__name__}: busy"
    assert seen["in_all"][f"{__name__}: {caller}"] >= seen["itself"][f"{__name__}: busy"]
