"""The policy: who may see, ask and approve; how many must agree; what is too much; who is reminded when.

Plain values, made from `policy.toml` or from the list of approvers. What they mean for one request at one
moment is worked out here, in `rules.py` and in `change_rules.py`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache, reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from .changes import Change, subuser_key
from .markup import literal
from .requests import CreditRequest
from .text import number
from .who import ANYONE, NOBODY, Roster, Who

DAY = timedelta(hours=24)


class Direction(StrEnum):
    """Which changes a tier is for."""

    ADD = "add"
    REMOVE = "remove"
    BOTH = "both"


def matches(pattern: str, subuser: str) -> bool:
    """Whether a subuser's name fits a pattern, in which `*` is any text and `?` any one character.

    Upper and lower case count as the same.
    """
    return _compiled(pattern).fullmatch(subuser_key(subuser)) is not None


@lru_cache(maxsize=1000)  # a policy has few, and each change is held against them
def _compiled(pattern: str) -> re.Pattern[str]:
    marks = subuser_key(pattern)
    parts = (".*" if mark == "*" else "." if mark == "?" else re.escape(mark) for mark in marks)
    return re.compile("".join(parts), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Tier:
    """What it takes to approve some of the changes.

    It is for changes of more than `above` and at most `up_to` credits, of subusers that fit one of the
    patterns. `including` is a second list: at least one of those who agree must be on it.
    """

    name: str
    approvers: Who
    approvals: int = 1
    including: Who | None = None
    subusers: tuple[str, ...] = ("*",)
    direction: Direction = Direction.BOTH
    above: int = 0
    up_to: int | None = None
    expiry: timedelta | None = None
    floor: int | None = None

    @property
    def authority(self) -> Who:
        """Everyone whose approval counts."""
        return self.approvers if self.including is None else self.approvers | self.including

    def covers(self, subuser: str, allocation_update: int) -> bool:
        return self.is_for(allocation_update) and any(matches(pattern, subuser) for pattern in self.subusers)

    def is_for(self, allocation_update: int) -> bool:
        """Whether it covers such a change of those subusers that fit."""
        amount = abs(allocation_update)
        wrong_way = Direction.REMOVE if allocation_update > 0 else Direction.ADD
        in_range = amount > self.above and (self.up_to is None or amount <= self.up_to)
        return in_range and self.direction is not wrong_way

    def words(self) -> str:
        """What it is for: adding more than 10,000 and up to 50,000 credits, subusers `acme-*`"""
        verb = {"add": "adding", "remove": "removing", "both": "changes of"}[self.direction]
        bounds = [f"more than {number(self.above)}"] if self.above else []
        bounds += [f"up to {number(self.up_to)}"] if self.up_to is not None else []
        of = "" if "*" in self.subusers else f", subusers {', '.join(map(literal, self.subusers))}"
        return f"{verb} {' and '.join(bounds) or 'any number of'} credits{of}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be changed, in credits either way (None: any), and the least that is to be left."""

    per_request: int | None = None
    per_requester_24h: int | None = None
    per_subuser_24h: int | None = None
    in_all_24h: int | None = None
    floor: int = 0

    @property
    def rolling(self) -> bool:
        """Whether it matters what else was changed within 24 hours."""
        return any(cap is not None for cap in (self.per_requester_24h, self.per_subuser_24h, self.in_all_24h))


@dataclass(frozen=True, slots=True)
class Usage:
    """Credits that count towards the rolling caps besides a decision: what is open, or was applied lately.

    `of_subuser` is by `subuser_key`.
    """

    by_requester: int = 0
    of_subuser: Mapping[str, int] = field(default_factory=dict)
    in_all: int = 0


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The time of day in which nobody is reminded, in the policy's time zone; it may go past midnight."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Reminders:
    """How long after the request those who have not decided are reminded, and when others may decide too."""

    after: tuple[timedelta, ...] = ()
    quiet: QuietHours | None = None
    escalate_after: timedelta | None = None
    escalate_to: Who = NOBODY


@dataclass(frozen=True, slots=True)
class Route:
    """The channel in which the cards of some subusers are posted."""

    subusers: tuple[str, ...]
    channel: str


@dataclass(frozen=True, slots=True)
class Quorum:
    """Whose approvals of a request count now, and what is missing.

    `lacks` is the second list if nobody on it has agreed yet; `may_still` is who can add to it, or, if none
    is missing (the policy was loosened), whose click brings it to an end. `unread` is the groups of which
    Slack did not say who is in them, so that some approvals may count again later.
    """

    counted: tuple[str, ...]
    missing: int
    lacks: Who | None
    may_still: Who
    unread: frozenset[str] = frozenset()

    @property
    def reached(self) -> bool:
        return self.missing == 0


