"""The back-test in small: floors below its figures, so that a forecast which gets worse is noticed."""

from tests.extent import short_or_long

from .back_test import back_test, knowing, ours, plain
from .senders import senders


def test_made_up_senders_are_mostly_told_in_time_and_seldom_without_need() -> None:
    made_up = list(senders(short_or_long(2, 8)))
    found, average, knower = (back_test(made_up, method) for method in (ours, plain, knowing))
    assert found.run_outs > 100
    assert max(0.85, average.share_told) < found.share_told < knower.share_told + 0.1
    assert found.false_monthly < 0.35
    assert found.share_held > 0.7


def test_the_same_senders_are_made_up_each_time() -> None:
    once, again = (back_test(list(senders(1))[:3], plain) for _ in range(2))
    assert once == again
    assert once.run_outs > 0
