"""What a process remembers of what has failed in it: for each a growing wait, and never more than so many."""

import pytest
import structlog

from creditbot.runners import faults
from creditbot.runners.faults import Faults


def logged(remembered: Faults, what: object) -> bool:
    """Whether a fault of this is logged whole."""
    with structlog.testing.capture_logs() as logs:
        remembered.failed(what, ValueError("nobody foresaw this"))
    return "exc_info" in logs[0]


def test_each_waits_and_is_logged_whole_once_until_it_succeeds() -> None:
    remembered = Faults()
    assert not remembered.must_wait("a")
    assert [logged(remembered, what) for what in ("a", "a", "b")] == [True, False, True]
    assert remembered.must_wait("a")
    remembered.succeeded("a")
    assert not remembered.must_wait("a")
    assert logged(remembered, "a")


def test_only_so_many_are_remembered_and_what_failed_longest_ago_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "MOST", 3)
    remembered = Faults()
    for what in ("a", "b", "a", "c", "d"):
        remembered.failed(what, ValueError())
    assert [what for what in "abcd" if remembered.must_wait(what)] == ["a", "c", "d"]
    assert [logged(remembered, what) for what in "bd"] == [True, False]
