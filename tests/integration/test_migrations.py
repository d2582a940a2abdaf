"""What the migrations lay is what the code believes the tables to be."""

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, func, insert, select, text

from creditbot.domain.errors import DomainError
from creditbot.migrate import migrate, migrations
from creditbot.store import identity
from creditbot.store.database import Database
from creditbot.store.engines import is_postgres
from creditbot.store.tables import SCHEMA_VERSION, VERSION_TABLE, events, whole_schema
from tests.extent import short_or_long

from .adapters import database_url
from .conftest import MakeDatabase
from .schemas import Schema, of_the_queue, schema

WAIT_FOR_THE_WORD = """
import sys
from creditbot.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(sys.argv[1])
"""


def our_schema(url: str) -> Schema:
    """Without what others lay: Alembic's table, and the queue's."""
    return {
        (kind, name): parts(definition)
        for (kind, name), definition in schema(url).items()
        if VERSION_TABLE not in name and not of_the_queue(name)
    }


def parts(sql: str) -> str:
    """The parts of `CREATE TABLE t (b, a)` in an order that does not matter."""
    if not sql.startswith("CREATE TABLE"):
        return " ".join(sql.split())
    beginning, _, rest = " ".join(sql.split()).partition("(")
    columns, _, end = rest.rpartition(")")
    return "\n".join([beginning, *sorted(part.strip() for part in re.split(r",(?![^(]*\))", columns)), end])


def test_the_migrations_lay_exactly_the_tables_indexes_and_triggers_of_the_code(
    new_database: MakeDatabase,
) -> None:
    migrated, created = new_database(), new_database()
    migrate(migrated)
    engine = create_engine(created)
    whole_schema().create_all(engine)
    engine.dispose()

    laid = our_schema(migrated)
    believed = our_schema(created)

    assert [name for kind, name in laid if kind == "trigger" and name.startswith("events_refuse")]
    assert laid.keys() == believed.keys()
    for thing, definition in believed.items():
        assert laid[thing] == definition, thing


def test_alembic_finds_nothing_left_to_migrate(new_database: MakeDatabase) -> None:
    url = new_database()
    migrate(url)
    engine = create_engine(url)
    options = {
        "version_table": VERSION_TABLE,
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _parents: kind != "table" or not of_the_queue(name),
    }

    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts=options), whole_schema())
    engine.dispose()

    assert found == []


def test_the_schema_version_of_the_code_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))

    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


async def test_a_migrated_database_reports_its_version(new_database: MakeDatabase) -> None:
    url = new_database()
    database = Database(url)
    async with database.read() as connection:
        before = await connection.run_sync(identity.version_of)
    await asyncio.to_thread(migrate, url)
    async with database.read() as connection:
        after = await connection.run_sync(identity.version_of)
    await database.close()

    assert (before, after) == (None, SCHEMA_VERSION)


def test_migrating_again_changes_nothing_and_loses_nothing(new_database: MakeDatabase) -> None:
    url = new_database()
    migrate(url)
    before = schema(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            insert(events).values(id=1, at=0, kind="k", detail="{}", previous_hash="a", hash="b")
        )

    migrate(url)

    assert schema(url) == before
    with engine.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(events)) == 1
    engine.dispose()


def lay(connection: Connection, version: str) -> None:
    """The tables as they were at that version."""
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def test_a_database_of_the_first_version_is_brought_up_to_date_with_what_is_in_it(
    new_database: MakeDatabase,
) -> None:
    url = new_database()
    engine = create_engine(url)
    with engine.begin() as connection:
        lay(connection, "0001")
        connection.exec_driver_sql(
            "INSERT INTO requests (origin, subuser, allocation_update, reason, status, version, "
            "requested_by, requested_at, expires_at, approvals_needed) "
            "VALUES ('command:1', 'acme', 5, 'x', 'failed', 3, 'U1', 0, 1, 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO cards (request_id, channel, ts) VALUES (1, 'C1', '1.0'), (1, 'C1', NULL)"
        )
    engine.dispose()

    migrate(url)

    with engine.begin() as connection:
        row = connection.exec_driver_sql(
            "SELECT origin, status, version, contradicted_at FROM requests"
        ).one()
        posts = connection.exec_driver_sql("SELECT ts, posts FROM outbox ORDER BY id").all()
    engine.dispose()
    assert [tuple(found) for found in posts] == [("1.0", 1), (None, 0)]
    assert tuple(row) == ("command:1", "failed", 3, None)


