"""The ledger's rows as they lie in the database."""

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.store.tables import events


async def all_events(connection: AsyncConnection, request_id: int | None = None) -> list[RowMapping]:
    """All events in the order of their IDs, or those of one request."""
    query = select(events).order_by(events.c.id)
    if request_id is not None:
        query = query.where(events.c.request_id == request_id)
    return list((await connection.execute(query)).mappings())
