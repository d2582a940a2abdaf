"""Who may ask for, approve and withdraw a credit change, and what the data allows."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .credits import RECURRING, UNLIMITED, SubuserCredits
from .errors import Refusal
from .requests import FINAL, CreditRequest, Status
from .text import count, literal, number, people, signed


@dataclass(frozen=True, slots=True)
class Policy:
    """The approvers as they are listed (people and user groups), how many must agree, and until when."""

    people: frozenset[str]
    groups: frozenset[str]
    approvals_needed: int = 1
    expiry: timedelta = timedelta(hours=24)

    def listed(self, *, without: str) -> list[str]:
        """The approvers as they are listed, but for `without`, whose own request it is."""
        return [*sorted(self.people - {without}), *sorted(self.groups)]

    @property
    def nobody(self) -> bool:
        """True if no list was given, so that nobody can approve anything."""
        return not self.people and not self.groups


STATUS_WORDS = {
    Status.PENDING: "is waiting for approval",
    Status.APPROVED: "was approved already{by}",
    Status.DENIED: "was denied already{by}",
    Status.CANCELLED: "was cancelled already{by}",
    Status.EXPIRED: "has expired",
    Status.REFUSED: "was refused before anyone was asked",
    Status.APPLYING: "was approved already{by}, and is being applied",
    Status.APPLIED: "was approved already{by}, and applied",
    Status.FAILED: "was approved already{by}, and has failed",
    Status.IN_DOUBT: "was approved already{by}, and is in doubt",
}


def words_of(request: CreditRequest) -> str:
    by = f" by {people([request.decided_by])}" if request.decided_by else ""
    return STATUS_WORDS[request.status].format(by=by)


def already_settled(request: CreditRequest) -> Refusal:
    """The refusal for a decision that comes too late."""
    return Refusal("state", f"Request {request.id} {words_of(request)}, so nothing was changed.")


REPEATED = "repeated"


def repeated(request: CreditRequest) -> Refusal:
    """What someone is told who does again what they have done."""
    return Refusal(REPEATED, f"Request {request.id} {words_of(request)}. This second time changed nothing.")


def refused_before(request: CreditRequest) -> Refusal:
    """What someone is told whose deed was refused when it came first, and would be allowed now."""
    return Refusal(
        "refused_before",
        f"This was refused before, so nothing was changed. Request {request.id} {words_of(request)}; "
        "if you still mean it, do it again.",
    )


def is_repeat(request: CreditRequest, action: str, actor: str) -> bool:
    """True if this person has brought the request where it is by this very action.

    They clicked twice, or Slack delivered it twice: there is nothing to do, and nothing went wrong.
    """
    match action:
        case "approve":
            decided = request.status not in {Status.PENDING, Status.CANCELLED}
            return decided and any(approval.approver == actor for approval in request.approvals)
        case "deny":
            return request.status is Status.DENIED and request.decided_by == actor
        case "cancel":
            return request.status is Status.CANCELLED and request.decided_by == actor
        case "settle":
            return request.status in FINAL and request.settled_by == actor
    return False


def check_decision(request: CreditRequest, actor: str, approvers: frozenset[str], policy: Policy) -> None:
    """Raise Refusal unless `actor` may approve or deny this request now.

    `approvers` is everyone who is listed by name or through a user group.
    """
    if request.status is not Status.PENDING:
        raise already_settled(request)
    if request.check is None:
        raise Refusal("unchecked", f"Request {request.id} is still being checked; try again in a moment.")
    if actor == request.requested_by:
        raise Refusal(
            "self_approval",
            f"You asked for request {request.id} yourself, so another approver must decide it. "
            "You may withdraw it with Cancel.",
        )
    check_approver(request, actor, approvers, policy)


def check_approver(request: CreditRequest, actor: str, approvers: frozenset[str], policy: Policy) -> None:
    """Raise Refusal unless `actor` is an approver."""
    if policy.nobody:
        raise Refusal(
            "no_approvers",
            "Nobody may approve yet: whoever runs creditbot must list approvers in CREDITBOT_APPROVERS.",
        )
    if actor not in approvers:
        listed = people(policy.listed(without=request.requested_by))
        whom = f"Ask one of: {listed}." if listed else "Nobody but its requester is listed as one."
        raise Refusal("not_an_approver", f"Only an approver may decide this. {whom}")


def group_unreadable(groups: Iterable[str]) -> Refusal:
    """The refusal for someone who may be in a user group that Slack does not let us read."""
    return Refusal(
        "group_unreadable",
        f"Slack did not say who is in {people(sorted(groups))}, so nobody can approve through it now. "
        "Try again in a minute; if it goes on, tell whoever runs creditbot.",
    )


def check_approval(request: CreditRequest, actor: str) -> None:
    """Raise Refusal if this approver has approved already: approvals are counted, each once."""
    if any(approval.approver == actor for approval in request.approvals):
        raise Refusal(
            "approved_before",
            f"You have approved request {request.id} already; "
            f"{number(request.approvals_missing)} more must agree.",
        )


def check_cancel(request: CreditRequest, actor: str, approvers: frozenset[str]) -> None:
    """Raise Refusal unless `actor` may withdraw this request now.

    Its requester may until it is sent. An approver may stop one that is approved and waits its turn.
    """
    if request.status not in {Status.PENDING, Status.APPROVED}:
        raise already_settled(request)
    if actor == request.requested_by:
        return
    if request.status is Status.APPROVED and actor in approvers:
        return
    raise Refusal(
        "not_the_requester",
        f"Only {people([request.requested_by])}, who asked, may cancel request {request.id}. "
        "An approver may deny it.",
    )


def check_in_doubt(request: CreditRequest) -> None:
    """Raise Refusal unless the request is in doubt."""
    if request.status is not Status.IN_DOUBT:
        raise Refusal(
            "not_in_doubt",
            f"Request {request.id} is not in doubt: it {words_of(request)}. Nothing was changed.",
        )


def check_clear(request: CreditRequest, now: datetime) -> None:
    """Raise Refusal while SendGrid may still be at work on an unclear attempt."""
    if request.unclear_until is not None and now < request.unclear_until:
        seconds = math.ceil((request.unclear_until - now).total_seconds())
        raise Refusal(
            "too_early",
            f"SendGrid may still be at work on request {request.id}, so what you see there may yet change. "
            f"Look again in {count(seconds, 'second')}, then say what you found.",
        )


def check_settlement(request: CreditRequest, actor: str, approvers: frozenset[str], policy: Policy) -> None:
    """Raise Refusal unless `actor` may say what became of a request in doubt."""
    check_in_doubt(request)
    if actor == request.requested_by:
        raise Refusal(
            "self_settlement",
            f"You asked for request {request.id} yourself, so another approver must settle it.",
        )
    check_approver(request, actor, approvers, policy)


def check_again(request: CreditRequest) -> None:
    """Raise Refusal unless this request may be asked for again from its card; anyone may who may ask."""
    if request.asked_again_as is not None:
        raise Refusal(
            "asked_again",
            f"Request {request.id} has been asked for again already, as request {request.asked_again_as}.",
        )
    if request.status is not Status.FAILED:
        raise Refusal(
            "not_failed",
            f"Request {request.id} has not failed: it {words_of(request)}. Nothing was changed.",
        )
    if not request.may_be_asked_again:
        raise Refusal(
            "contradicted",
            f"SendGrid's own answer says that request {request.id} was applied after all. Look at the "
            "subuser in SendGrid; if it still needs a change, ask with `/credits request`.",
        )


def has_expired(request: CreditRequest, now: datetime) -> bool:
    """True if nobody may decide any more, whether or not a sweep has said so yet."""
    return request.status is Status.PENDING and now >= request.expires_at


def check_change(subuser: str, allocation_update: int, found: SubuserCredits) -> None:
    """Raise Refusal if SendGrid's own data says that the change makes no sense."""
    if found.type == UNLIMITED:
        raise Refusal(
            "unlimited",
            f"Subuser {literal(subuser)} has unlimited credits, so a change would mean nothing. "
            "Nothing was sent. If it should have a limit, set one in SendGrid first.",
        )
    if found.remain is not None and allocation_update < 0 and found.remain + allocation_update < 0:
        raise Refusal(
            "below_zero",
            f"Subuser {literal(subuser)} has {number(found.remain)} credits left, so "
            f"{signed(allocation_update)} would take it below zero. Nothing was sent. "
            + (
                f"Ask for {number(found.remain)} or fewer."
                if found.remain > 0
                else "There is nothing to take."
            ),
        )


def lasts_until_reset(credits_type: str | None) -> bool:
    """True if SendGrid sets the credits anew at the next reset, whatever was added before."""
    return credits_type == RECURRING