def test_cards_and_counts_are_brought_in_step_with_the_requests_that_are_there(
    new_database: MakeDatabase,
) -> None:
    url = new_database()
    engine = create_engine(url)
    with engine.begin() as connection:
        lay(connection, "0015")
        for name, status, version, checked in (
            ("a", "applied", 7, 5), ("a", "pending", 1, None), ("b", "applied", 3, 5),
        ):  # fmt: skip
            connection.execute(
                text(
                    "INSERT INTO requests (origin, subuser, subuser_key, allocation_update, reason, status, "
                    "version, requested_by, requested_at, expires_at, approvals_needed, checked_at) "
                    "VALUES (:origin, :name, :name, 5, 'x', :status, :version, 'U1', 0, 1, 1, :checked)"
                ),
                {
                    "origin": f"{name}{version}",
                    "name": name,
                    "status": status,
                    "version": version,
                    "checked": checked,
                },
            )
        connection.exec_driver_sql(
            "INSERT INTO cards (request_id, channel, ts, shown_version) "
            "VALUES (1, 'C1', '1.0', 7), (2, 'C1', NULL, 0), (3, 'C1', '3.0', 2)"
        )
    engine.dispose()

    migrate(url)

    with engine.begin() as connection:
        wanted = connection.exec_driver_sql("SELECT wanted_version FROM outbox ORDER BY id").scalars().all()
        counts = connection.exec_driver_sql("SELECT * FROM request_counts ORDER BY 1, 2").all()
    engine.dispose()
    assert wanted == [7, 0, 3]
    assert [tuple(row) for row in counts] == [("a", "applied", 1), ("a", "pending", 1), ("b", "applied", 1)]


RELATIONS = "SELECT request_id, kind, of_request FROM relations ORDER BY 1"


def test_a_request_that_was_asked_for_again_is_still_followed_by_the_other(
    new_database: MakeDatabase,
) -> None:
    url = new_database()
    engine = create_engine(url)
    with engine.begin() as connection:
        lay(connection, "0016")
        for number, status, again_of, asked_again_as in (
            (1, "failed", None, 2), (2, "failed", 1, 3), (3, "pending", 2, None), (4, "pending", None, None),
        ):  # fmt: skip
            connection.execute(
                text(
                    "INSERT INTO requests (origin, subuser, subuser_key, allocation_update, reason, status, "
                    "version, requested_by, requested_at, expires_at, approvals_needed, again_of, "
                    "asked_again_as) VALUES (:origin, 'a', 'a', 5, 'x', :status, 1, 'U1', 0, 1, 1, "
                    ":again_of, :asked_again_as)"
                ),
                {
                    "origin": f"again:{again_of}" if again_of else f"command:{number}",
                    "status": status,
                    "again_of": again_of,
                    "asked_again_as": asked_again_as,
                },
            )
    engine.dispose()

    migrate(url)

    with engine.begin() as connection:
        rows = connection.exec_driver_sql(RELATIONS).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [(2, "again", 1), (3, "again", 2)]


@pytest.fixture
def with_requests(new_database: MakeDatabase) -> Callable[..., str]:
    """Makes a database as it was before names were folded, with requests by name and status."""

    def make(*found: tuple[str, str]) -> str:
        url = new_database()
        engine = create_engine(url)
        config = Config()
        config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0004")
            for number, (name, status) in enumerate(found):
                connection.execute(
                    text(
                        "INSERT INTO requests (origin, subuser, allocation_update, reason, status, version, "
                        "requested_by, requested_at, expires_at, approvals_needed) "
                        "VALUES (:origin, :name, 5, 'x', :status, 3, 'U1', 0, 1, 1)"
                    ),
                    {"origin": f"command:{number}", "name": name, "status": status},
                )
        engine.dispose()
        return url

    return make


def test_requests_that_are_there_get_the_key_of_their_subuser(with_requests: Callable[..., str]) -> None:
    url = with_requests(
        ("ÄCME", "in_doubt"), ("äcme", "approved"), ("äcme", "applied"), ("other", "applying")
    )

    migrate(url)

    engine = create_engine(url)
    with engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT subuser, subuser_key FROM requests ORDER BY id").all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("ÄCME", "äcme"), ("äcme", "äcme"), ("äcme", "äcme"), ("other", "other"),
    ]  # fmt: skip


def test_two_spellings_of_a_subuser_that_are_both_under_way_are_left_to_a_person(
    with_requests: Callable[..., str],
) -> None:
    url = with_requests(("acme", "in_doubt"), ("other", "in_doubt"), ("ACME", "applying"))
    before = schema(url)

    with pytest.raises(
        DomainError, match=r"requests 1 \(`acme`\) and 3 \(`ACME`\) are under way or in doubt"
    ):
        migrate(url)
    assert schema(url) == before

    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE requests SET status = 'applied' WHERE id = 3")
    engine.dispose()
    migrate(url)


async def test_processes_that_migrate_at_the_same_moment_all_succeed(new_database: MakeDatabase) -> None:
    url, alone = new_database(), new_database()
    pipe, number = asyncio.subprocess.PIPE, short_or_long(3, 8 if is_postgres(url) else 4)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WAIT_FOR_THE_WORD, url, stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(number)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    assert [process.returncode for process in processes] == [0] * number, ends
    await asyncio.to_thread(migrate, alone)
    assert schema(url) == schema(alone)


@pytest.mark.parametrize("folder", ["with some spaces", "100%", "%20 %s %(here)s"])
async def test_a_path_with_spaces_or_percent_signs_names_the_file_that_it_spells(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "credit bot%.db"

    await asyncio.to_thread(migrate, database_url(path))
    database = Database(database_url(path))
    async with database.read() as connection:
        version = await connection.run_sync(identity.version_of)
    await database.close()

    assert path.is_file()
    assert version == SCHEMA_VERSION
