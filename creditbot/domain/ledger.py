"""The hash chain over events: each row carries the hash of the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GENESIS = "0" * 64

HASHED_FIELDS = ("id", "request_id", "at", "kind", "actor", "from_status", "to_status", "detail")


def event_hash(previous: str, event: Mapping[str, object]) -> str:
    """SHA-256 over the hash before and the event's fields, as canonical JSON.

    `at` is an integer (milliseconds since 1970, UTC) and `detail` the JSON text exactly as stored, so
    that the hash can be recounted from the rows alone.
    """
    content = json.dumps(
        [previous, *(event[field] for field in HASHED_FIELDS)], ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verification:
    """What a recount of the chain found: how many events hold, the head, and the first that does not."""

    count: int
    head: str
    broken_at: int | None


def verify(events: Iterable[Mapping[str, object]]) -> Verification:
    """Recount the chain over events in order of their IDs, which must run 1, 2, 3 without a gap."""
    previous, count = GENESIS, 0
    for event in events:
        sound = event["id"] == count + 1 and event["previous_hash"] == previous
        if not sound or event["hash"] != event_hash(previous, event):
            return Verification(count, previous, broken_at=count + 1)
        previous, count = str(event["hash"]), count + 1
    return Verification(count, previous, broken_at=None)
