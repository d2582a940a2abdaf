"""SQLite: one writer and a few readers on one file, each statement where it is called for.

A statement takes SQLite microseconds, and to have another thread do it ten times as long. So threads do only
what may have to wait: opening the file, the lock that a transaction begins with, and the commit.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, CursorResult, Engine, RowMapping, create_engine, event, text

from creditbot.domain.chain import Keys
from creditbot.domain.errors import UnfitDatabase

from .connection import AsyncConnection
from .opened import BUSY_TIMEOUT

P = ParamSpec("P")
T = TypeVar("T")

READERS = 2
"""Transactions that read at once. Each of their statements is over before the next begins anyway."""

PAGE = 500
"""LongResult of a long result after which others have their turn."""


class InPlace(AsyncConnection):
    """SQLite's connection for those who can wait for PostgreSQL's: here there is nothing to wait for."""

    def __init__(self, connection: Connection) -> None:
        # Not AsyncConnection's own way, which wants an engine that waits.
        self.sync_connection = connection
        self.sync_engine = connection.engine
        self.dialect = connection.dialect
        self._connection = connection

    async def execute(self, statement: Any, parameters: Any = None, **given: Any) -> Any:
        return self._connection.execute(statement, parameters, **given)

    async def scalar(self, statement: Any, parameters: Any = None, **given: Any) -> Any:
        return self._connection.scalar(statement, parameters, **given)

    async def exec_driver_sql(
        self, statement: str, parameters: Any = None, execution_options: Any = None
    ) -> Any:
        return self._connection.exec_driver_sql(statement, parameters, execution_options)

    async def run_sync(self, fn: Callable[Concatenate[Connection, P], T], *arg: P.args, **kw: P.kwargs) -> T:
        return fn(self._connection, *arg, **kw)

    def stream(self, statement: Any, parameters: Any = None, **given: Any) -> Any:
        return nullcontext(LongResult(self._connection.execute(statement, parameters, **given)))


class LongResult:
    """A long result, which is read while others have their turns, too."""

    def __init__(self, rows: CursorResult[Any]) -> None:
        self._rows = rows

    async def mappings(self) -> AsyncIterator[RowMapping]:
        for page in self._rows.mappings().partitions(PAGE):
            for row in page:
                yield row
            await asyncio.sleep(0)


class SqliteTransaction:
    """`Opened` on SQLite."""

    def __init__(self, connection: Connection, threads: ThreadPoolExecutor, over: Callable[[], None]) -> None:
        self.connection = InPlace(connection)
        self._connection = connection
        self._threads = threads
        self._over = over

    async def commit(self) -> None:
        await in_thread(self._threads, self._connection.commit)

    async def end(self) -> None:
        try:
            self._connection.close()
        finally:
            self._over()


class Sqlite:
    """`Engines` on SQLite. There is one writer, since the file has one lock for all of them anyway."""

    def __init__(self, url: str, keys: Keys, *, looking: bool) -> None:
        self._writer = _engine(url, "BEGIN IMMEDIATE", keys, looking=looking)
        self._reader = _engine(url, "BEGIN", keys, looking=looking)
        self._threads = _threads()
        self._one_writes = asyncio.Semaphore(1)
        self._some_read = asyncio.Semaphore(READERS)

    async def write(self) -> SqliteTransaction:
        return await self._begin(self._writer, self._one_writes)

    aside = None

    async def read(self) -> SqliteTransaction:
        return await self._begin(self._reader, self._some_read)

    async def _begin(self, engine: Engine, room: asyncio.Semaphore) -> SqliteTransaction:
        await room.acquire()
        begun: list[Connection] = []
        try:
            await in_thread(self._threads, lambda: begun.append(_begin(engine)))
        except BaseException:
            for connection in begun:
                connection.close()
            room.release()
            raise
        return SqliteTransaction(begun[0], self._threads, room.release)

    async def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()
        self._threads.shutdown(wait=False)
        self._threads = _threads()  # none run until they are needed


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1 + READERS, "sqlite")


async def in_thread(threads: ThreadPoolExecutor, work: Callable[[], object]) -> None:
    """Do it in a thread. It can't be called back, so who is cancelled meanwhile hears it afterwards."""
    doing = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        with suppress(Exception):
            await doing
        raise


def _begin(engine: Engine) -> Connection:
    """Begin, and take the locks that are needed, so that no statement waits for them."""
    connection = engine.connect()
    try:
        connection.execute(_NOTHING)
    except BaseException:
        connection.close()
        raise
    return connection


_NOTHING = text("SELECT 1 FROM sqlite_schema LIMIT 1")


def _engine(url: str, begin: str, keys: Keys, *, looking: bool) -> Engine:
    engine = create_engine(
        url,
        # Several threads use a connection, one after another.
        connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
        pool_size=READERS,
        max_overflow=0,
        execution_options={"ledger_keys": keys},
    )
    prepare_sqlite(engine, begin, looking=looking)
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

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        # Otherwise one text that is damaged fails all that is read with it.
        connection.text_factory = _text
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
