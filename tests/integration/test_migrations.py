"""What the migrations lay is what the code believes the tables to be."""

import asyncio
import re
import sqlite3
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from creditbot.migrate import migrate, migrations
from creditbot.store import health
from creditbot.store.database import Database
from creditbot.store.tables import SCHEMA_VERSION, metadata

from .adapters import database_url

WAIT_FOR_THE_WORD = """
import sys
from creditbot.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(sys.argv[1])
"""


def schema(path: Path) -> dict[tuple[str, str], list[str]]:
    """Each thing in a database, with the parts of its SQL in an order that does not matter."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    connection.close()
    return {(kind, name): parts(sql or "") for kind, name, sql in rows if "alembic" not in name}


def parts(sql: str) -> list[str]:
    """`CREATE TABLE t (b, a)` -> its beginning, and the parts in an order that does not matter."""
    beginning, _, rest = " ".join(sql.split()).partition("(")
    columns, _, end = rest.rpartition(")")
    return [beginning, *sorted(part.strip() for part in re.split(r",(?![^(]*\))", columns)), end]


def test_the_migrations_lay_exactly_the_tables_indexes_and_triggers_of_the_code(tmp_path: Path) -> None:
    migrate(database_url(tmp_path / "migrated.db"))
    engine = create_engine(f"sqlite:///{tmp_path / 'created.db'}")
    metadata.create_all(engine)
    engine.dispose()

    laid = schema(tmp_path / "migrated.db")
    believed = schema(tmp_path / "created.db")

    assert ("trigger", "events_refuse_update") in laid
    assert laid.keys() == believed.keys()
    for thing, sql in believed.items():
        assert laid[thing] == sql, thing


def test_alembic_finds_nothing_left_to_migrate(tmp_path: Path) -> None:
    migrate(database_url(tmp_path / "creditbot.db"))
    engine = create_engine(f"sqlite:///{tmp_path / 'creditbot.db'}")

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        found = compare_metadata(context, metadata)
    engine.dispose()

    assert found == []


def test_the_schema_version_of_the_code_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))

    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


async def test_a_migrated_database_reports_its_version(tmp_path: Path) -> None:
    url = database_url(tmp_path / "creditbot.db")
    database = Database(url)
    async with database.read() as connection:
        before = await health.schema_version(connection)
    await asyncio.to_thread(migrate, url)
    async with database.read() as connection:
        after = await health.schema_version(connection)
    await database.close()

    assert (before, after) == (None, SCHEMA_VERSION)


def test_migrating_again_changes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "creditbot.db"
    migrate(database_url(path))
    before = schema(path)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO events (id, at, kind, detail, previous_hash, hash) "
            "VALUES (1, 0, 'k', '{}', 'a', 'b')"
        )
    connection.close()

    migrate(database_url(path))

    assert schema(path) == before
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
    connection.close()


def test_a_database_of_the_first_version_is_brought_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "creditbot.db"
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO requests (origin, subuser, allocation_update, reason, status, version, "
            "requested_by, requested_at, expires_at, approvals_needed) "
            "VALUES ('command:1', 'acme', 5, 'x', 'failed', 3, 'U1', 0, 1, 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO cards (request_id, channel, ts) VALUES (1, 'C1', '1.0'), (1, 'C1', NULL)"
        )
    engine.dispose()

    migrate(database_url(path))

    with sqlite3.connect(path) as connection_after:
        row = connection_after.execute(
            "SELECT origin, status, version, again_of, asked_again_as, contradicted_at FROM requests"
        ).fetchone()
        posts = connection_after.execute("SELECT ts, posts FROM cards ORDER BY id").fetchall()
    connection_after.close()
    assert posts == [("1.0", 1), (None, 0)]
    assert row == ("command:1", "failed", 3, None, None, None)


async def test_processes_that_migrate_at_the_same_moment_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "creditbot.db"
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WAIT_FOR_THE_WORD, database_url(path), stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    assert [process.returncode for process in processes] == [0] * 4, ends
    migrate(database_url(tmp_path / "alone.db"))
    assert schema(path) == schema(tmp_path / "alone.db")


@pytest.mark.parametrize("folder", ["with some spaces", "100%", "%20 %s %(here)s"])
async def test_a_path_with_spaces_or_percent_signs_names_the_file_that_it_spells(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "credit bot%.db"

    await asyncio.to_thread(migrate, database_url(path))
    database = Database(database_url(path))
    async with database.read() as connection:
        version = await health.schema_version(connection)
    await database.close()

    assert path.is_file()
    assert version == SCHEMA_VERSION
