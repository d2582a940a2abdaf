"""Procrastinate's tables: laid beside ours, and brought up to date when a newer one is installed."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import procrastinate.schema
import pytest
from sqlalchemy import Connection, create_engine, text

from creditbot.migrate import migrate
from creditbot.runners.schema import queue_of
from creditbot.startup.database import prepare_database
from creditbot.store.work import Queue
from tests.postgres import MIGRATED, PostgresServer

from .schemas import of_the_queue, schema

SCRIPTS = sorted(Path(procrastinate.schema.SchemaManager.get_migrations_path()).glob("*.sql"))
NOW = f"procrastinate {version('procrastinate')}"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A database without any tables."""
    name = postgres.create()
    yield postgres.driver_url(name)
    postgres.drop(name)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def lay_as_of(connection: Connection, number: str) -> None:
    """The tables as the release of that number had them, with the comment that we would have left."""
    cursor = connection.connection.cursor()
    for script in SCRIPTS:
        if script.name.partition("_")[0] <= number:
            cursor.execute(script.read_text())
    cursor.close()
    spoken = ".".join(str(int(part)) for part in number.split("."))
    connection.exec_driver_sql(f"COMMENT ON TABLE procrastinate_jobs IS 'procrastinate {spoken}'")


def comment(connection: Connection) -> str | None:
    found: str | None = connection.scalar(text("SELECT obj_description('procrastinate_jobs'::regclass)"))
    return found


def test_the_queue_is_laid_with_our_tables_and_says_whose_version_it_is(
    url: str, connection: Connection
) -> None:
    migrate(url)

    tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    assert {"procrastinate_jobs", "procrastinate_workers", "requests", "events"} <= set(tables)
    assert comment(connection) == NOW


@pytest.mark.parametrize("number", ["02.14.01", "03.00.00", "03.01.00", "03.02.00", "03.03.00"])
def test_a_queue_that_an_older_release_laid_becomes_what_the_newest_lays(
    url: str, connection: Connection, postgres: PostgresServer, number: str
) -> None:
    lay_as_of(connection, number)
    newest = {
        thing: how for thing, how in schema(postgres.driver_url(MIGRATED)).items() if of_the_queue(thing[1])
    }
    older = {thing: how for thing, how in schema(url).items() if of_the_queue(thing[1])}

    migrate(url)

    assert older != newest
    assert {thing: how for thing, how in schema(url).items() if of_the_queue(thing[1])} == newest
    assert comment(connection) == NOW


def test_jobs_that_wait_in_an_older_queue_are_kept_but_for_those_of_another_version_of_the_tables(
    url: str, connection: Connection
) -> None:
    """What is due stands in the tables; and nobody listens there any more."""
    lay_as_of(connection, "03.03.00")
    for queue, task, lock in (
        (queue_of(Queue.SLACK), "creditbot.deliver", "deliver 1"),
        ("slack", "creditbot.draw", "draw 1"),
        ("slack", "anothers.task", "another's"),
    ):
        connection.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock) VALUES (:queue, :task, :lock)"
            ),
            {"queue": queue, "task": task, "lock": lock},
        )

    migrate(url)

    locks = connection.scalars(text("SELECT lock FROM procrastinate_jobs ORDER BY id")).all()
    assert locks == ["deliver 1", "another's"]


def test_a_queue_of_the_installed_release_is_left_alone(url: str, connection: Connection) -> None:
    migrate(url)
    connection.exec_driver_sql("DROP FUNCTION procrastinate_retry_job_v2")
    changed = schema(url)

    migrate(url)

    assert schema(url) == changed


def test_a_queue_of_a_newer_release_is_left_as_it_is(url: str, connection: Connection) -> None:
    migrate(url)
    connection.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS 'procrastinate 99.0.0'")

    migrate(url)

    assert comment(connection) == "procrastinate 99.0.0"


def test_a_queue_that_somebody_else_has_laid_is_left_alone(url: str, connection: Connection) -> None:
    lay_as_of(connection, "03.03.00")
    connection.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS NULL")
    theirs = {thing: how for thing, how in schema(url).items() if of_the_queue(thing[1])}

    migrate(url)

    assert {thing: how for thing, how in schema(url).items() if of_the_queue(thing[1])} == theirs
    assert comment(connection) is None


async def test_a_start_brings_an_older_queue_beside_tables_of_today_up_to_date(
    url: str, connection: Connection, postgres: PostgresServer
) -> None:
    lay_as_of(connection, "03.03.00")
    connection.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS NULL")
    migrate(url)  # which lays our own tables only
    connection.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS 'procrastinate 3.3.0'")

    await prepare_database(url)

    assert schema(url) == schema(postgres.driver_url(MIGRATED))
    assert comment(connection) == NOW
