"""Whether the database answers, and how many requests are in which state."""

from sqlalchemy import func, select, text

from .connection import AsyncConnection
from .tables import request_counts, requests


async def queue_comment(connection: AsyncConnection) -> str | None:
    """What `migrate` has noted of the job queue's tables in PostgreSQL, or None if it has laid none."""
    found = await connection.scalar(text("SELECT obj_description(to_regclass('procrastinate_jobs'))"))
    return None if found is None else str(found)


async def is_read_only(connection: AsyncConnection) -> bool:
    """Whether it is a standby, which says so; SQLite's file is looked at elsewhere."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(await connection.scalar(text("SELECT pg_is_in_recovery()")))


async def has_queue(connection: AsyncConnection) -> bool:
    """Whether the job queue's tables are where jobs are put into them; SQLite needs none."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(await connection.scalar(text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")))


async def has_tables(connection: AsyncConnection) -> None:
    """Raise what the database raises where our tables can't be read."""
    await connection.execute(select(requests.c.id).order_by(requests.c.id).limit(1))


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """The number of requests by status."""
    number = func.sum(request_counts.c.number)
    query = select(request_counts.c.status, number.label("number")).group_by(request_counts.c.status)
    return {row.status: int(row.number) for row in await connection.execute(query.having(number > 0))}
