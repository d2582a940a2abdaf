"""Laying the tables, from the migrations that the wheel carries, and on PostgreSQL the job queue's.

Alembic takes half a second to import, so only what lays tables imports this module.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text

from creditbot.store import append_only, identity, in_step, leftovers
from creditbot.store.engines import is_postgres
from creditbot.store.postgres import UNPREPARED, connection_parameters
from creditbot.store.sqlite import prepare_sqlite

PATIENCE = 60
"""Seconds to wait for another process that is migrating the same database."""

MIGRATION_LOCK = 0x6D696772617465
"""The advisory lock (the bytes of "migrate") that lets one process at a time lay tables in PostgreSQL."""


def migrations() -> Path:
    """The migrations' folder: inside an installed package, or at the top of a checkout."""
    packaged = Path(__file__).parent / "_migrations"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "migrations"


def migrate(url: str) -> None:
    """Bring the database at `url` (`sqlite:///…`, `postgresql+psycopg://…`) to the newest schema.

    Triggers that were taken away are laid again.

    A lock is taken before the present schema is read, so that of several processes which start at once
    one lays the tables and the others find them. All of it is one transaction.

    Raises:
        UnfitDatabase: it is another program's, a later version of creditbot has laid the tables, or a
            restored file lies beside the log of the one before it. Nothing was changed.
    """
    leftovers.check_log(url)
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    with _locked(url) as connection:
        identity.check_not_newer(identity.version_of(connection))
        identity.take_over(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        # Someone may have taken them away since; the migrations lay them only once.
        append_only.lay(connection)
        in_step.lay(connection)
        if is_postgres(url):
            from creditbot.runners import schema  # noqa: PLC0415 - only there with PostgreSQL's extra

            schema.lay_queue(connection)
            schema.forget_older_jobs(connection)


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    engine = _postgres_engine(url) if is_postgres(url) else _sqlite_engine(url)
    try:
        if not is_postgres(url):
            with engine.connect() as connection:
                identity.version_of(connection)  # before the mode of a file that is not ours is changed
            use_wal(engine)
        with engine.begin() as connection:
            if is_postgres(url):
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            yield connection
    finally:
        engine.dispose()


def _postgres_engine(url: str) -> Engine:
    return create_engine(url, connect_args=connection_parameters(url) | UNPREPARED)


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": PATIENCE})
    prepare_sqlite(engine, "BEGIN IMMEDIATE")
    return engine


def use_wal(engine: Engine) -> None:
    """Let readers read beside the writer. The mode stays with the file, so this is done once.

    SQLite does not wait for its lock here, as it does elsewhere.
    """
    connection = engine.raw_connection()
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return
    finally:
        connection.close()
