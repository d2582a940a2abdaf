"""SendGrid's own book against the SQL record, and what people were told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rich.table import Table

ENDED = {"applied", "failed", "denied", "cancelled", "expired", "refused"}

Told = Mapping[int, list[str]]


@dataclass
class Report:
    """Each of the first six must be zero."""

    doubles: int = 0  # applied more often than once
    lost: int = 0  # acknowledged, but not on record or not ended
    false_applied: int = 0  # said to be applied, and SendGrid never did
    false_failed: int = 0  # said not to be applied, and SendGrid did
    untold: int = 0  # the requester has no message of the end
    broken_ledger: int = 0  # the hash chain does not verify
    requests: int = 0
    kills: int = 0
    stops: int = 0
    database_restarts: int = 0
    applied: int = 0
    failed: int = 0
    unclear_answers: int = 0  # PATCHes that SendGrid answered so that nobody can know
    in_doubt_at_some_time: int = 0
    settled_by_a_person: int = 0  # since no balance proved them

    @property
    def clean(self) -> bool:
        broken = self.doubles + self.lost + self.false_applied + self.false_failed + self.untold
        return broken + self.broken_ledger == 0


def compare(
    report: Report, acked: set[int], records: list[dict[str, Any]], ledger: list[int], told: Told
) -> None:
    """Fill in the report. Each request has an amount of its own; `told` has the ends that were told of it."""
    book = Counter(ledger)
    status = {record["allocation_update"]: record["status"] for record in records}
    for record in records:
        report.in_doubt_at_some_time += bool(record["doubted"])
        report.settled_by_a_person += record["settled_by"] is not None
    report.requests = len(records)
    for amount in status.keys() | book.keys():
        end = status.get(amount)
        report.applied += end == "applied"
        report.failed += end == "failed"
        report.doubles += max(0, book[amount] - 1)
        report.false_applied += end == "applied" and book[amount] == 0
        report.false_failed += end != "applied" and book[amount] > 0
        report.lost += end not in ENDED
        report.untold += end in ENDED and end not in told.get(amount, [])
    report.lost += len(acked - status.keys())


def table(reports: Mapping[str, Report]) -> Table:
    shown = Table(title="Faults against the promise")
    shown.add_column("")
    for name in reports:
        shown.add_column(name, justify="right")
    for field in fields(Report):
        shown.add_row(
            field.name.replace("_", " "), *(f"{getattr(report, field.name):,}" for report in reports.values())
        )
    return shown
