"""The chain recounted over the events in the database, and heads of it that were noted elsewhere.

It is read in pages, so that it takes no more memory for a million events than for a thousand. The reader's
transaction sees one moment, while the bot goes on writing.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from creditbot.domain.chain import GENESIS, Recount, Verification
from creditbot.domain.digest import DIGEST
from creditbot.domain.documents import read_document

from .connection import AsyncConnection
from .engines import ledger_keys
from .tables import events, outbox

PAGE = 500
"""Events that are held at a time."""


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
        select(outbox.c.content).where(outbox.c.kind == DIGEST, outbox.c.content.is_not(None)),
        select(events.c.detail).where(events.c.kind == DIGEST),
    ):
        for text in (await connection.execute(query)).scalars():
            for head in _head_of_digest(text):
                yield head


def _head_of_digest(text: str) -> Iterator[DigestHead]:
    """None of a digest that is not as we write it."""
    content = read_document(text) or {}
    number, head = content.get("events"), str(content.get("head"))
    if isinstance(number, int) and 0 <= number < 2**31 and re.fullmatch("[0-9a-f]{64}", head):
        yield DigestHead(number, head)
