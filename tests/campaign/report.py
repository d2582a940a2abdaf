"""SendGrid's own book against the SQL record, and what people were told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rich.table import Table


@dataclass
class Report:
    """Each of the first five must be zero."""

    doubles: int = 0  # applied more often than once
    lost: int = 0  # acknowledged, but not on record or not ended
    false_applied: int = 0  # said to be applied, and SendGrid never did
    false_failed: int = 0  # said not to be applied, and SendGrid did
    untold: int = 0  # the requester has no message of the end
    requests: int = 0
    applied: int = 0
    failed: int = 0
    doubted: int = 0  # were in doubt at some time
    asked_people: int = 0  # were settled by a person, since no balance proved them
    kills: int = 0

    @property
    def clean(self) -> bool:
        return not (self.doubles or self.lost or self.false_applied or self.false_failed or self.untold)


def compare(
    acked: Mapping[int, str],
    records: list[dict[str, Any]],
    ledger: list[int],
    told: Mapping[int, str],
    kills: int,
) -> Report:
    """`acked` and `told` are by the request's own amount, which no other request has."""
    book = Counter(ledger)
    by_amount = {record["allocation_update"]: record for record in records}
    report = Report(requests=len(records), kills=kills)
    report.doubles = sum(times - 1 for times in book.values() if times > 1)
    for amount, record in by_amount.items():
        status = record["status"]
        report.applied += status == "applied"
        report.failed += status == "failed"
        report.doubted += record["doubted"]
        report.asked_people += record["settled_by"] is not None
        report.false_applied += status == "applied" and book[amount] == 0
        report.false_failed += status != "applied" and book[amount] > 0
        report.untold += told.get(amount, "") != status
    ended = {"applied", "failed", "denied", "cancelled", "expired", "refused"}
    report.lost = sum(1 for amount in acked if by_amount.get(amount, {}).get("status") not in ended)
    return report


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
