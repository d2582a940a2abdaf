"""Whether the database answers, which schema it has, and how many requests are in which state."""

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from .tables import requests


async def schema_version(connection: AsyncConnection) -> str | None:
    """The migration that the database is at, or None if it has no tables yet."""
    try:
        found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # PostgreSQL: undefined table
        return None
    except OperationalError as error:
        if "no such table" in str(error.orig):  # SQLite
            return None
        raise
    return None if found is None else str(found)


async def queue_comment(connection: AsyncConnection) -> str | None:
    """What `migrate` has noted of the job queue's tables in PostgreSQL, or None if it has laid none."""
    found = await connection.scalar(text("SELECT obj_description(to_regclass('procrastinate_jobs'))"))
    return None if found is None else str(found)


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """The number of requests by status."""
    query = select(requests.c.status, func.count().label("number")).group_by(requests.c.status)
    return {row.status: row.number for row in await connection.execute(query)}
