"""Databases with a long record, made quickly: one real request, many times over, in a chain that verifies.

What a request leaves behind is read from one that went all the way, so that a new column or event is in the
copies, too. Only the number, the times and what must differ from one request to the next are put in anew.
"""

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from creditbot.domain.chain import GENESIS, event_hash
from creditbot.domain.changes import subuser_key
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.store import outbox
from tests.integration.adapters import Bot, Clock, database_url
from tests.postgres import PostgresServer
from tests.sqlite import migrated

LATELY = timedelta(days=34)
"""Over which the newest requests are spread: as many in a short record as in a long one."""

RECENT = 1000

APART = timedelta(minutes=5)
"""From one to the next of the older ones."""

SUBUSERS = 200

COPIED = ("requests", "approvals", "attempts", "outbox")
"""The tables of which a request has rows, besides its events."""

Row = dict[str, Any]
Value = Callable[["Copy"], Any]


class Copy:
    """What the copy of a request has of its own: its number, and how much later it is, in milliseconds."""

    __slots__ = ("later", "number", "subuser", "token")

    def __init__(self, number: int, later: int) -> None:
        self.number = number
        self.later = later
        self.token = f"{number:032x}"
        self.subuser = f"customer-{number % SUBUSERS}"

    @property
    def token_hash(self) -> str:
        return hashlib.sha256(self.token.encode()).hexdigest()


def times(requests: int, now: datetime, recent: int) -> list[datetime]:
    """When each was asked for, the oldest first; as many as are `recent` within a few weeks."""
    recent = min(requests, recent)
    older = requests - recent
    begun = now - LATELY
    return [begun - APART * (older - number) for number in range(older)] + [
        begun + LATELY * number / (recent + 1) for number in range(1, recent + 1)
    ]


