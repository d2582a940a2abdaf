"""How the database goes about each statement, asked of itself right before it is executed.

What is done with a long record must take no more than with a short one, so no statement may look at all of
a table that grows. Whatever runs inside `watched` is held to that, new statements too.
"""

import json
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from creditbot.store.tables import whole_schema

GROWING = frozenset(
    {
        "requests",
        "approvals",
        "relations",
        "attempts",
        "outbox",
        "events",
        "deliveries",
        "questions",
    }
)
"""Tables with more rows the longer the record is, or the more people ask at once."""

PARTIAL = frozenset(
    index.name
    for table in whole_schema().tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
)
"""Indexes of what is under way, which may be looked at as a whole."""

MOST_ROWS = 400
"""Of a table that grows, in one statement: a sweep takes 200 of each kind, and a page has 10."""

STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)

BEGINNING = re.compile(
    r"SELECT (?:[^()]|\(SELECT (?:[^()]|%\(\w+\)s)+\))+ "
    r"FROM (?P<table>\w+) ORDER BY (?P=table)\.id( DESC)? LIMIT [^\s)]+",
    re.ASCII,
)
"""The first few in the order of the key, whatever they are: a scan that ends at once."""


@dataclass
class Plans:
    """The statements that were executed, and what is wrong with the plans of some."""

    statements: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)

    def look(self, connection: Any, statement: str, parameters: Any) -> None:
        if STATEMENT.match(statement) is None:
            return
        self.statements.add(statement)
        begun = {found["table"] for found in BEGINNING.finditer(" ".join(statement.split()))}
        look = _of_sqlite if connection.dialect.name == "sqlite" else _of_postgres
        fault = look(connection, statement, parameters, GROWING - begun)
        if fault is not None:
            self.faults[statement] = fault


@contextmanager
def watched() -> Iterator[Plans]:
    """All that is executed in this process."""
    plans = Plans()

    def before(connection: Any, _cursor: Any, statement: str, parameters: Any, _: Any, many: bool) -> None:
        plans.look(connection, statement, parameters[0] if many else parameters)

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield plans
    finally:
        event.remove(Engine, "before_cursor_execute", before)


def _asked(connection: Any, statement: str, parameters: Any) -> list[Any]:
    """Past SQLAlchemy, or the question would be watched, too."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()


SCAN = re.compile(r"SCAN (\w+?)(?:_\d+)?(?: USING (?:COVERING )?INDEX (\w+))?$")


def _of_sqlite(connection: Any, statement: str, parameters: Any, growing: AbstractSet[str]) -> str | None:
    """sqlite.org/eqp.html: SCAN is what goes through a table or an index from one end to the other."""
    steps = [row[3] for row in _asked(connection, f"EXPLAIN QUERY PLAN {statement}", parameters)]
    for step in steps:
        found = SCAN.match(step)
        if found is not None and found[1] in growing and found[2] not in PARTIAL:
            return "\n".join(steps)
    return None


def _of_postgres(connection: Any, statement: str, parameters: Any, growing: AbstractSet[str]) -> str | None:
    """What only reads is executed, so that rows that were looked at in vain count, too."""
    how = "ANALYZE, TIMING OFF, " if statement.lstrip().upper().startswith(("SELECT", "WITH")) else ""
    [[found]] = _asked(connection, f"EXPLAIN ({how}FORMAT JSON) {statement}", parameters)
    [plan] = json.loads(found) if isinstance(found, str) else found
    for node in _nodes(plan["Plan"]):
        if node["Node Type"] == "Bitmap Index Scan" or not node["Node Type"].endswith("Scan"):
            continue
        if node.get("Relation Name") not in growing:
            continue
        narrow = "Index Cond" in node or "Bitmap Heap" in node["Node Type"] or "TID" in node["Node Type"]
        if not narrow and node.get("Index Name") not in PARTIAL:
            return _said(node)
        rows = sum(node.get(name, 0) for name in ("Actual Rows", *REMOVED)) * node.get("Actual Loops", 1)
        if rows > MOST_ROWS:
            return f"{rows} rows: {_said(node)}"
    return None


REMOVED = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")


def _said(node: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {node[name]}" for name in SAID if name in node)


SAID = ("Node Type", "Relation Name", "Index Name", "Index Cond", "Recheck Cond", "Filter", *REMOVED)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)
