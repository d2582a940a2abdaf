"""A bound for log lines that others can cause."""

from creditbot.seldom import MOST_KINDS, Seldom


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_few_lines_of_each_kind_get_through_in_a_while_and_the_rest_is_counted() -> None:
    clock = Clock()
    seldom = Seldom(2, 60, clock)
    assert [seldom.left_out("a") for _ in range(5)] == [0, 0, None, None, None]
    assert seldom.left_out("b") == 0
    clock.now += 59
    assert seldom.left_out("a") is None
    clock.now += 1
    assert [seldom.left_out("a") for _ in range(3)] == [4, 0, None]
    assert seldom.left_out("b") == 0


def test_so_many_kinds_are_remembered_and_no_more() -> None:
    seldom = Seldom(1, 60, Clock())
    seldom.left_out("first")
    for number in range(MOST_KINDS):
        seldom.left_out(f"kind {number}")
    assert seldom.left_out(f"kind {MOST_KINDS - 1}") is None
    assert seldom.left_out("first") == 0
