"""The bot's SQL record, read from outside, as anybody with the file could."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

LATEST = {"requests": 30, "attempts": 30, "events": 120}
"""How many rows of each table the page shows, newest first."""


MILESTONES = {
    "applied": "to_status = 'applied'",
    "doubted": "to_status = 'in_doubt'",
    "doubt_ended": "from_status = 'in_doubt'",
}
"""What the guide wants to know of the whole ledger, of which the page has only the latest events."""


class Record:
    """The tables at `path`, which the bot lays when it starts; until then there is nothing to see."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._version: object = None

    def has_changed(self) -> bool:
        """Whether anything was committed since this was last asked."""
        version = self._ask("PRAGMA data_version")
        if version == self._version:
            return False
        self._version = version
        return True

    def read(self) -> dict[str, Any]:
        """The latest rows of each table, and the milestones."""
        # The names are this module's own, so nothing foreign gets into the statement.
        tables: dict[str, Any] = {
            table: self._ask(f"SELECT * FROM {table} ORDER BY id DESC LIMIT {most}")  # noqa: S608 - see above
            for table, most in LATEST.items()
        }
        return tables | {"milestones": self._milestones()}

    def _milestones(self) -> dict[str, bool]:
        """Whether each of them was ever reached; the conditions are this module's own, too."""
        return {
            name: bool(self._ask(f"SELECT 1 FROM events WHERE {condition} LIMIT 1"))  # noqa: S608 - see above
            for name, condition in MILESTONES.items()
        }

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, statement: str) -> list[dict[str, Any]]:
        try:
            return [dict(row) for row in self._connected().execute(statement)]
        except sqlite3.Error:
            # There is no file yet, or no table in it: the next look may find it.
            with suppress(sqlite3.Error):
                self.close()
            return []

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                f"{self._path.resolve().as_uri()}?mode=ro", uri=True, timeout=1
            )
            self._connection.row_factory = sqlite3.Row
        return self._connection
