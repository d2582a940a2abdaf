"""The hash chain over events: each row carries the hash of the one before it.

Plain hashes can be recounted by anyone, so also made by anyone who writes to the database. With a key, an
event of the kind `keyed` names it by its fingerprint, and from that event on the hashes are HMACs.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .documents import read_document
from .errors import KeyMissing, OldKeyFirst

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
    name = (read_document(detail) or {}).get("key")
    return name if isinstance(name, str) and re.fullmatch("[0-9a-f]{16}", name) else None


def key_to_take(keys: Keys, named: Sequence[str]) -> str | None:
    """The fingerprint that a process with these keys must name before it writes, if it must.

    `named` are those that the ledger names, the oldest first. It never goes back to one of them: whoever
    checks it could not tell that from someone who has an old key that leaked.

    Raises:
        KeyMissing: the ledger is keyed, and not with one of these keys.
        OldKeyFirst: the first of them is one from which the ledger has gone on.
    """
    known = [fingerprint(key) for key in keys]
    if named and named[-1] not in known:
        raise KeyMissing(named[-1])
    if not known or (named and named[-1] == known[0]):
        return None
    if known[0] in named:
        raise OldKeyFirst(known[0], named[-1], known.index(named[-1]) + 1)
    return known[0]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a recount of the chain found: how many events hold, the head, and the first that does not.

    `keyed_at` is the first event with a keyed hash. `other_key` is the fingerprint of a key that is not
    known, with which the next event and those after it are said to be keyed: they could not be checked.
    `late_key` is that of a key with which the next event really is keyed, and which stands behind one that
    the ledger had before: the keys were given in another order, or someone has an old one.
    """

    count: int
    head: str
    broken_at: int | None
    keyed_at: int | None = None
    other_key: str | None = None
    late_key: str | None = None


class Recount:
    """Recounts the chain event by event, in order of their IDs, which must run 1, 2, 3 without a gap."""

    def __init__(self, keys: Keys = ()) -> None:
        self._count = 0
        self._head = GENESIS
        self._broken_at: int | None = None
        self._keyed_at: int | None = None
        self._other_key: str | None = None
        self._late_key: str | None = None
        self._key: bytes | None = None
        # Only keys that are newer than the last one may follow, so that an old one that leaked does not.
        self._keys = {fingerprint(key): key for key in keys}
        self._newer = set(self._keys)
        self._taken: set[str] = set()

    def add(self, event: Mapping[str, object]) -> bool:
        """Whether the chain holds up to and including this event."""
        if self._stopped:
            return False
        try:
            sound = self._follows(event)
        except (TypeError, ValueError):  # SQLite keeps any type in any column
            sound = False
        if not sound:
            if not self._stopped:
                self._broken_at = self._count + 1
            return False
        self._head, self._count = str(event["hash"]), self._count + 1
        return True

    @property
    def _stopped(self) -> bool:
        return any(found is not None for found in (self._broken_at, self._other_key, self._late_key))

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
            if name not in self._taken and event["hash"] == event_hash(self._head, event, self._keys[name]):
                self._late_key = name
            return False
        self._key = self._keys[name]
        self._taken.add(name)
        names = list(self._keys)
        self._newer = set(names[: names.index(name)])
        self._keyed_at = self._keyed_at or self._count + 1
        return True

    @property
    def found(self) -> Verification:
        return Verification(
            self._count, self._head, self._broken_at, self._keyed_at, self._other_key, self._late_key
        )
