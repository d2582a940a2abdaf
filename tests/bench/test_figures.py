"""What becomes of what was measured."""

import math
from io import StringIO

import pytest
from rich.console import Console

from .figures import Figure, page, percentile, ratio, table
from .machine import Machine

MACHINE = Machine(2, "Some CPU", "3.11.7", "2026-11-28", 0.25)

SECTIONS = {
    "What a command costs": [Figure("ack", "at most 1.2 times", "1.10 times", True)],
    "Others": [
        Figure("adds", "all taken", "61 taken\nof 300", False, "SQLite"),
        Figure("the lock", "", "a | b"),
        Figure.missing("start", OSError()),
    ],
}


@pytest.mark.parametrize(
    ("share", "value"), [(0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.995, 100), (1, 100)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value


def test_a_percentile_of_one_is_that_one_and_of_none_is_no_number() -> None:
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0
    assert math.isnan(percentile([], 0.5))


def test_a_ratio_is_taken_round_by_round_so_that_a_disturbed_round_does_not_count() -> None:
    assert ratio([3.0, 30.0, 3.3], [2.0, 20.0, 1.1]) == 1.5


def test_a_ratio_needs_as_many_rounds_of_each() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_the_page_has_each_figure_beside_its_goal_and_tells_of_the_machine_and_the_command() -> None:
    text = page(SECTIONS, MACHINE, "make bench")
    assert "## What a command costs\n\n| what | database | goal | figure | |\n" in text
    assert "| ack |  | at most 1.2 times | 1.10 times | met |\n" in text
    assert "| adds | SQLite | all taken | 61 taken<br>of 300 | not met |\n" in text
    assert "| the lock |  |  | a \\| b |  |\n" in text
    assert "| start |  |  | OSError | not measured |\n" in text
    assert "Made by `make bench` on 2026-11-28: 2 cores, Some CPU, Python 3.11.7" in text


def test_the_page_says_first_which_goals_are_not_met() -> None:
    text = page(SECTIONS, MACHINE, "make bench")
    assert (
        "1 of 3 goals are met. These are not:\n\n"
        "- adds, SQLite: 61 taken (not met)\n"
        "- start: OSError (not measured)\n\n"
    ) in text
    assert "Each goal is met: 1 of 1.\n" in page(
        {"Others": [Figure("a", "b", "c", True)]}, MACHINE, "make bench"
    )


def test_the_table_has_the_same() -> None:
    console = Console(width=120, file=StringIO(), record=True)
    console.print(table(SECTIONS, MACHINE))
    text = console.export_text()
    assert any("adds" in line and "61 taken" in line and "not met" in line for line in text.splitlines())
    assert MACHINE.line in text
