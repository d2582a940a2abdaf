"""Laying the tables, from the migrations that the wheel carries.

Alembic takes half a second to import, so only what lays tables imports this module.
"""

import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine

from creditbot.store.database import prepare_sqlite

PATIENCE = 60
"""Seconds to wait for another process that is migrating the same database."""


def migrations() -> Path:
    """The migrations' folder: inside an installed package, or at the top of a checkout."""
    packaged = Path(__file__).parent / "_migrations"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "migrations"


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


def migrate(url: str) -> None:
    """Bring the database at `url` (`sqlite+aiosqlite:///…`) to the newest schema.

    The write lock is taken before the present schema is read, so that of several processes which start
    at once one lays the tables and the others find them.
    """
    engine = create_engine(url.replace("sqlite+aiosqlite:", "sqlite:", 1), connect_args={"timeout": PATIENCE})
    prepare_sqlite(engine, "BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    try:
        use_wal(engine)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
