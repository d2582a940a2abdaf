"""What the two databases need to keep the same promise: one writer at a time, and commits that last."""

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from creditbot.domain.errors import UnfitDatabase
from creditbot.domain.ledger import Keys

BUSY_TIMEOUT = 1.2
"""Seconds to wait for the write lock while another process holds it."""

FROZEN_TIMEOUT = 5.0
"""Seconds after which PostgreSQL takes the write lock from a process that stands still."""

WRITE_LOCK = 0x637265646974
"""The advisory lock (the bytes of "credit") that makes PostgreSQL's writers take turns, as SQLite's do."""

POSTGRES_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    # A server that vanished without a word is noticed in seconds, not in hours.
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "creditbot",
}


FIND_ANOTHER = 2
"""Seconds after which the next of several hosts is tried, since one that is off says nothing."""


def connection_parameters(url: str) -> dict[str, Any]:
    """What libpq is told of the database: what the address says, and for the rest what is right for us."""
    address = make_url(url)
    _, given = address.get_dialect()().create_connect_args(address)
    several = "," in str(given.get("host", ""))
    return {**POSTGRES_CONNECTION, **({"connect_timeout": FIND_ANOTHER} if several else {}), **given}


UNPREPARED: dict[str, Any] = {"prepare_threshold": None}
"""What psycopg is told: to prepare no statements, which belong to a connection.

A pooler such as PgBouncer gives each transaction any of the server's connections, with what others have
prepared there. psycopg.org/psycopg3/docs/advanced/prepare.html
"""


@dataclass(frozen=True, slots=True)
class Engines:
    """A way to write and one to read."""

    writer: AsyncEngine
    reader: AsyncEngine

    async def close(self) -> None:
        await self.writer.dispose()
        await self.reader.dispose()


def is_postgres(url: str) -> bool:
    return make_url(url).get_backend_name() == "postgresql"


def open_engines(url: str, keys: Keys = (), *, looking: bool = False) -> Engines:
    """Engines for a URL as `creditbot.config` writes it, with the driver; nothing is connected yet.

    The ledger's keys go with their connections, so that whatever writes an event has them. Who is only
    `looking` may do so where nothing can be written.
    """
    engines = _postgres(url) if is_postgres(url) else _sqlite(url, looking=looking)
    return Engines(
        engines.writer.execution_options(ledger_keys=keys), engines.reader.execution_options(ledger_keys=keys)
    )


def ledger_keys(connection: AsyncConnection) -> Keys:
    """The keys with which a connection's events are hashed, the newest first."""
    keys: Keys = connection.engine.get_execution_options().get("ledger_keys", ())
    return keys


def _sqlite(url: str, *, looking: bool) -> Engines:
    """One writer, since SQLite has one anyway, and a few readers, which WAL lets read beside it."""
    return Engines(
        _sqlite_engine(url, "BEGIN IMMEDIATE", 1, looking=looking),
        _sqlite_engine(url, "BEGIN", 2, looking=looking),
    )


def _sqlite_engine(url: str, begin: str, pool_size: int, *, looking: bool) -> AsyncEngine:
    engine = create_async_engine(
        url, max_overflow=0, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=pool_size
    )
    prepare_sqlite(engine.sync_engine, begin, looking=looking)
    return engine


def prepare_sqlite(engine: Engine, begin: str, *, looking: bool = False) -> None:
    """Take transactions into our own hands, make commits last, and keep a new file from others' eyes.

    `migrate` has switched WAL on.

    The driver's own way starts a transaction at the first write, so that two which both read before
    they write lose one of the writes or fail as locked; BEGIN IMMEDIATE does neither.
    """

    @event.listens_for(engine, "do_connect")
    def before(_dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> None:
        path = engine.url.database or ""
        if looking and not can_be_written(path):
            arguments[0] = path = read_only(path)
            parameters["uri"] = True
        else:
            create_private(path)
        # Where aiosqlite can't open a file, its thread leaves a traceback behind; this only raises.
        sqlite3.connect(path, uri=path.startswith("file:")).close()

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        # Otherwise one text that is damaged fails all that is read with it.
        getattr(connection, "driver_connection", connection).text_factory = _text
        cursor = connection.cursor()
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def _text(stored: bytes) -> str:
    """What is no UTF-8 is kept apart, as half characters, which nothing writes."""
    return stored.decode(errors="surrogateescape")


def create_private(path: str) -> None:
    """Make the file, empty, for its owner only, unless it is there; SQLite's files beside it get its mode.

    A file that is there is not even opened: to close it again would take this process's locks from it.
    """
    with suppress(OSError):  # it is there; or it can't be made, which SQLite will say
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def can_be_written(path: str) -> bool:
    """Whether SQLite may write to the file, and make others beside it."""
    return os.access(path, os.W_OK) and os.access(Path(path).absolute().parent, os.W_OK)


def read_only(path: str) -> str:
    """The address of a file that can only be read; nothing is made beside it if that can be helped.

    Without a log beside it, nobody writes to the file: SQLite is told that it stays as it is, and so needs
    no files of its own, which it could not make. sqlite.org/wal.html#read_only_databases

    Raises:
        UnfitDatabase: its log can't be read without making another file.
    """
    file = Path(path).absolute()
    log, index = (file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))
    written = log.stat().st_size if log.exists() else 0
    if index.exists() or (written and os.access(file.parent, os.W_OK)):
        return f"file:{quote(str(file))}?mode=ro"
    if written:
        raise UnfitDatabase(
            f"the last changes of {file} are in {log.name} beside it, which SQLite can't read in a folder "
            "that it can't write to. Copy both files to another folder, and set DATABASE_URL to the copy."
        )
    return f"file:{quote(str(file))}?immutable=1"


def _postgres(url: str) -> Engines:
    engine = create_async_engine(
        url,
        pool_size=4,
        max_overflow=4,
        pool_timeout=5,
        # A connection that a restart or a failover has cut is found out before it is used.
        pool_pre_ping=True,
        pool_recycle=300,
        # Each statement sees what was committed before it, so also what was while it waited for its turn.
        isolation_level="READ COMMITTED",
        connect_args=connection_parameters(url) | UNPREPARED,
    )
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    event.listen(engine.sync_engine, "begin", _take_turns)
    return Engines(engine, reader)


def _take_turns(connection: Any) -> None:
    """Begin a write transaction as BEGIN IMMEDIATE does, and make its commit last.

    A server may be set to report a commit before it is on disk; an attempt that such a server forgets
    would be sent again. Settings and lock end with the transaction, since with a pooler in between the next
    one on the same connection may be another process's.
    """
    if connection.get_execution_options().get("postgresql_readonly"):
        return
    connection.exec_driver_sql(
        "SELECT set_config('lock_timeout', %s, true), set_config('synchronous_commit', CASE "
        "WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on' "
        "ELSE current_setting('synchronous_commit') END, true), "
        "set_config('idle_in_transaction_session_timeout', %s, true)",
        (str(round(BUSY_TIMEOUT * 1000)), str(round(FROZEN_TIMEOUT * 1000))),
    )
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
