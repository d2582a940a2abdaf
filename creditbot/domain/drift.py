"""Changes of credits that were made outside creditbot: what two readings show beyond the ledger and use.

Mail only lowers `remain`. So a rise by more than the ledger's changes is certain to be someone else's, while
a fall may always be mail, and stands out only beside what is usually used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from .credits import KINDS, UNLIMITED
from .evidence import Reading, no_reset_between

DRIFT = "drift"
"""What a finding is called in the ledger, and what a comparison found where it is sent."""

MARGIN = timedelta(minutes=2)
"""How near to a reading a change may or may not be part of it: reading takes a while."""

USUAL = timedelta(days=14)
"""How far back the use of a day counts as usual."""

SHORTEST_DAY = timedelta(hours=18)
"""Readings that are nearer to each other tell too little of a day's use."""

LEAST_DAYS = 3
"""Days whose use must be known before a fall can be called unusual."""

TIMES_USUAL = 3
"""A fall within so many times the usual use is taken for mail."""

LEAST_FALL = 100
"""Credits a day: a smaller fall is taken for mail, even where none is usual."""

DAY = timedelta(days=1)


class Landed(StrEnum):
    """Whether SendGrid applied a change, as far as the ledger tells."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


class Settler(StrEnum):
    """Who settled a request that was in doubt."""

    PERSON = "person"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class SentChange:
    """A request that may have changed a balance at some moment from `since` to `until` (None: it still may).

    `subuser` is the name as it was typed; whether SendGrid minds upper and lower case is not documented.
    `by` says who concluded what became of it where SendGrid did not answer: they may have been wrong.
    """

    request_id: int
    subuser: str
    allocation_update: int
    since: datetime
    until: datetime | None
    landed: Landed
    by: Settler | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A subuser's credits at one moment; of one that could not be read, there is no value."""

    subuser: str
    at: datetime
    reading: Reading

    @property
    def readable(self) -> bool:
        return self.reading.type is not None or self.reading.remain is not None

    @property
    def tells(self) -> bool:
        """Whether another reading can be compared with it."""
        return self.reading.type in KINDS

    def point(self) -> "Point":
        return Point(round(self.at.timestamp() * 1000), self.reading.type, self.reading.remain)


@dataclass(frozen=True, slots=True)
class Point:
    """What a finding keeps of a snapshot; `at` is in milliseconds."""

    at: int
    type: str | None
    remain: int | None


class Kind(StrEnum):
    """What stands out."""

    ROSE = "rose"
    FELL = "fell"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class Finding:
    """One subuser whose credits are not as the ledger and mail would have left them.

    `expected` is what would remain without any mail: of a rise the most, of a fall the least. `changes` are
    the ledger's in between: request, allocation_update, landed, settled_by. `usual` is the most that is
    usually used in a day.
    """

    subuser: str
    kind: Kind
    before: Point
    after: Point
    changes: tuple[Mapping[str, Any], ...] = ()
    expected: int | None = None
    usual: int | None = None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Finding":
        before, after = Point(**document["before"]), Point(**document["after"])
        kind, changes = Kind(document["kind"]), tuple(document["changes"])
        return cls(**{**document, "kind": kind, "before": before, "after": after, "changes": changes})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one day's comparison came to.

    `compared` counts subusers with two readings that can be compared, `unread` names those that SendGrid did
    not let be read, and `problem` is its last reason.
    """

    at: int
    compared: int
    not_comparable: int
    findings: tuple[Finding, ...]
    unread: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def worth_telling(self) -> bool:
        return bool(self.findings or self.unread or self.problem)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def counts(self) -> dict[str, Any]:
        """What the event about it says; each finding has its own."""
        return {
            "compared": self.compared,
            "not_comparable": self.not_comparable,
            "found": len(self.findings),
            "unread": len(self.unread),
            "problem": self.problem,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Comparison":
        findings = tuple(Finding.read(found) for found in document["findings"])
        return cls(**{**document, "findings": findings, "unread": tuple(document["unread"])})


def comparable(before: Snapshot, after: Snapshot) -> bool:
    """Whether two readings say anything together: no reset may lie between, and both need a figure."""
    earlier, later = before.reading, after.reading
    if earlier.type not in KINDS or later.type not in KINDS:
        return False
    if earlier.type != later.type or later.type == UNLIMITED:
        return True
    return earlier.remain is not None and later.remain is not None and no_reset_between(earlier, later)


def compare(history: Sequence[Snapshot], changes: Iterable[SentChange]) -> Finding | None:
    """Judge the last of a subuser's readings, oldest first, by the one before and by what is usual."""
    if len(history) < 2 or not comparable(*history[-2:]):
        return None
    before, after = history[-2:]
    changes = sorted(changes, key=lambda change: change.since)
    listed = tuple(_listed(change) for change in between(before, after, changes))
    found = Finding(after.subuser, Kind.TYPE, before.point(), after.point(), listed)
    if before.reading.type != after.reading.type:
        return found
    if after.reading.remain is None:
        return None
    most, least = bounds(before, after, changes)
    if after.reading.remain > most:
        return replace(found, kind=Kind.ROSE, expected=most)
    usual = usual_use(history[:-1], changes)
    if usual is None or least - after.reading.remain <= allowance(usual, after.at - before.at):
        return None
    return replace(found, kind=Kind.FELL, expected=least, usual=usual)


