"""What the events of a request say that its rows must hold.

An event that changes a row has the columns that it writes in its detail, under the name of the table, so
that the rows can be built anew from the ledger alone.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .chain import APPROVAL_WITHDRAWN
from .changes import subuser_key
from .documents import read_document
from .relations import RelationKind

Columns = Mapping[str, object]


@dataclass(slots=True)
class Rows:
    """The rows of one request: its own, its approvals by approver, its relations by kind, its attempts by
    number.

    Its events are replayed into them one by one, so that it takes no memory how many there are.
    """

    request: dict[str, object] = field(default_factory=dict)
    approvals: dict[object, dict[str, object]] = field(default_factory=dict)
    relations: dict[object, dict[str, object]] = field(default_factory=dict)
    attempts: dict[object, dict[str, object]] = field(default_factory=dict)

    def replay(self, event: Mapping[str, object]) -> None:
        """Do what the request's next event, in order of their IDs, says that it did."""
        written = dict(_written(event, "requests"))
        # An earlier version kept a relation in a column of either request.
        written.pop("asked_again_as", None)
        if (again_of := written.pop("again_of", None)) is not None:
            its = {"request_id": event["request_id"], "kind": RelationKind.AGAIN, "of_request": again_of}
            self.relations[RelationKind.AGAIN] = its
        self.request |= written
        if approval := _written(event, "approvals"):
            self.approvals[_key(approval.get("approver"))] = approval
        if relation := _written(event, "relations"):
            self.relations[_key(relation.get("kind"))] = dict(relation)
        if attempt := _written(event, "attempts"):
            self.attempts.setdefault(_key(attempt.get("number")), {}).update(attempt)
        if event["kind"] == APPROVAL_WITHDRAWN:
            self.approvals.pop(event["actor"], None)
        if "subuser" in self.request:
            self.request["subuser_key"] = subuser_key(str(self.request["subuser"]))


def _written(event: Mapping[str, object], table: str) -> dict[str, object]:
    """The columns of a table that an event has written; nothing if its detail is not as we write it."""
    columns = (read_document(event["detail"]) or {}).get(table)
    return columns if isinstance(columns, dict) else {}


def _key(value: object) -> object:
    """A detail that is not ours may have a list there."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def differences(request_id: int, told: Rows, found: Rows) -> Iterator[str]:
    """A sentence for each way in which the rows that were found are not as the ledger tells."""
    yield from _compare(f"Request {request_id}", told.request, found.request)
    for approver in sorted({*told.approvals, *found.approvals}, key=str):
        name = f"Request {request_id}, the approval of {approver}"
        yield from _compare(name, told.approvals.get(approver, {}), found.approvals.get(approver, {}))
    for kind in sorted({*told.relations, *found.relations}, key=str):
        name = f"Request {request_id}, its relation {kind}"
        yield from _compare(name, told.relations.get(kind, {}), found.relations.get(kind, {}))
    for number in sorted({*told.attempts, *found.attempts}, key=str):
        name = f"Request {request_id}, attempt {number}"
        yield from _compare(name, told.attempts.get(number, {}), found.attempts.get(number, {}))


def _compare(name: str, told: Columns, found: Columns) -> Iterator[str]:
    if not told and not found:
        return
    if not found:
        yield f"{name}: it is in the ledger, but missing from the table."
    elif not told:
        yield f"{name}: it is in the table, but not in the ledger."
    else:
        for column in sorted({*told, *found}):
            if told.get(column) != found.get(column):
                ledger, table = told.get(column), found.get(column)
                yield f"{name}: {column} is {_shown(table)} in the table and {_shown(ledger)} in the ledger."


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:79]}…"
