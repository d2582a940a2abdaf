"""The hash chain over events: each row carries the hash of the one before it.

Plain hashes can be recounted by anyone, so also made by anyone who writes to the database. With a key, an
event of the kind `keyed` names it by its fingerprint, and from that event on the hashes are HMACs.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GENESIS = "0" * 64

APPROVAL_WITHDRAWN = "approval_withdrawn"

KEYED = "keyed"

Keys = tuple[bytes, ...]
"""The keys that are known, the newest first: with that one is written, with all of them checked."""

HASHED_FIELDS = ("id", "request_id", "at", "kind", "actor", "from_status", "to_status", "detail")


def event_hash(previous: str, event: Mapping[str, object], key: bytes | None = None) -> str:
    """SHA-256, with a key HMAC-SHA-256, over the hash before and the event's fields, as canonical JSON.

    `at` is an integer (milliseconds since 1970, UTC) and `detail` the JSON text exactly as stored, so
    that the hash can be recounted from the rows alone.
    """
    content = json.dumps(
        [previous, *(event[field] for field in HASHED_FIELDS)], ensure_ascii=False, separators=(",", ":")
    )
    if key is None:
        return hashlib.sha256(content.encode()).hexdigest()
    return hmac.digest(key, content.encode(), "sha256").hex()


def fingerprint(key: bytes) -> str:
    """A name for a key, from which nobody can guess a long one."""
    return hmac.digest(key, b"creditbot ledger key", "sha256").hex()[:16]


def key_named(detail: object) -> str | None:
    """The fingerprint in the detail of an event of the kind `keyed`."""
    try:
        found = json.loads(str(detail))
    except (ValueError, RecursionError):
        return None
    name = found.get("key") if isinstance(found, dict) else None
    return name if isinstance(name, str) and re.fullmatch("[0-9a-f]{16}", name) else None


@dataclass(frozen=True, slots=True)
class Verification:
    """What a recount of the chain found: how many events hold, the head, and the first that does not.

    `keyed_at` is the first event with a keyed hash. `other_key` is the fingerprint of a key that is not
    known, with which the next event and those after it are said to be keyed: they could not be checked.
    """

    count: int
    head: str
    broken_at: int | None
    keyed_at: int | None = None
    other_key: str | None = None


class Recount:
    """Recounts the chain event by event, in order of their IDs, which must run 1, 2, 3 without a gap."""

    def __init__(self, keys: Keys = ()) -> None:
        self._count = 0
        self._head = GENESIS
        self._broken_at: int | None = None
        self._keyed_at: int | None = None
        self._other_key: str | None = None
        self._key: bytes | None = None
        # Only keys that are newer than the last one may follow, so that an old one that leaked does not.
        self._keys = {fingerprint(key): key for key in keys}
        self._newer = set(self._keys)

    def add(self, event: Mapping[str, object]) -> bool:
        """Whether the chain holds up to and including this event."""
        if self._broken_at is not None or self._other_key is not None:
            return False
        try:
            sound = self._follows(event)
        except (TypeError, ValueError):  # SQLite keeps any type in any column
            sound = False
        if not sound:
            if self._other_key is None:
                self._broken_at = self._count + 1
            return False
        self._head, self._count = str(event["hash"]), self._count + 1
        return True

    def _follows(self, event: Mapping[str, object]) -> bool:
        if event["id"] != self._count + 1 or event["previous_hash"] != self._head:
            return False
        return self._key_holds(event) and event["hash"] == event_hash(self._head, event, self._key)

    def _key_holds(self, event: Mapping[str, object]) -> bool:
        """Take the key that an event names, if it does."""
        if event["kind"] != KEYED:
            return True
        name = key_named(event["detail"])
        if name is None:
            return False
        if name not in self._keys:
            self._other_key = name
            return False
        if name not in self._newer:
            return False
        self._key = self._keys[name]
        names = list(self._keys)
        self._newer = set(names[: names.index(name)])
        self._keyed_at = self._keyed_at or self._count + 1
        return True

    @property
    def found(self) -> Verification:
        return Verification(self._count, self._head, self._broken_at, self._keyed_at, self._other_key)


def verify(events: Iterable[Mapping[str, object]], keys: Keys = ()) -> Verification:
    """Recount the chain over events in order of their IDs."""
    recount = Recount(keys)
    for event in events:
        if not recount.add(event):
            break
    return recount.found
