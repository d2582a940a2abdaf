"""A request for a credit change, its states, and the ways between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from .changes import Change
from .place import Place
from .relations import Relation, RelationKind
from .who import Actor


class Status(StrEnum):
    """Where a request stands. Each state is entered at most once, since no way leads back."""

    PENDING = "pending"  # asked; waiting for approvals
    APPROVED = "approved"  # the quorum is there; waiting for its turn at SendGrid
    DENIED = "denied"  # an approver said no
    CANCELLED = "cancelled"  # withdrawn before it was sent
    EXPIRED = "expired"  # nobody decided in time
    REFUSED = "refused"  # a rule or SendGrid's data said no before anyone was asked
    APPLYING = "applying"  # claimed: the PATCH is about to be sent, or is under way
    APPLIED = "applied"  # SendGrid said so, or it was proven or settled
    FAILED = "failed"  # not applied, for certain
    IN_DOUBT = "in_doubt"  # sent, and nobody knows yet whether it was applied


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.APPROVED, Status.DENIED, Status.CANCELLED, Status.EXPIRED, Status.REFUSED}
    ),
    Status.APPROVED: frozenset({Status.APPLYING, Status.CANCELLED}),
    Status.APPLYING: frozenset({Status.APPLIED, Status.FAILED, Status.IN_DOUBT}),
    Status.IN_DOUBT: frozenset({Status.APPLIED, Status.FAILED}),
    Status.DENIED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.REFUSED: frozenset(),
    Status.APPLIED: frozenset(),
    Status.FAILED: frozenset(),
}

HOLDS_SUBUSER = frozenset({Status.APPLYING, Status.IN_DOUBT})
"""While a request of a subuser is in one of these, no other change of it is sent."""

FINAL = frozenset(status for status, onward in TRANSITIONS.items() if not onward)


OPEN = frozenset(TRANSITIONS) - FINAL


class IllegalTransition(Exception):
    """A programming error: the code asked for a change of state that TRANSITIONS does not have."""


def check_transition(from_: Status, to: Status) -> None:
    """Raise IllegalTransition unless `from_` may become `to`."""
    if to not in TRANSITIONS[from_]:
        raise IllegalTransition(f"{from_} can't become {to}")


@dataclass(frozen=True, slots=True)
class Approval:
    """One approver's yes."""

    approver: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BalanceCheck:
    """What SendGrid said of the subuser before anyone was asked to approve."""

    at: datetime
    type: str | None
    remain: int | None
    total: int | None
    reset_frequency: str | None
    next_reset: str | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another request of the same subuser, which is open, or was applied within the hour before or since."""

    id: int
    allocation_update: int
    status: Status
    requested_by: str
    card: Place | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A balance as SendGrid gave it, and when; an earlier version did not write down when."""

    remain: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class CreditRequest:
    """One request, as it stands now. Counts are credits (emails), times are aware and in UTC.

    `used_before` is what was used between the check and the reading before it was sent. `used_since` is what
    was used between that and the reading after, if it was not applied: if it was, the change comes on top.
    Both are None where they can't be told.
    """

    id: int
    change: Change
    reason: str
    status: Status
    version: int
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    approvals_needed: int
    approvals: tuple[Approval, ...] = ()
    check: BalanceCheck | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    claimed_at: datetime | None = None
    unclear_until: datetime | None = None
    finished_at: datetime | None = None
    answer_status: int | None = None
    remain_before: int | None = None
    remain_before_at: datetime | None = None
    remain_after: int | None = None
    remain_after_at: datetime | None = None
    used_before: int | None = None
    used_since: int | None = None
    explanation: str | None = None
    settled_by: str | None = None
    settled_reason: str | None = None
    waits_for: int | None = None
    contradicted_at: datetime | None = None
    policy_hash: str | None = None
    break_glass_reason: str | None = None
    read_again_at: datetime | None = None
    requester_team: str | None = None
    overtaken_by: int | None = None
    relations: tuple[Relation, ...] = ()
    # The other changes that the same decision is about.
    decided_with: tuple[Change, ...] = ()
    # Known while it waits: two people who ask for the same may not know of each other.
    beside: tuple[Neighbour, ...] = ()
    # What its card's buttons must carry; no log has a use for it.
    token: str = field(default="", repr=False)

    @property
    def subuser(self) -> str:
        return self.change.subuser

    @property
    def allocation_update(self) -> int:
        return self.change.allocation_update

    @property
    def changes(self) -> tuple[Change, ...]:
        """All that is decided with it, itself included: by these the policy is asked."""
        return (self.change, *self.decided_with)

    @property
    def requester(self) -> Actor:
        """Who asked for it."""
        return Actor(self.requested_by, self.requester_team)

    @property
    def before(self) -> Figure | None:
        """The last balance that was read before the change was sent, or may have been."""
        if self.remain_before is not None:
            return Figure(self.remain_before, self.remain_before_at)
        if self.check is not None and self.check.remain is not None:
            return Figure(self.check.remain, self.check.at)
        return None

    @property
    def after(self) -> Figure | None:
        """The balance that SendGrid gave after the change was sent."""
        return None if self.remain_after is None else Figure(self.remain_after, self.remain_after_at)

    @property
    def expected_after(self) -> int | None:
        """What the change makes of the balance before, if that is known."""
        return None if self.before is None else self.before.remain + self.allocation_update

    @property
    def approvers(self) -> tuple[str, ...]:
        """Those who have agreed, in the order in which they did."""
        return tuple(approval.approver for approval in self.approvals)

    def approved_by(self, person: str) -> bool:
        return person in self.approvers

    def with_approval(self, person: str, at: datetime) -> "CreditRequest":
        """As it would stand once this person has agreed."""
        if self.approved_by(person):
            return self
        return replace(self, approvals=(*self.approvals, Approval(person, at)))

    @property
    def may_be_asked_again(self) -> bool:
        """True if it failed for certain, and nobody has asked for it again yet."""
        failed = self.status is Status.FAILED and self.contradicted_at is None
        return failed and self.follower(RelationKind.AGAIN) is None

    def follows(self, kind: RelationKind) -> int | None:
        """The request that it follows for this reason, if it does."""
        return {each.kind: each.of_request for each in self.relations if each.request_id == self.id}.get(kind)

    def follower(self, kind: RelationKind) -> int | None:
        """The request that follows it for this reason, if one does."""
        return {each.kind: each.request_id for each in self.relations if each.of_request == self.id}.get(kind)


def in_one_decision(requests: Sequence[CreditRequest]) -> tuple[CreditRequest, ...]:
    """The same requests, each of which knows the changes of the others."""
    return tuple(
        replace(request, decided_with=tuple(other.change for other in requests if other is not request))
        for request in requests
    )


@dataclass(frozen=True, slots=True)
class Outline:
    """As much of a request as it takes to end it, if no more can be read."""

    id: int
    subuser: str
    status: Status
    requested_by: str
    explanation: str | None
    was_shown: bool
    runs: int
    approvers: tuple[str, ...]


def people_to_tell(request: CreditRequest | Outline, to: Status) -> list[str]:
    """Who gets a message when `request` moves to `to`: its requester, at each decision and at the end.

    Those who approved are told too when their word did not do what they meant it to, and how that ended.
    """
    if to is Status.APPLYING:
        return []
    told = [request.requested_by]
    troubled = to in {Status.FAILED, Status.IN_DOUBT} or request.status is Status.IN_DOUBT
    called_off = request.status is Status.APPROVED and to is Status.CANCELLED
    if troubled or called_off:
        told += request.approvers
    return list(dict.fromkeys(told))
