"""The tables compared with what the ledger tells of them, in pages."""

from collections.abc import AsyncIterator

from sqlalchemy import Column, ColumnElement, RowMapping, Table, func, select

from creditbot.domain.replay import Rows, differences

from .connection import AsyncConnection
from .ledger_columns import IN_LEDGER, as_told
from .readable import as_they_lie
from .recount import PAGE
from .tables import approvals, attempts, events, relations, requests


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
    for table in (approvals, relations, attempts):
        query = select(table.c.id).where(func.typeof(table.c.request_id) != "integer").order_by(table.c.id)
        for row_id in (await connection.execute(query)).scalars():
            yield f"Row {row_id} of {table.name}: the request ID in it is not a number."


async def _next_ids(connection: AsyncConnection, after: int | None) -> list[int]:
    """The next requests that any table or event names, whether or not they are there."""
    found: set[int] = set()
    naming = (events, approvals, relations, attempts)
    for column in (requests.c.id, *(table.c.request_id for table in naming)):
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
        found.setdefault(row["id"], Rows()).request = _of_the_ledger(requests, row)
    for row in await _read(connection, approvals, approvals.c.request_id, ids):
        its = found.setdefault(row["request_id"], Rows())
        _put(its.approvals, row["approver"], approvals, row)
    for row in await _read(connection, relations, relations.c.request_id, ids):
        its = found.setdefault(row["request_id"], Rows())
        _put(its.relations, row["kind"], relations, row)
    for row in await _read(connection, attempts, attempts.c.request_id, ids):
        its = found.setdefault(row["request_id"], Rows())
        _put(its.attempts, row["number"], attempts, row)
    return found


def _put(rows: dict[object, dict[str, object]], key: object, table: Table, row: RowMapping) -> None:
    """Under its key, or under another if a row has it already, which the tables' constraints would refuse."""
    rows[key if key not in rows else f"{key}, row {row['id']}"] = _of_the_ledger(table, row)


async def _read(
    connection: AsyncConnection, table: Table, column: Column[int], ids: list[int]
) -> list[RowMapping]:
    query = select(*as_they_lie(table.columns)).where(_among(column, ids))
    return list((await connection.execute(query)).mappings())


def _among(column: Column[int], ids: list[int]) -> ColumnElement[bool]:
    return column.between(ids[0], ids[-1])


def _of_the_ledger(table: Table, row: RowMapping) -> dict[str, object]:
    return {name: as_told(table, name, row[name]) for name in IN_LEDGER[table]}
