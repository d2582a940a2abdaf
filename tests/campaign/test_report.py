"""A campaign's report counts each way in which the promise can be broken."""

from typing import Any

import pytest

from .report import Report, compare


def record(status: str, amount: int = 1001) -> dict[str, Any]:
    return {"allocation_update": amount, "status": status, "doubted": 0, "settled_by": None}


@pytest.mark.parametrize(
    ("end", "book", "told", "broken"),
    [
        ("applied", [1001], ["applied"], {}),
        ("failed", [], ["failed"], {}),
        ("applied", [1001, 1001], ["applied"], {"doubles": 1}),
        ("applied", [], ["applied"], {"false_applied": 1}),
        ("failed", [1001], ["failed"], {"false_failed": 1}),
        ("cancelled", [1001], ["cancelled"], {"false_failed": 1}),
        ("applied", [1001], [], {"untold": 1}),
        ("applied", [1001], ["failed"], {"untold": 1}),
        ("approved", [], [], {"lost": 1}),
    ],
)
def test_each_breach_is_counted(end: str, book: list[int], told: list[str], broken: dict[str, int]) -> None:
    report = Report()
    compare(report, {1001}, [record(end)], book, {1001: told})
    names = ("doubles", "lost", "false_applied", "false_failed", "untold")
    assert {name: getattr(report, name) for name in names if getattr(report, name)} == broken
    assert report.clean == (not broken)


def test_what_was_acked_and_is_not_on_record_is_lost() -> None:
    report = Report()
    compare(report, {1001}, [], [], {})
    assert report.lost == 1


def test_what_was_taken_without_an_ack_has_to_end_too() -> None:
    report = Report()
    compare(report, set(), [record("approved")], [], {})
    assert report.lost == 1
