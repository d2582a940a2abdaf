"""The append-only record: every change of state, every refused click, every attempt."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import insert, select

from creditbot.domain.chain import GENESIS, KEYED, event_hash, fingerprint, key_named, key_to_take
from creditbot.domain.documents import read_document
from creditbot.domain.events import Event
from creditbot.domain.requests import Status

from .connection import AsyncConnection
from .engines import ledger_keys
from .tables import events
from .types import from_millis, storable, to_millis


async def append(
    connection: AsyncConnection,
    kind: str,
    *,
    at: datetime,
    request_id: int | None = None,
    actor: str | None = None,
    from_status: Status | None = None,
    to_status: Status | None = None,
    detail: Mapping[str, object] | None = None,
) -> int:
    """Add the next event to the chain, inside the transaction of the change that it tells of; return its ID.

    The write lock is held by then, so no other event can slip in between reading the head and this.

    Raises:
        WrongLedgerKey: this process does not have the ledger's key, or has an older one first.
    """
    head = _known.get(connection) or await _head(connection)
    if not head.has_our_key:
        await take_key(connection, at)
        head = await _head(connection)
    row: dict[str, object] = {
        "request_id": request_id,
        "at": to_millis(at),
        "kind": storable(kind),
        "actor": None if actor is None else storable(actor),
        "from_status": from_status,
        "to_status": to_status,
        "detail": storable(json.dumps(detail or {}, ensure_ascii=False, sort_keys=True)),
    }
    return await _chain(connection, head, row)


async def take_key(connection: AsyncConnection, at: datetime) -> None:
    """Write down that hashes are keyed from here on, if this process has a key that the ledger has not.

    Raises:
        WrongLedgerKey: this process does not have the ledger's key, or has an older one first.
    """
    new = await check_key(connection)
    if new is None:
        return
    row: dict[str, object] = dict.fromkeys(("request_id", "actor", "from_status", "to_status"))
    row |= {"at": to_millis(at), "kind": KEYED, "detail": json.dumps({"key": new})}
    await _chain(connection, await _head(connection), row)


async def check_key(connection: AsyncConnection) -> str | None:
    """The fingerprint of the key of this process that the ledger has yet to take, if there is one.

    Raises:
        WrongLedgerKey: this process does not have the ledger's key, or has an older one first.
    """
    named = [key_named(detail) or "unknown" for detail in (await connection.execute(_KEYS)).scalars()]
    return key_to_take(ledger_keys(connection), named)


class _Head(NamedTuple):
    """The last event, and whether it is this process's newest key with which the next one is hashed."""

    id: int
    hash: str
    has_our_key: bool


async def _head(connection: AsyncConnection) -> _Head:
    keys = ledger_keys(connection)
    found = (await connection.execute(_HEAD)).first()
    if found is None:
        return _Head(0, GENESIS, not keys)
    named = None if found.keyed is None else key_named(found.keyed) or "unknown"
    return _Head(found.id, found.hash, named == (fingerprint(keys[0]) if keys else None))


async def _chain(connection: AsyncConnection, head: _Head, row: dict[str, object]) -> int:
    keys = ledger_keys(connection)
    row |= {"id": head.id + 1, "previous_hash": head.hash}
    row["hash"] = event_hash(head.hash, row, keys[0] if keys else None)
    await connection.execute(_INSERT, row)
    _known[connection] = _Head(head.id + 1, str(row["hash"]), head.has_our_key)
    return head.id + 1


_known: WeakKeyDictionary[AsyncConnection, _Head] = WeakKeyDictionary()
"""The head as the transaction that is open on a connection has left it: many are asked for in one."""


def forget_head(connection: AsyncConnection) -> None:
    """A transaction begins on this connection, or a part of it was undone: the head has to be read."""
    _known.pop(connection, None)


# Built once, since each event needs them.
_KEYS = select(events.c.detail).where(events.c.kind == KEYED).order_by(events.c.id)
_NEWEST_KEY = _KEYS.order_by(None).order_by(events.c.id.desc()).limit(1).scalar_subquery()
_INSERT = insert(events)
_HEAD = select(events.c.id, events.c.hash, _NEWEST_KEY.label("keyed")).order_by(events.c.id.desc()).limit(1)


async def of_request(connection: AsyncConnection, request_id: int) -> list[Event]:
    """A request's events, oldest first."""
    query = select(events.c.kind, events.c.at, events.c.actor, events.c.detail)
    query = query.where(events.c.request_id == request_id).order_by(events.c.id)
    return [
        Event(kind, from_millis(at), actor, read_document(detail) or {})
        for kind, at, actor, detail in await connection.execute(query)
    ]


async def first_at(connection: AsyncConnection, request_id: int, kind: str) -> datetime | None:
    """When a request had its first event of this kind, if it has one."""
    query = select(events.c.at).where(events.c.request_id == request_id, events.c.kind == kind)
    found = await connection.scalar(query.order_by(events.c.id).limit(1))
    return None if found is None else from_millis(found)


async def latest(connection: AsyncConnection, kind: str) -> dict[str, Any] | None:
    """The detail of the newest event of a kind, if there is one, and it can be read."""
    query = select(events.c.detail).where(events.c.kind == kind).order_by(events.c.id.desc()).limit(1)
    return read_document(await connection.scalar(query))


async def last_before(connection: AsyncConnection, moment: datetime) -> int:
    """The ID of the last event before this moment; 0 if there is none.

    Found by halves: events have no index by time, and were written in its order, but for moments.
    """
    query = select(events.c.id).order_by(events.c.id.desc()).limit(1)
    least, most = 0, int(await connection.scalar(query) or 0)
    while least < most:
        middle = (least + most + 1) // 2
        at = await connection.scalar(select(events.c.at).where(events.c.id == middle))
        if at is None or at < to_millis(moment):
            least = middle
        else:
            most = middle - 1
    return least


async def has_happened(connection: AsyncConnection, request_id: int, kind: str) -> bool:
    """Whether a request has an event of this kind."""
    query = select(events.c.id).where(events.c.request_id == request_id, events.c.kind == kind).limit(1)
    return await connection.scalar(query) is not None


async def reminded_at(connection: AsyncConnection, request_id: int) -> datetime | None:
    """When all who were to be were last reminded of a request."""
    query = (
        select(events.c.at, events.c.detail)
        .where(events.c.request_id == request_id, events.c.kind == "reminded")
        .order_by(events.c.id.desc())
    )
    rows = await connection.execute(query)
    found = next((at for at, detail in rows if "unread" not in (read_document(detail) or {})), None)
    return None if found is None else from_millis(found)
