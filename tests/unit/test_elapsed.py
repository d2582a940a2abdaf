"""How much time has passed is told rightly by a machine that slept meanwhile."""

import time

import pytest

from creditbot.elapsed import Stopwatch, boottime


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has a clock of this name")
def test_the_clock_is_the_one_that_goes_on_while_linux_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = {time.CLOCK_MONOTONIC: 100.0, time.CLOCK_BOOTTIME: 30_100.0}
    monkeypatch.setattr(time, "clock_gettime", asleep.__getitem__)
    assert boottime() == 30_100.0


def test_a_stopwatch_believes_the_clock_that_says_more() -> None:
    now = {"boottime": 1000.0, "wall": 5000.0}
    stopwatch = Stopwatch([lambda: now["boottime"], lambda: now["wall"]])
    assert stopwatch.seconds() == 0

    now["boottime"] += 2
    assert stopwatch.seconds() == 2
    now["wall"] += 600  # a virtual machine was paused, and its wall clock was put right
    assert stopwatch.seconds() == 600
    now["wall"] -= 7200  # somebody set it back
    assert stopwatch.seconds() == 2
