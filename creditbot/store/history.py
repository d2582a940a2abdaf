"""The ledger's events of some time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import or_, select

from creditbot.domain.changes import subuser_key
from creditbot.domain.documents import read_document

from .connection import AsyncConnection
from .recount import PAGE
from .tables import events, requests
from .types import storable


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """An event as it lies in the table, with the name of the subuser that it is about.

    Its types are those that are written; SQLite keeps whatever it is given, and that must be shown as well.
    `at` is in milliseconds, `detail` the JSON as it was hashed.
    """

    id: int
    at: int
    request_id: int | None
    subuser: str | None
    kind: str
    actor: str | None
    from_status: str | None
    to_status: str | None
    detail: str
    previous_hash: str
    hash: str


async def history(
    connection: AsyncConnection, since: int | None, before: int | None, *, subuser: str | None
) -> AsyncIterator[HistoryEvent]:
    """The events of some time, in milliseconds.

    Of one subuser, in whatever case its name was typed, also what was refused when it was asked for, of
    which there is no request.
    """
    query = select(events, requests.c.subuser).join(
        requests, requests.c.id == events.c.request_id, isouter=True
    )
    if since is not None:
        query = query.where(events.c.at >= since)
    if before is not None:
        query = query.where(events.c.at < before)
    key = None if subuser is None else subuser_key(subuser)
    if key is not None:
        query = query.where(or_(requests.c.subuser_key == key, requests.c.id.is_(None)))
    query = query.order_by(events.c.id).execution_options(yield_per=PAGE)
    async with connection.stream(query) as rows:
        async for row in rows.mappings():
            about = row["subuser"] or _asked_for(row["detail"])
            # What no request has a key for is looked at here: databases fold no case but that of ASCII.
            if key is None or (about is not None and subuser_key(about) == key):
                yield HistoryEvent(**{**row, "subuser": about})


def _asked_for(detail: str) -> str | None:
    """The subuser in an event's detail. The databases' own operators fail on what is not quite JSON."""
    name = (read_document(detail) or {}).get("subuser")
    return storable(name) if isinstance(name, str) else None
