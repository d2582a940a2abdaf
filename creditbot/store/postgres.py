"""PostgreSQL: writers take turns over all processes, as SQLite's do, and commits last."""

from typing import Any

from sqlalchemy import event, exc, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from creditbot.domain.chain import Keys

from .opened import BUSY_TIMEOUT, CommitUnclear

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


WRITERS, READERS = 2, 4
"""Connections that are kept. One writes at a time, unless it was left to itself with a silent server."""


class PostgresTransaction:
    """`Opened` on PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def commit(self) -> None:
        try:
            await self.connection.commit()
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                raise CommitUnclear(str(error.orig)) from error
            raise

    async def end(self) -> None:
        await self.connection.close()


class Postgres:
    """`Engines` on PostgreSQL. Who writes waits for no connection that somebody reads with."""

    def __init__(self, url: str, keys: Keys) -> None:
        # Each statement of a writer sees what was committed before it, so also while it waited for its turn.
        self._writer = _engine(url, WRITERS, keys, isolation_level="READ COMMITTED")
        event.listen(self._writer.sync_engine, "begin", _take_turns)
        self._aside = self._writer.execution_options(creditbot_aside=True)
        self._reader = _engine(url, READERS, keys, isolation_level="REPEATABLE READ").execution_options(
            postgresql_readonly=True
        )

    async def write(self) -> PostgresTransaction:
        return await _begin(self._writer)

    async def aside(self) -> PostgresTransaction:
        return await _begin(self._aside)

    async def read(self) -> PostgresTransaction:
        return await _begin(self._reader)

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()


async def _begin(engine: AsyncEngine) -> PostgresTransaction:
    connection = await engine.connect().start()
    try:
        await connection.begin()
    except BaseException:
        await connection.close()
        raise
    return PostgresTransaction(connection)


def _engine(url: str, connections: int, keys: Keys, *, isolation_level: str) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=connections,
        max_overflow=4,
        pool_timeout=5,
        # A connection that a restart or a failover has cut is found out before it is used.
        pool_pre_ping=True,
        pool_recycle=300,
        isolation_level=isolation_level,
        connect_args=connection_parameters(url) | UNPREPARED,
        execution_options={"ledger_keys": keys},
    )


def _take_turns(connection: Any) -> None:
    """Begin a write transaction as BEGIN IMMEDIATE does, and make its commit last.

    A server may be set to report a commit before it is on disk; an attempt that such a server forgets
    would be sent again. Settings and lock end with the transaction, since with a pooler in between the next
    one on the same connection may be another process's.
    """
    connection.exec_driver_sql(
        "SELECT set_config('lock_timeout', %s, true), set_config('synchronous_commit', CASE "
        "WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on' "
        "ELSE current_setting('synchronous_commit') END, true), "
        "set_config('idle_in_transaction_session_timeout', %s, true)",
        (str(round(BUSY_TIMEOUT * 1000)), str(round(FROZEN_TIMEOUT * 1000))),
    )
    if not connection.get_execution_options().get("creditbot_aside"):
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