def _listed(change: SentChange) -> Mapping[str, Any]:
    return {
        "request": change.request_id,
        "allocation_update": change.allocation_update,
        "landed": str(change.landed),
        "settled_by": None if change.by is None else str(change.by),
    }


def between(before: Snapshot, after: Snapshot, changes: Iterable[SentChange]) -> list[SentChange]:
    """The changes that may have come between two readings.

    Those near to a reading may be in it or not, those of a name in another case may be of another subuser.
    """
    found = []
    for change in changes:
        ended = change.until is not None and change.until < before.at - MARGIN
        if ended or change.since > after.at + MARGIN:
            continue
        inside = change.since > before.at + MARGIN and (
            change.until is not None and change.until < after.at - MARGIN
        )
        certain = inside and change.subuser == after.subuser
        not_certain = change.landed is Landed.YES and not certain
        found.append(replace(change, landed=Landed.MAYBE) if not_certain else change)
    return found


def bounds(before: Snapshot, after: Snapshot, changes: Iterable[SentChange]) -> tuple[int, int]:
    """The most and the least that would remain without any mail.

    SendGrid may stop at zero or go below, which is not documented: the most counts on the former.
    """
    most = least = before.reading.remain or 0
    for change in between(before, after, changes):
        by = change.allocation_update
        if change.landed is Landed.YES or (change.landed is Landed.MAYBE and by > 0):
            most = max(most + by, min(most, 0))
        if change.landed is Landed.YES or (change.landed is Landed.MAYBE and by < 0):
            least += by
    return most, least


def usual_use(history: Sequence[Snapshot], changes: Sequence[SentChange]) -> int | None:
    """The most that was used in a day lately, but for one day that may have been out of the ordinary.

    None if too few days are known.
    """
    used = []
    for before, after in pairwise(history):
        if after.at < history[-1].at - USUAL or after.at - before.at < SHORTEST_DAY:
            continue
        if not comparable(before, after):
            continue
        if after.reading.remain is None or before.reading.type != after.reading.type:
            continue
        most, least = bounds(before, after, changes)
        use = most - after.reading.remain
        if most == least and use >= 0:
            used.append(use * DAY // max(after.at - before.at, DAY))
    return sorted(used)[-2] if len(used) >= LEAST_DAYS else None


def allowance(usual: int, span: timedelta) -> int:
    """Credits that mail may well have used in that time."""
    daily = max(TIMES_USUAL * usual, LEAST_FALL)
    return daily * max(span, DAY) // DAY
