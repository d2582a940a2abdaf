"""Which columns the ledger tells of: what a person asked, decided, was told, and what SendGrid said."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from .tables import approvals, attempts, relations, requests
from .types import storable, to_millis

LEFT_OUT: dict[Table, frozenset[str]] = {
    # When a job looks at it again, and how often its card was changed: nothing that anyone decided or saw.
    requests: frozenset(
        {
            "version",
            "follows_policy",
            "next_try_at",
            "tries",
            "waits_for",
            "overtaken_by",
            "remind_at",
            "reminded",
            "runs",
            "run_after",
        }
    ),
    approvals: frozenset(),
    # Those of an earlier version have got theirs since.
    relations: frozenset({"id"}),
    attempts: frozenset(),
}

DERIVED: dict[Table, frozenset[str]] = {
    # It follows from the subuser, so no event has to tell of it.
    requests: frozenset({"subuser_key"}),
    approvals: frozenset(),
    relations: frozenset(),
    attempts: frozenset(),
}

HASHED: dict[Table, frozenset[str]] = {
    # The ledger vouches for it; who reads an export must not be able to make a card that lies.
    requests: frozenset({"token"}),
    approvals: frozenset(),
    relations: frozenset(),
    attempts: frozenset(),
}

IN_LEDGER = {
    table: frozenset(column.name for column in table.columns) - left_out
    for table, left_out in LEFT_OUT.items()
}


def recorded(table: Table, values: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    """What an event's detail says of the columns that are written with it, as they lie in the table."""
    columns = IN_LEDGER[table] - DERIVED[table]
    told = {name: as_told(table, name, as_stored(value)) for name, value in values.items() if name in columns}
    return {table.name: told} if told else {}


def as_told(table: Table, name: str, stored: Any) -> Any:
    """What the ledger tells of a value that lies in the table."""
    if stored is None or name not in HASHED[table]:
        return stored
    return f"sha256:{hashlib.sha256(str(stored).encode(errors='replace')).hexdigest()}"


def as_stored(value: Any) -> Any:
    """A value as JSON has it, the same whether it is about to be written or was read again."""
    if isinstance(value, datetime):
        return to_millis(value)
    return storable(value) if isinstance(value, str) else value
