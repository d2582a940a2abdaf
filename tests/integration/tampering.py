"""What a rogue database administrator may do to one row, with all triggers and foreign keys off."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from sqlalchemy import Table, create_engine, delete, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from creditbot.domain.chain import GENESIS, KEYED, Keys, event_hash, fingerprint
from creditbot.store.engines import is_postgres
from creditbot.store.ledger_columns import IN_LEDGER, recorded
from creditbot.store.sqlite import InPlace
from creditbot.store.tables import approvals, attempts, events, relations, requests
from creditbot.store.types import from_millis

TOLD_OF = (requests, approvals, relations, attempts)

Row = dict[str, Any]


@asynccontextmanager
async def as_administrator(url: str, keys: Keys = ()) -> AsyncIterator[AsyncConnection]:
    """A transaction in which everything may be changed; it is rolled back in the end.

    The keys are for checking. Whoever tampers has none.
    """
    async with _by_hand(url, keys) as connection:
        if is_postgres(url):
            await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            for name in ("update", "delete", "replace"):
                await connection.exec_driver_sql(f"DROP TRIGGER events_refuse_{name}")
        yield connection


@asynccontextmanager
async def _by_hand(url: str, keys: Keys) -> AsyncIterator[AsyncConnection]:
    """A transaction that holds to nothing of what creditbot sets for its own."""
    options = {"ledger_keys": keys}
    if is_postgres(url):
        engine = create_async_engine(url, execution_options=options)
        async with engine.connect() as connection:
            yield connection
        await engine.dispose()
        return
    file = create_engine(url, execution_options=options)
    event.listen(file, "connect", _take_no_care)
    with file.connect() as opened:
        opened.exec_driver_sql("BEGIN")
        yield InPlace(opened)
    file.dispose()


@asynccontextmanager
async def undone(connection: AsyncConnection) -> AsyncIterator[None]:
    """Whatever is done here is undone at the end."""
    await connection.exec_driver_sql("SAVEPOINT before")
    yield
    await connection.exec_driver_sql("ROLLBACK TO SAVEPOINT before")


async def forge_an_approval(connection: AsyncConnection, request_id: int, approver: str) -> None:
    """Approve in SQL: the rows, and an event about them at the end of the chain with the hash that fits."""
    last = (await connection.execute(select(events).order_by(events.c.id.desc()).limit(1))).one()
    at = from_millis(last.at)
    approval = {"id": 9000, "request_id": request_id, "approver": approver, "at": at}
    decision = {"status": "approved", "decided_by": approver, "decided_at": at}
    await connection.execute(insert(approvals).values(approval))
    await connection.execute(update(requests).where(requests.c.id == request_id).values(decision))
    row: Row = {
        "id": last.id + 1,
        "request_id": request_id,
        "at": last.at,
        "kind": "approved",
        "actor": approver,
        "from_status": "pending",
        "to_status": "approved",
        "detail": json.dumps(recorded(approvals, approval) | recorded(requests, decision)),
        "previous_hash": last.hash,
    }
    await connection.execute(insert(events).values(row | {"hash": event_hash(last.hash, row)}))


async def go_back_to(connection: AsyncConnection, key: bytes) -> None:
    """Name an old key that leaked once more, at the end of the chain."""
    last = (await connection.execute(select(events).order_by(events.c.id.desc()).limit(1))).one()
    row: Row = dict.fromkeys(("request_id", "actor", "from_status", "to_status"))
    row |= {"id": last.id + 1, "at": last.at, "kind": KEYED, "previous_hash": last.hash}
    row["detail"] = json.dumps({"key": fingerprint(key)})
    await connection.execute(insert(events).values(row | {"hash": event_hash(last.hash, row, key)}))


def _take_no_care(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


class Tamperer:
    """Does one thing to one row, drawn at random; `done` says what."""

    def __init__(self, connection: AsyncConnection, random: Random) -> None:
        self.connection = connection
        self.random = random
        self.done = ""

    async def tamper(self) -> None:
        deeds: list[Callable[[], Any]] = [
            self.edit_event,
            self.edit_event_and_rehash_all,
            self.delete_event,
            self.insert_event,
            self.swap_events,
            self.edit_row,
            self.edit_row,
            self.edit_row,
            self.delete_row,
            self.insert_row,
        ]
        while True:
            deed = self.random.choice(deeds)
            await self.connection.exec_driver_sql("SAVEPOINT whole")
            try:
                await deed()
            except DBAPIError:  # a constraint that even an administrator has to keep: something else, then
                await self.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT whole")
            else:
                return

    async def rows(self, table: Table) -> list[Row]:
        query = select(table).order_by(table.c.id)
        # As they lie there, not as the types read them.
        plain = query.with_only_columns(*(text(f'"{column.name}"') for column in table.columns))
        names = [column.name for column in table.columns]
        found = await self.connection.execute(plain.select_from(table))
        return [dict(zip(names, row, strict=True)) for row in found]

    async def edit_event(self) -> None:
        row = self.random.choice(await self.rows(events))
        await self.edit(events, row, self.random.choice([column.name for column in events.columns]))

    async def edit_event_and_rehash_all(self) -> None:
        row = self.random.choice(await self.rows(events))
        column = self.random.choice(["request_id", "at", "kind", "actor", "detail"])
        await self.rewrite(row["id"], {column: self.another(column, row[column])})

    async def rewrite(self, event_id: int, values: Row) -> None:
        """Edit an event, and hash the whole chain anew."""
        await self.put(events, event_id, values)
        self.done = f"event {event_id}: {values}, and all hashes"
        previous = GENESIS
        for event_ in await self.rows(events):
            mended = event_ | {"previous_hash": previous, "hash": event_hash(previous, event_)}
            if mended != event_:
                await self.put(events, event_["id"], mended)
            previous = mended["hash"]

    async def delete_event(self) -> None:
        row = self.random.choice(await self.rows(events))
        await self.connection.execute(delete(events).where(events.c.id == row["id"]))
        self.done = f"deleted event {row['id']}"

    async def insert_event(self) -> None:
        rows = await self.rows(events)
        row = self.random.choice(rows) | {"id": len(rows) + 1, "hash": f"{self.random.getrandbits(256):064x}"}
        await self.insert(events, row | {"to_status": None, "previous_hash": rows[-1]["hash"]})

    async def swap_events(self) -> None:
        first, second = self.random.sample(await self.rows(events), 2)
        await self.connection.execute(delete(events).where(events.c.id.in_([first["id"], second["id"]])))
        for row, id_ in ((first, second["id"]), (second, first["id"])):
            await self.insert(events, row | {"id": id_})
        self.done = f"swapped events {first['id']} and {second['id']}"

    async def edit_row(self) -> None:
        table = self.random.choice(TOLD_OF)
        row = self.random.choice(await self.rows(table))
        await self.edit(table, row, self.random.choice(sorted(IN_LEDGER[table])))

    async def delete_row(self) -> None:
        table = self.random.choice(TOLD_OF)
        row = self.random.choice(await self.rows(table))
        await self.connection.execute(delete(table).where(table.c.id == row["id"]))
        self.done = f"deleted {table.name} {row['id']}"

    async def insert_row(self) -> None:
        table = self.random.choice(TOLD_OF)
        row: Row = self.random.choice(await self.rows(table))
        other: dict[Table, Row] = {
            requests: {"origin": "forged"},
            approvals: {"approver": "U0FORGED"},
            relations: {"kind": "forged"},
            attempts: {"number": 77},
        }
        await self.insert(table, row | {"id": 9000} | other[table])

    async def edit(self, table: Table, row: Row, column: str) -> None:
        await self.put(table, row["id"], {column: self.another(column, row[column])})
        self.done = f"{table.name} {row['id']}: {column}, which was {row[column]!r}"

    def another(self, column: str, value: Any) -> Any:
        if column == "status":
            return self.random.choice([s for s in ("denied", "applied", "failed", "expired") if s != value])
        if isinstance(value, int):
            return value + self.random.choice([1, 1000])
        if isinstance(value, str):
            return self.random.choice([f"{value}x", value[1:] or "y"])
        return 7 if column.endswith(("at", "remain", "total", "status", "as", "of", "until", "id")) else "x"

    async def put(self, table: Table, id_: int, values: Row) -> None:
        names = ", ".join(f'"{name}" = :{name}' for name in values)
        statement = text(f"UPDATE {table.name} SET {names} WHERE id = :the_id")  # noqa: S608 - names of ours
        await self.connection.execute(statement, values | {"the_id": id_})

    async def insert(self, table: Table, row: Row) -> None:
        columns, values = ", ".join(f'"{n}"' for n in row), ", ".join(f":{n}" for n in row)
        await self.connection.execute(
            text(f"INSERT INTO {table.name} ({columns}) VALUES ({values})"),  # noqa: S608 - names of ours
            row,
        )
        self.done = f"inserted into {table.name}"
