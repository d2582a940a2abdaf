"""What a database has more, or otherwise, than at the last look; read past the bot, as an auditor would."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import Row as SqlRow
from sqlalchemy import create_engine, select

from creditbot.domain.chain import Recount
from creditbot.store.tables import events
from tests.ways_in import IT, NEW, NONE, event

WATCHED = {
    "requests": "SELECT * FROM requests",
    "approvals": "SELECT * FROM approvals",
    "relations": "SELECT * FROM relations",
    "attempts": "SELECT * FROM attempts",
    "notices": "SELECT * FROM outbox WHERE kind <> 'card'",
}
"""What is looked at, with the words of `tests/ways_in.py` for it."""

NOT_TOLD = frozenset(
    {
        "version",
        "tries",
        "waits_for",
        "remind_at",
        "reminded",
        "decided_at",
        "finished_at",
        "sent_at",
        "shown_version",
    }
)
"""Columns of which no case says what they become: times, and how often a job or a card has its turn."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """In the words of `tests/ways_in.py`; `said` is what a refusal on record has told the person."""

    changes: tuple[str, ...]
    events: tuple[str, ...]
    said: str | None


@dataclass
class DatabaseChanges:
    """The tables as they were at the last look, and the ledger recounted so far."""

    url: str
    _tables: dict[str, dict[int, SqlRow[Any]]] = field(default_factory=dict)
    _ledger: Recount = field(default_factory=Recount)

    def __enter__(self) -> Self:
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self._connection = self._engine.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()

    def since_last_look(self, request_id: int) -> Written:
        """All that is new since the last look, told from the side of this request."""
        before, self._tables = self._tables, self._read()
        came = self._tables["requests"].keys() - before.get("requests", {}).keys()

        def about(id_: int | None) -> str:
            if id_ is None:
                return NONE
            if id_ == request_id:
                return IT
            return NEW if id_ in came else f"request {id_}"

        changes = [
            change
            for table, old, new in _differing(before, self._tables)
            for change in _changes(table, old, new, about)
        ]
        told = list(self._new_events())
        details = [json.loads(row["detail"]) for row in told]
        return Written(
            tuple(sorted(changes)),
            tuple(_event(row, detail, about) for row, detail in zip(told, details, strict=True)),
            next((detail["said"] for detail in details if "said" in detail), None),
        )

    def _read(self) -> dict[str, dict[int, SqlRow[Any]]]:
        # In the driver's own words: thousands of looks are not to be spent on making values of rows.
        return {
            name: {row.id: row for row in self._connection.exec_driver_sql(query)}
            for name, query in WATCHED.items()
        }

    def _new_events(self) -> Iterator[Row]:
        """Those after the last one that was recounted, which are recounted now."""
        query = select(events).where(events.c.id > self._ledger.found.count).order_by(events.c.id)
        for row in self._connection.execute(query).mappings():
            assert self._ledger.add(dict(row)), f"the ledger does not hold at event {row['id']}"
            yield dict(row)


def _event(row: Row, detail: Row, about: Any) -> str:
    kind = row["kind"]
    if kind in {"refused_click", "repeated_click"}:
        kind += f", {detail['action']},"
    return event(kind, row["actor"], about(row["request_id"]))


def _differing(
    before: dict[str, dict[int, SqlRow[Any]]], after: dict[str, dict[int, SqlRow[Any]]]
) -> Iterator[tuple[str, Row | None, Row | None]]:
    """Each row that is not as before, with its table: as it was, and as it is."""
    for table, rows in after.items():
        known = before.get(table, {})
        for id_ in sorted(known.keys() | rows.keys()):
            if known.get(id_) != rows.get(id_):
                old, new = known.get(id_), rows.get(id_)
                yield table, old and dict(old._mapping), new and dict(new._mapping)


def _changes(name: str, old: Row | None, new: Row | None, about: Any) -> Iterator[str]:
    """What became of one row."""
    row = new or old or {}
    whose = about(row["id"] if name == "requests" else row["request_id"])
    # Whatever befalls another request is none of what any case expects.
    of = "" if whose in {IT, NEW} else f"{whose}: "
    if old is None or new is None:
        yield of + _row(name, row, about, came=old is None)
        return
    for column in old.keys() - NOT_TOLD:
        if old[column] != new[column]:
            yield of + _column(column, new[column], about)


def _column(column: str, value: Any, about: Any) -> str:
    match column:
        case "next_try_at":
            return f"{column} is {'cleared' if value is None else 'set'}"
    return f"{column}={value}"


def _row(name: str, row: Row, about: Any, *, came: bool) -> str:
    match name:
        case "requests" if came:
            return f"requests: a new one by {row['requested_by']}"
        case "relations" if came:
            return f"relations: {row['kind']} of {about(row['of_request'])}"
        case "approvals":
            return f"approvals: {'and' if came else 'without'} {row['approver']}"
        case "notices" if came:
            return f"notices: {row['kind']} to {row['recipient']}"
    return f"{name}: {'one more' if came else 'one less'}"
