"""The hash chain over events: each row carries the hash of the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GENESIS = "0" * 64

APPROVAL_WITHDRAWN = "approval_withdrawn"

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


class Recount:
    """Recounts the chain event by event, in order of their IDs, which must run 1, 2, 3 without a gap."""

    def __init__(self) -> None:
        self._count = 0
        self._head = GENESIS
        self._broken_at: int | None = None

    def add(self, event: Mapping[str, object]) -> bool:
        """Whether the chain holds up to and including this event."""
        if self._broken_at is not None:
            return False
        sound = event["id"] == self._count + 1 and event["previous_hash"] == self._head
        if not sound or event["hash"] != event_hash(self._head, event):
            self._broken_at = self._count + 1
            return False
        self._head, self._count = str(event["hash"]), self._count + 1
        return True

    @property
    def found(self) -> Verification:
        return Verification(self._count, self._head, self._broken_at)


def verify(events: Iterable[Mapping[str, object]]) -> Verification:
    """Recount the chain over events in order of their IDs."""
    recount = Recount()
    for event in events:
        if not recount.add(event):
            break
    return recount.found