@dataclass(frozen=True)
class Policy:
    """All rules together. The first tier that covers a change is its tier; what none covers is refused."""

    tiers: tuple[Tier, ...] = ()
    may_ask: Who = ANYONE
    may_see: Who = ANYONE
    expiry: timedelta = DAY
    limits: Limits = Limits()
    reminders: Reminders = Reminders()
    break_glass: Who = NOBODY
    routes: tuple[Route, ...] = ()
    timezone: str = "UTC"
    digest: time | None = time(9)
    drift: time | None = time(8)

    @classmethod
    def one_tier(
        cls, approvers: Iterable[str], approvals: int = 1, expiry: timedelta = timedelta(hours=24)
    ) -> "Policy":
        """What a mere list of approvers makes: anyone may ask, and one of them must agree."""
        return cls(tiers=(Tier("", Who.of(approvers), approvals),), expiry=expiry)

    @property
    def groups(self) -> frozenset[str]:
        """Every user group that matters to some rule."""
        lists = [self.may_ask, self.may_see, self.break_glass, self.reminders.escalate_to]
        return frozenset().union(*(who.groups for who in (*lists, *(tier.authority for tier in self.tiers))))

    @property
    def people(self) -> frozenset[str]:
        """Every person whom some rule names."""
        lists = [self.may_ask, self.may_see, self.break_glass, self.reminders.escalate_to]
        return frozenset().union(*(who.people for who in (*lists, *(tier.authority for tier in self.tiers))))

    @property
    def approvers_of_all_tiers(self) -> Who:
        """Everyone who may approve something."""
        return approvers_of(self.tiers)

    @property
    def deciders(self) -> Who:
        """Everyone who may decide something, also if only once nobody else has."""
        return self.approvers_of_all_tiers | self.reminders.escalate_to

    @property
    def nobody_approves(self) -> bool:
        """True if no list was given, so that nobody can approve anything."""
        return all(tier.authority.nobody for tier in self.tiers)

    def tiers_of(self, changes: Sequence[Change]) -> tuple[Tier, ...]:
        """The tiers that a decision about all these changes has to meet, each of them; for one change, its
        tier. None if one of the changes, or what they add up to, is covered by no tier.

        There is no strictest one: two tiers may have other approvers, and who may approve the one change may
        not approve the other.
        """
        places = [self._place(subuser, amount) for subuser, amount in weighed(changes)]
        found = sorted({place for place in places if place is not None})
        return () if None in places else tuple(self.tiers[place] for place in found)

    def uncovered(self, changes: Sequence[Change]) -> tuple[str, int] | None:
        """The first subuser with a change, or a sum, that is covered by no tier."""
        return next((each for each in weighed(changes) if self._place(*each) is None), None)

    def _place(self, subuser: str, allocation_update: int) -> int | None:
        """Which tier is the first that covers it."""
        covering = (place for place, tier in enumerate(self.tiers) if tier.covers(subuser, allocation_update))
        return next(covering, None)

    def expiry_of(self, *tiers: Tier) -> timedelta:
        """How long what falls under these tiers waits for its approvals."""
        return min(tier.expiry or self.expiry for tier in tiers)

    def floor_of(self, change: Change) -> int:
        """The least that a change may leave."""
        [floor] = [tier.floor for tier in self.tiers_of([change])] or [None]
        return self.limits.floor if floor is None else floor

    def channel_of(self, subuser: str, default: str) -> str:
        """Where the cards of a subuser go."""
        fitting = (route.channel for route in self.routes if any(matches(p, subuser) for p in route.subusers))
        return next(fitting, default)

    def escalated(self, request: CreditRequest, now: datetime) -> bool:
        """Whether those may decide by now to whom it goes when nobody does."""
        after = self.reminders.escalate_after
        return after is not None and now >= request.requested_at + after

    def terms_of(self, request: CreditRequest, now: datetime) -> dict[str, Any]:
        """The rules by which a request is decided now, as JSON has them: its tier, and who stands in."""
        tiers = [asdict(tier) for tier in self.tiers_of(request.changes)]
        stand_in = self.reminders.escalate_to if self.escalated(request, now) else NOBODY
        found: dict[str, Any] = _plain(
            {"tier": tiers[0] if len(tiers) == 1 else tiers or None, "stand_in": asdict(stand_in)}
        )
        return found

    def authority(self, request: CreditRequest, now: datetime) -> Who:
        """Everyone who may decide this request; nobody if no tier covers it."""
        return reduce(
            or_, (self._authority(tier, request, now) for tier in self.tiers_of(request.changes)), NOBODY
        )

    def _authority(self, tier: Tier, request: CreditRequest, now: datetime) -> Who:
        return tier.authority | (self.reminders.escalate_to if self.escalated(request, now) else NOBODY)

    def quorum(self, request: CreditRequest, roster: Roster, now: datetime) -> Quorum:
        """Count the approvals of those who may approve at this moment; a requester's own is never one.

        Those to whom it is escalated stand in for every list, the second one too: nobody on them has decided.
        Where it falls under several tiers, each has to be met, by as many as it asks for itself.
        """
        tiers = self.tiers_of(request.changes)
        each = [self._quorum(tier, request, roster, now) for tier in tiers]
        return reduce(_both, each) if each else Quorum((), 1, None, NOBODY)

    def _quorum(self, tier: Tier, request: CreditRequest, roster: Roster, now: datetime) -> Quorum:
        authority = self._authority(tier, request, now)
        able = roster.everyone(authority) - {request.requested_by}
        counted = tuple(approver for approver in request.approvers if approver in able)
        second = tier.including
        if second is not None and self.escalated(request, now):
            second |= self.reminders.escalate_to
        lacking = second is not None and not roster.everyone(second).intersection(counted)
        missing = max(0, tier.approvals - len(counted), int(lacking))
        open_to = second if second is not None and lacking and missing == 1 else authority
        without = {request.requested_by, *(counted if missing else ())}
        return Quorum(
            counted,
            missing,
            lacks=second if lacking else None,
            may_still=Who.of(open_to.listed(without=without)),
            unread=roster.unread(authority),
        )

    def next(self, time_of_day: time | None, now: datetime) -> datetime | None:
        """The next moment after `now` at which it is that time in the policy's time zone; None for None."""
        if time_of_day is None:
            return None
        zone = ZoneInfo(self.timezone)
        today = now.astimezone(zone).date()
        for day in (today, today + timedelta(days=1)):
            moment = datetime.combine(day, time_of_day, zone).astimezone(UTC)
            if moment > now:
                return moment
        raise AssertionError("tomorrow is not before now")

    def document(self) -> dict[str, Any]:
        """All of it as JSON has it, the same for the same rules, for the hash and for the record."""
        found: dict[str, Any] = _plain(asdict(self))
        return found

    @cached_property  # for which it has no slots: each request takes it several times
    def hash(self) -> str:
        """SHA-256 over the document in canonical JSON."""
        text = json.dumps(self.document(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def weighed(changes: Sequence[Change]) -> list[tuple[str, int]]:
    """What tiers are asked about changes that are decided together, as subusers and credits: each by itself,
    all of one subuser as if they were one, and all in its direction as if they were that subuser's.

    So no bound can be got around by asking for many small changes at once. One change is only itself.
    """
    if len(changes) == 1:
        return [(changes[0].subuser, changes[0].allocation_update)]
    spelt: dict[str, str] = {}
    own: dict[tuple[str, int], int] = {}
    in_all: dict[int, int] = {}
    for change in changes:
        direction = 1 if change.allocation_update > 0 else -1
        spelt.setdefault(change.key, change.subuser)
        own[change.key, direction] = own.get((change.key, direction), 0) + change.amount
        in_all[direction] = in_all.get(direction, 0) + change.amount
    found = [(spelt[change.key], change.allocation_update) for change in changes]
    for (key, direction), amount in own.items():
        net = direction * (amount - own.get((key, -direction), 0))
        sums = (direction * amount, direction * in_all[direction], net)
        found += [(spelt[key], each) for each in sums if each]
    return list(dict.fromkeys(found))


def approvers_of(tiers: Iterable[Tier]) -> Who:
    """Everyone whose approval counts for one of these tiers."""
    return reduce(or_, (tier.authority for tier in tiers), NOBODY)


def rule(tiers: Sequence[Tier]) -> str:
    """A sentence, with a space before it, that names the tiers; nothing of those that have no name."""
    named = [f"tier {literal(tier.name)} ({tier.words()})" for tier in tiers if tier.name]
    return f" Rule{'s' if len(named) > 1 else ''}: {'; '.join(named)}." if named else ""


def _both(one: Quorum, other: Quorum) -> Quorum:
    """Whose approvals count for one tier or the other, and what is missing until both are met."""
    unmet = [quorum for quorum in (one, other) if not quorum.reached] or [one, other]
    return Quorum(
        tuple(dict.fromkeys((*one.counted, *other.counted))),
        max(one.missing, other.missing),
        lacks=one.lacks or other.lacks,
        may_still=reduce(or_, (quorum.may_still for quorum in unmet)),
        unread=one.unread | other.unread,
    )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case frozenset():
            return sorted(value)
        case tuple() | list():
            return [_plain(inner) for inner in value]
        case timedelta():
            return int(value.total_seconds())
        case time():
            return value.isoformat("minutes")
        case StrEnum():
            return str(value)
        case _:
            return value
