"""Checking the ledger: the chain by itself, and the tables against what it tells of them.

Both read in pages, so that it takes no more memory for a million events than for a thousand. The reader's
transaction sees one moment, while the bot goes on writing.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, RowMapping, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditbot.domain.ledger import GENESIS, Recount, Verification
from creditbot.domain.replay import Rows, differences
from creditbot.domain.requests import subuser_key

from . import append_only
from .audited import AUDITED, told_of
from .engines import ledger_keys
from .readable import as_they_lie
from .tables import approvals, attempts, bulletins, events, requests
from .types import storable

DIGEST = "digest"

PAGE = 500
"""Events, and requests, that are held at a time."""


@dataclass(frozen=True, slots=True)
class NotedHead:
    """An event whose hash was noted elsewhere: its ID, and when it was written, in milliseconds."""

    event_id: int
    at: int


@dataclass(frozen=True, slots=True)
class DigestHead:
    """The ledger's head as a digest has it, when there were so many events."""

    events: int
    head: str


async def recount(
    connection: AsyncConnection, head: str | None = None
) -> tuple[Verification, NotedHead | None]:
    """Recount the chain with the connection's keys, and find the event whose hash is `head`."""
    found, noted = Recount(ledger_keys(connection)), None
    async with connection.stream(
        select(events).order_by(events.c.id).execution_options(yield_per=PAGE)
    ) as rows:
        async for event in rows.mappings():
            if not found.add(dict(event)):
                break
            if event["hash"] == head:
                noted = NotedHead(event["id"], event["at"])
    return found.found, noted


async def missing_triggers(connection: AsyncConnection) -> list[str]:
    """The names of the triggers that keep events as they are, where they are not in force."""
    return await connection.run_sync(append_only.missing)


async def missed_head(connection: AsyncConnection) -> DigestHead | None:
    """The first head in a digest, or in the event about one, that the chain does not have where it was."""
    noted = sorted({head async for head in _heads_of_digests(connection)}, key=lambda head: head.events)
    for first in range(0, len(noted), PAGE):
        page = noted[first : first + PAGE]
        ids = [head.events for head in page]
        found = await connection.execute(select(events.c.id, events.c.hash).where(events.c.id.in_(ids)))
        hashes = {0: GENESIS} | {row.id: row.hash for row in found}
        for head in page:
            if hashes.get(head.events) != head.head:
                return head
    return None


async def _heads_of_digests(connection: AsyncConnection) -> AsyncIterator[DigestHead]:
    for query in (
        select(bulletins.c.content).where(bulletins.c.kind == DIGEST, bulletins.c.content.is_not(None)),
        select(events.c.detail).where(events.c.kind == DIGEST),
    ):
        for text in (await connection.execute(query)).scalars():
            for head in _head_of_digest(text):
                yield head


def _head_of_digest(text: str) -> Iterator[DigestHead]:
    """None of a digest that is not as we write it."""
    try:
        content = json.loads(text)
        number, head = content["events"], content["head"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    if isinstance(number, int) and 0 <= number < 2**31 and re.fullmatch("[0-9a-f]{64}", str(head)):
        yield DigestHead(number, head)


async def history(
    connection: AsyncConnection, since: int | None, before: int | None, *, subuser: str | None
) -> AsyncIterator[Mapping[str, Any]]:
    """The events of some time, in milliseconds, each with the name of the subuser that it is about.

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
                yield {**row, "subuser": about}


def _asked_for(detail: str) -> str | None:
    """The subuser in an event's detail. The databases' own operators fail on what is not quite JSON."""
    try:
        content = json.loads(detail)
    except (TypeError, ValueError, RecursionError):
        return None
    name = content.get("subuser") if isinstance(content, dict) else None
    return storable(name) if isinstance(name, str) else None


async def compare(connection: AsyncConnection) -> AsyncIterator[str]:
    """A sentence for each row that is not as the ledger tells, request by request."""
    after: int | None = None
    while ids := await _next_ids(connection, after):
        told = await _told_by_request(connection, ids)
        rows = await _rows_by_request(connection, ids)
        for request_id in ids:
            its_rows = told.get(request_id, Rows()), rows.get(request_id, Rows())
            for difference in differences(request_id, *its_rows):
                yield difference
        after = ids[-1]
    async for stray in _strays(connection):
        yield stray


async def _strays(connection: AsyncConnection) -> AsyncIterator[str]:
    """A sentence for each row of a request whose ID is no number, which SQLite would keep."""
    if connection.dialect.name == "postgresql":
        return
    for table in (approvals, attempts):
        query = select(table.c.id).where(func.typeof(table.c.request_id) != "integer").order_by(table.c.id)
        for row_id in (await connection.execute(query)).scalars():
            yield f"Row {row_id} of {table.name}: the request ID in it is not a number."


async def _next_ids(connection: AsyncConnection, after: int | None) -> list[int]:
    """The next requests that any table or event names, whether or not they are there."""
    found: set[int] = set()
    for column in (requests.c.id, events.c.request_id, approvals.c.request_id, attempts.c.request_id):
        query = select(column).distinct().where(column.is_not(None)).order_by(column).limit(PAGE)
        if after is not None:
            query = query.where(column > after)
        if connection.dialect.name == "sqlite":
            query = query.where(func.typeof(column) == "integer")
        found.update((await connection.execute(query)).scalars())
    return sorted(found)[:PAGE]


async def _told_by_request(connection: AsyncConnection, ids: list[int]) -> dict[int, Rows]:
    """The rows as the events tell of them."""
    query = select(events.c.request_id, events.c.kind, events.c.actor, events.c.detail)
    query = query.where(_among(events.c.request_id, ids)).order_by(events.c.request_id, events.c.id)
    found: dict[int, Rows] = {}
    async with connection.stream(query.execution_options(yield_per=PAGE)) as rows:
        async for event in rows.mappings():
            found.setdefault(event["request_id"], Rows()).replay(dict(event))
    return found


async def _rows_by_request(connection: AsyncConnection, ids: list[int]) -> dict[int, Rows]:
    found: dict[int, Rows] = {}
    for row in await _read(connection, requests, requests.c.id, ids):
        found.setdefault(row["id"], Rows()).request = _audited(requests, row)
    for row in await _read(connection, approvals, approvals.c.request_id, ids):
        its = found.setdefault(row["request_id"], Rows())
        _put(its.approvals, row["approver"], _audited(approvals, row))
    for row in await _read(connection, attempts, attempts.c.request_id, ids):
        its = found.setdefault(row["request_id"], Rows())
        _put(its.attempts, row["number"], _audited(attempts, row))
    return found


def _put(rows: dict[object, dict[str, object]], key: object, row: dict[str, object]) -> None:
    """Under its key, or under another if a row has it already, which the tables' constraints would refuse."""
    rows[key if key not in rows else f"{key}, row {row['id']}"] = row


async def _read(
    connection: AsyncConnection, table: Table, column: Column[int], ids: list[int]
) -> list[RowMapping]:
    query = select(*as_they_lie(table.columns)).where(_among(column, ids))
    return list((await connection.execute(query)).mappings())


def _among(column: Column[int], ids: list[int]) -> ColumnElement[bool]:
    return column.between(ids[0], ids[-1])


def _audited(table: Table, row: RowMapping) -> dict[str, object]:
    return {name: told_of(table, name, row[name]) for name in AUDITED[table]}