class Template:
    """The rows of one request that was applied, as functions of a copy."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        [request] = _rows(connection, "SELECT * FROM requests")
        self.id, self.begun = request["id"], request["requested_at"]
        self._origin, self._token = request["origin"], request["token"]
        self._subuser = request["subuser"]
        self._token_hash = hashlib.sha256(self._token.encode()).hexdigest()
        self.rows = {
            table: [self._row(table, row) for row in _rows(connection, f"SELECT * FROM {table}")]  # noqa: S608 - names of ours
            for table in COPIED
        }
        self.events = [
            {name: self._value("events", name, value) for name, value in row.items()}
            for row in _rows(
                connection,
                f"SELECT * FROM events WHERE request_id = {self.id} ORDER BY id",  # noqa: S608 - a number
            )
        ]

    def columns(self, table: str) -> list[str]:
        return [name for name, _ in self.rows[table][0]]

    def copies(self, table: str, copy: Copy) -> Iterator[tuple[Any, ...]]:
        """A table that has several rows for a request gives each an ID of its own."""
        rows = self.rows[table]
        for place, row in enumerate(rows):
            values = [value(copy) for _, value in row]
            values[0] = (copy.number - 1) * len(rows) + place + 1
            yield tuple(values)

    def _row(self, table: str, row: Row) -> list[tuple[str, Value]]:
        assert next(iter(row)) == "id"
        return [(name, self._value(table, name, value)) for name, value in row.items()]

    def _value(self, table: str, name: str, value: Any) -> Value:
        if name == "detail" and table == "events":
            return self._detail(json.loads(value))
        if name == "request_id" or (table, name) == ("requests", "id"):
            return lambda copy: copy.number
        if name == "ts" and value is not None:
            return lambda copy: f"{1_000_000_000 + copy.number}.000100"
        if name == "subject" and value is not None:
            return lambda copy: outbox.about(copy.number)
        if isinstance(value, int) and _is_moment(value):
            return lambda copy: value + copy.later
        special = self._special(value)
        return special if special is not None else lambda _: value

    def _special(self, value: Any) -> Value | None:
        return {
            self._origin: lambda copy: f"seed {copy.number}",
            self._token: lambda copy: copy.token,
            f"sha256:{self._token_hash}": lambda copy: f"sha256:{copy.token_hash}",
            self._subuser: lambda copy: copy.subuser,
            subuser_key(self._subuser): lambda copy: subuser_key(copy.subuser),
        }.get(value if isinstance(value, str) else "")

    def _detail(self, detail: Row) -> Value:
        """The text as `store.events` writes it, with holes for what differs."""
        holes: list[Value] = []

        def cut(value: Any, path: tuple[str, ...]) -> Any:
            if isinstance(value, dict):
                return {name: cut(inner, (*path, name)) for name, inner in value.items()}
            if path[-1] in {"id", "request_id"} and len(path) == 2:  # a row has the number of its request
                assert len(self.rows[path[0]]) == 1
                found: Value | None = lambda copy: copy.number  # noqa: E731 - one of several
            elif isinstance(value, int) and _is_moment(value):
                found = lambda copy: value + copy.later  # noqa: E731 - likewise
            else:
                found = self._special(value)
            if found is None:
                return value
            holes.append(found)
            return f"\x00{len(holes) - 1}\x00"

        holed = cut(detail, ())
        text = json.dumps(holed, ensure_ascii=False, sort_keys=True)
        parts = re.split('"\\\\u0000(\\d+)\\\\u0000"', text)
        fixed, order = parts[::2], [holes[int(place)] for place in parts[1::2]]

        def filled(copy: Copy) -> str:
            written = [json.dumps(hole(copy)) for hole in order]
            return "".join(part for pair in zip(fixed, [*written, ""], strict=True) for part in pair)

        return filled


def _is_moment(value: int) -> bool:
    return 1_500_000_000_000 < value < 2_500_000_000_000


def _rows(connection: sqlite3.Connection, query: str) -> list[Row]:
    return [dict(row) for row in connection.execute(query)]


async def template() -> Template:
    """Have one request asked for, approved and applied, in a database of its own."""
    path = migrated().with_name("template.db")
    shutil.copy(migrated(), path)
    async with SendGridSandbox() as sendgrid:
        sendgrid.account.add_subuser(Subuser("template", "nonrecurring", remain=1000))
        bot = Bot(database_url(path), sendgrid, Clock())
        await bot.approved(250, "template")
        bot.clock.advance(seconds=10)
        await bot.work()
        await bot.close()
    with closing(sqlite3.connect(path)) as connection:
        found = Template(connection)
    path.unlink()
    return found


def seed(path: Path, laid: Template, requests: int, recent: int = RECENT) -> None:
    """Fill a new SQLite file. Only what was committed before may be lost in a crash, and nothing is there."""
    shutil.copy(migrated(), path)
    asked = times(requests, datetime.now(UTC), recent)
    copies = [Copy(number, round(at.timestamp() * 1000) - laid.begun) for number, at in enumerate(asked, 1)]
    with closing(sqlite3.connect(path)) as connection:
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")
        for table in COPIED:
            rows = (row for copy in copies for row in laid.copies(table, copy))
            _insert(connection, table, laid.columns(table), rows)
        _insert(connection, "events", list(laid.events[0]), _chain(laid, copies))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _insert(
    connection: sqlite3.Connection, table: str, columns: list[str], rows: Iterator[tuple[Any, ...]]
) -> None:
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608 - names of ours


def _chain(laid: Template, copies: list[Copy]) -> Iterator[tuple[Any, ...]]:
    """All events, one request after the other, each with the hash of the one before it."""
    previous, number = GENESIS, 0
    for copy in copies:
        for event in laid.events:
            number += 1
            row = {name: value(copy) for name, value in event.items()}
            row |= {"id": number, "previous_hash": previous}
            previous = row["hash"] = event_hash(previous, row)
            yield tuple(row.values())


def to_postgres(path: Path, server: PostgresServer, name: str) -> None:
    """Put what a SQLite file has into a migrated database, as a restore would: indexes come afterwards."""
    with (
        closing(sqlite3.connect(path)) as file,
        psycopg.connect(server.url(name), autocommit=True) as connection,
    ):
        for table in (*COPIED, "events", "request_counts"):
            _copy_table(file, connection, table)
        connection.execute("VACUUM ANALYZE")


def _copy_table(file: sqlite3.Connection, connection: "psycopg.Connection[Any]", table: str) -> None:
    rows = file.execute(f"SELECT * FROM {table}")  # noqa: S608 - a name of ours
    columns = [column[0] for column in rows.description]
    its_name = sql.Identifier(table)
    with connection.transaction():
        # No look for each row whether its request is there.
        connection.execute("SET LOCAL session_replication_role = replica")
        laid_again = _without_indexes(connection, table)
        copy_in = sql.SQL("COPY {} ({}) FROM STDIN").format(
            its_name, sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with connection.cursor().copy(copy_in) as copying:
            for row in rows:
                copying.write_row(row)
        for statement in laid_again:
            connection.execute(statement)
    if "id" not in columns:
        return
    found = connection.execute("SELECT pg_get_serial_sequence(%s, 'id')", (table,)).fetchone()
    if found is not None and found[0] is not None:
        query = sql.SQL("SELECT setval({}, (SELECT max(id) FROM {}))").format(sql.Literal(found[0]), its_name)
        connection.execute(query)


def _without_indexes(connection: "psycopg.Connection[Any]", table: str) -> list[LiteralString]:
    """Take away the table's indexes but for its key; return the statements that lay them again."""
    constraints = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype = 'u'",
        (table,),
    ).fetchall()
    laid_again = []
    for name, definition in constraints:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        laid_again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    indexes = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = %s::regclass AND NOT indisprimary",
        (table,),
    ).fetchall()
    for name, definition in indexes:
        connection.execute(f"DROP INDEX {name}")
        laid_again.append(definition)
    return laid_again
