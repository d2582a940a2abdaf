"""A process remembers for an hour what Slack has delivered to it, and never more than so much."""

import time

import pytest

from creditbot.elapsed import boottime
from creditbot.slack import recent_deliveries
from creditbot.slack.recent_deliveries import RecentDeliveries


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_came_within_the_hour_is_seen_and_what_came_before_is_forgotten() -> None:
    clock = Clock()
    ids = RecentDeliveries(clock)

    assert not ids.came_before("command:1")
    clock.now += 3600
    assert ids.came_before("command:1")
    assert not ids.came_before("command:2")
    clock.now += 1

    assert not ids.came_before("command:1")
    assert ids.came_before("command:2")


def test_what_has_no_name_is_never_taken_as_seen() -> None:
    ids = RecentDeliveries()

    assert [ids.came_before(None) for _ in range(3)] == [False] * 3


def test_only_so_many_are_kept_and_the_oldest_go_first() -> None:
    ids = RecentDeliveries()
    for number in range(recent_deliveries.MOST + 1):
        assert not ids.came_before(f"command:{number}")

    assert ids.came_before("command:1")
    assert not ids.came_before("command:0")


def test_an_hour_of_sleep_is_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = RecentDeliveries()
    ids.came_before("command:1")
    went_to_sleep = boottime()
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: went_to_sleep + 3601)
    assert not ids.came_before("command:1")
