"""Laying Procrastinate's tables, and bringing them up to date when a newer Procrastinate is installed.

Source: procrastinate.readthedocs.io/en/stable/howto/production/migrations.html
"""

from importlib.metadata import version as installed_version
from pathlib import Path

import procrastinate.schema
from sqlalchemy import Connection, text

from creditbot.store.tables import SCHEMA_VERSION
from creditbot.store.work import Queue

Version = tuple[int, ...]


def lay_queue(connection: Connection) -> None:
    """Lay or update the queue's tables, inside the caller's transaction.

    Procrastinate keeps no version of its schema, so the one that was laid stands in the table's comment.
    """
    wanted = installed_version("procrastinate")
    laid = connection.scalar(text("SELECT coalesce(obj_description(to_regclass('procrastinate_jobs')), '')"))
    there = connection.scalar(text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL"))
    if not there:
        _run(connection, procrastinate.schema.SchemaManager.get_schema())
    elif not laid:
        return  # somebody else's, or laid by hand: theirs to keep up to date
    elif read(laid) >= read(wanted):
        return  # an older Procrastinate works with newer tables; nothing leads back
    else:
        folder = Path(procrastinate.schema.SchemaManager.get_migrations_path())
        for script in scripts_between(sorted(folder.glob("*.sql")), read(laid), read(wanted)):
            _run(connection, script.read_text())
    connection.exec_driver_sql(f"COMMENT ON TABLE procrastinate_jobs IS 'procrastinate {wanted}'")


def queue_of(queue: Queue) -> str:
    """The name of a queue, by the version of the tables.

    A worker of another version, which may still run after a migration, takes no job from it: it might send a
    change whose outcome it can't write down.
    """
    return f"{queue} {SCHEMA_VERSION}"


def forget_older_jobs(connection: Connection) -> None:
    """Drop what waits in the queues of another version: what is due stands in the tables."""
    if connection.scalar(text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")):
        older = text(
            "DELETE FROM procrastinate_jobs "
            "WHERE status = 'todo' AND task_name LIKE 'creditbot.%' AND queue_name <> ALL(:present)"
        )
        connection.execute(older, {"present": [queue_of(queue) for queue in Queue]})


def is_older(comment: str | None) -> bool:
    """Whether tables with this comment need `lay_queue`; those without one are not ours."""
    return bool(comment) and read(str(comment)) < read(installed_version("procrastinate"))


def scripts_between(scripts: list[Path], laid: Version, wanted: Version) -> list[Path]:
    """The migrations that a schema of version `laid` still needs; names begin with `03.04.00_`."""
    return [script for script in scripts if laid < read(script.name.partition("_")[0]) <= wanted]


def read(name: str) -> Version:
    """`procrastinate 3.10.0` -> (3, 10, 0)"""
    return tuple(int(part) for part in name.rpartition(" ")[2].split(".") if part.isdecimal())


def _run(connection: Connection, script: str) -> None:
    """Several statements at once, as they are: the driver must look for no parameters in them."""
    cursor = connection.connection.cursor()
    cursor.execute(script)
    cursor.close()
