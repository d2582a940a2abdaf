"""What may be done to a request at this moment, and by whom.

Each check raises Refusal with a finished sentence, which names the rule where a policy has given it a name.
"""

import math
from collections.abc import Iterable
from datetime import datetime

from .change_rules import tiers_of
from .errors import Refusal
from .markup import literal, people
from .policy import Policy, Quorum, rule
from .relations import RelationKind
from .requests import FINAL, CreditRequest, Status
from .text import count
from .who import Actor, Roster, Who

STATUS_WORDS = {
    Status.PENDING: "is waiting for approval",
    Status.APPROVED: "has already been approved{by}",
    Status.DENIED: "has already been denied{by}",
    Status.CANCELLED: "has already been cancelled{by}",
    Status.EXPIRED: "has expired",
    Status.REFUSED: "was refused",
    Status.APPLYING: "has already been approved{by} and is being applied",
    Status.APPLIED: "has already been approved{by} and applied",
    Status.FAILED: "was approved{by} and has failed",
    Status.IN_DOUBT: "was approved{by} and is in doubt",
}


def words_of(request: CreditRequest) -> str:
    by = f" by {people([request.decided_by])}" if request.decided_by else ""
    return STATUS_WORDS[request.status].format(by=by)


def already_settled(request: CreditRequest) -> Refusal:
    """The refusal for a decision that comes too late."""
    return Refusal("state", f"Request {request.id} {words_of(request)}. Nothing was changed.")


REPEATED = "repeated"

AFTER_APPROVAL = frozenset({Status.APPROVED, Status.APPLYING, Status.APPLIED, Status.FAILED, Status.IN_DOUBT})
"""Where a yes has led. A request may have one and be denied, cancelled or expired: that is not its doing."""


def repeated(request: CreditRequest) -> Refusal:
    """What someone is told who does again what they have done."""
    return Refusal(REPEATED, f"Request {request.id} {words_of(request)}. Doing it again changed nothing.")


def refused_before(request: CreditRequest) -> Refusal:
    """What someone is told whose action was refused when it came first, and would be allowed now."""
    return Refusal(
        "refused_before",
        f"This was refused the first time, so nothing was changed. Request {request.id} "
        f"{words_of(request)}. If you still want this, do it again.",
    )


def expired(request: CreditRequest) -> Refusal:
    """The refusal for a decision after the time for it."""
    return Refusal(
        "expired",
        f"Request {request.id} has expired. Nothing was changed. If the change is still needed, ask for it "
        "again.",
    )


def unknown_card() -> Refusal:
    """The refusal for a card, or a form opened from one, that shows no request of this database."""
    return Refusal(
        "unknown_card",
        "Nothing was changed: this card does not belong to any request in creditbot's database. Either the "
        "database was restored or replaced after the card was posted, or the card is from another creditbot "
        "or an older version. `/credits pending` lists the open requests; if yours is missing, ask for it "
        "again.",
    )


OUTDATED = "outdated_card"


def outdated_card(request: CreditRequest) -> Refusal:
    """The refusal for a decision about something else than what holds now."""
    return Refusal(
        OUTDATED,
        f"Nothing was decided: the rules for request {request.id} or the balance of "
        f"{literal(request.subuser)} changed after this card was drawn. The card is being updated. Look at "
        "it again, then press the button again.",
    )


def other_policy() -> Refusal:
    """The refusal of a process whose policy is not the one by which the card was drawn."""
    return Refusal(
        "other_policy",
        "Nothing was decided: a new policy is in force, but not all of creditbot has been restarted with "
        "it. Try again in a minute. If this keeps happening, tell whoever runs creditbot to restart all its "
        "processes.",
    )


def is_repeat(request: CreditRequest, action: str, actor: str) -> bool:
    """True if this person has brought the request where it is by this very action.

    They clicked twice, or Slack delivered it twice: there is nothing to do, and nothing went wrong.
    """
    match action:
        case "approve":
            return request.status in AFTER_APPROVAL and request.approved_by(actor)
        case "break_glass":
            own = request.break_glass_reason is not None and request.decided_by == actor
            return request.status in AFTER_APPROVAL and own
        case "deny":
            return request.status is Status.DENIED and request.decided_by == actor
        case "cancel":
            return request.status is Status.CANCELLED and request.decided_by == actor
        case "settle":
            return request.status in FINAL and request.settled_by == actor
    return False


def check_undecided(request: CreditRequest) -> None:
    """Raise Refusal unless a decision about this request makes a difference now."""
    if request.status is not Status.PENDING:
        raise already_settled(request)
    if request.check is None:
        raise Refusal("unchecked", f"Request {request.id} is still being checked; try again in a moment.")


def check_decision(request: CreditRequest, actor: str, policy: Policy, roster: Roster, now: datetime) -> None:
    """Raise Refusal unless `actor` may approve or deny this request now."""
    check_undecided(request)
    if actor == request.requested_by:
        raise Refusal(
            "self_approval",
            f"Request {request.id} is your own, so another approver must decide it. To withdraw it, press "
            "Cancel.",
        )
    check_approver(request, actor, policy, roster, now)


def check_approver(request: CreditRequest, actor: str, policy: Policy, roster: Roster, now: datetime) -> None:
    """Raise Refusal unless `actor` is an approver of this request."""
    _check_anybody_approves(policy)
    only = f"Only an approver can decide this.{rule(tiers_of(request.changes, policy))}"
    _check_among(policy.authority(request, now), request, actor, roster, only)


def _check_anybody_approves(policy: Policy) -> None:
    """Raise Refusal if no list was given, so that nobody can approve anything."""
    if policy.nobody_approves:
        raise Refusal(
            "no_approvers",
            "Nobody can approve anything yet: whoever runs creditbot must list approvers in "
            "CREDITBOT_APPROVERS.",
        )


def _check_among(authority: Who, request: CreditRequest, actor: str, roster: Roster, only: str) -> None:
    """Raise Refusal unless `actor` is one of them; `only` begins the sentence that says who is."""
    if roster.has(authority, actor):
        return
    unread = roster.unread(authority)
    if unread:
        raise group_unreadable(unread)
    listed = people(authority.listed(without={request.requested_by}))
    whom = f"Ask one of: {listed}." if listed else "The requester is the only approver listed."
    raise Refusal("not_an_approver", f"{only} {whom}")


GROUP_UNREADABLE = "group_unreadable"


def group_unreadable(groups: Iterable[str]) -> Refusal:
    """The refusal for someone who may be in a user group that Slack does not let us read."""
    return Refusal(
        GROUP_UNREADABLE,
        f"creditbot can't read the members of {people(sorted(groups))} in Slack, so nobody can approve as a "
        "member of it right now. Try again in a minute. If this keeps happening, tell whoever runs "
        "creditbot.",
    )


def check_approval(
    request: CreditRequest, actor: str, policy: Policy, roster: Roster, now: datetime
) -> Quorum:
    """Return the quorum with this approver's yes; raise Refusal if it can't be given, or says nothing new.

    An approval on record by someone who is no approver any more does not count, nor does one of whom that
    can't be known now, since a group can't be read. It keeps nobody else from approving: what is on record
    counts again once the group can be read, and the next click finds it.
    """
    check_decision(request, actor, policy, roster, now)
    after = policy.quorum(request.with_approval(actor, now), roster, now)
    if request.approved_by(actor) and not after.reached:
        if after.unread and len(after.counted) < len(request.approvals):
            raise group_unreadable(after.unread)
        raise Refusal(
            "approved_before",
            f"You have already approved request {request.id}. It needs "
            f"{count(after.missing, 'more approval')}.",
        )
    return after


def check_still_approved(request: CreditRequest, policy: Policy, roster: Roster, now: datetime) -> None:
    """Raise Refusal unless those who approved this request would be enough under the policy as it is now."""
    tiers = tiers_of(request.changes, policy)
    if request.break_glass_reason is not None:
        if request.requested_by not in policy.break_glass.people:
            raise Refusal(
                "break_glass",
                f"{people([request.requested_by])} approved it alone, which the policy no longer allows. "
                "Ask for it again. Rule: break_glass.",
            )
        return
    quorum = policy.quorum(request, roster, now)
    if quorum.reached:
        return
    if quorum.unread:
        raise Refusal(
            GROUP_UNREADABLE,
            f"creditbot can't read the members of {people(sorted(quorum.unread))} in Slack, so it can't "
            "tell whether the approvals still count.",
        )
    raise Refusal(
        "quorum",
        f"It now needs {count(quorum.missing, 'more approval')}, so it has to be requested "
        f"again.{rule(tiers)}",
    )


def waits_for(request: CreditRequest, actor: str, policy: Policy, roster: Roster, now: datetime) -> bool:
    """Whether this person's word would bring the request on at this moment, and is asked for."""
    try:
        if request.status is Status.IN_DOUBT:
            check_settlement(request, actor, policy, roster, now)
            check_clear(request, now)
            return request.read_again_at is None or now >= request.read_again_at
        check_approval(request, actor, policy, roster, now)
    except Refusal:
        return False
    asked = policy.quorum(request, roster, now).may_still
    return roster.has(asked, actor) and not has_expired(request, now)


def check_withdrawal(request: CreditRequest, actor: str) -> None:
    """Raise Refusal unless `actor` has approved this request and it still waits for others."""
    if request.status is not Status.PENDING:
        raise already_settled(request)
    if not request.approved_by(actor):
        raise Refusal(
            "no_approval",
            f"You have not approved request {request.id}, so there is nothing to withdraw.",
        )


def check_break_glass(request: CreditRequest, actor: str, policy: Policy) -> None:
    """Raise Refusal unless `actor` may approve this request, their own, in an emergency."""
    check_undecided(request)
    if actor != request.requested_by or actor not in policy.break_glass.people:
        raise Refusal(
            "break_glass",
            "Only the requester can approve their own request in an emergency, and only if the policy names "
            "them under break_glass. Nothing was changed.",
        )
    tiers_of(request.changes, policy)


def check_may_ask(actor: Actor, policy: Policy, roster: Roster) -> None:
    """Raise Refusal unless `actor` may ask for changes."""
    if roster.means(policy.may_ask, actor):
        return
    unread = roster.unread(policy.may_ask)
    if unread:
        raise Refusal(
            GROUP_UNREADABLE,
            f"creditbot can't read the members of {people(sorted(unread))} in Slack, so it can't tell "
            "whether you may ask. Try again in a minute. If this keeps happening, tell whoever runs "
            "creditbot.",
        )
    raise Refusal("may_ask", f"You may not ask for credits. {_remedy(actor, policy.may_ask, 'may_ask')}")


def may_see(actor: Actor, policy: Policy, roster: Roster) -> bool:
    """Whether `actor` may see balances."""
    return roster.means(policy.may_see, actor)


def all_may_see(request: CreditRequest, policy: Policy) -> bool:
    """Whether whoever is told of this request may see balances, without looking at any list."""
    return policy.may_see.anyone and request.requester_team is None


def check_may_see(actor: Actor, policy: Policy, roster: Roster) -> None:
    """Raise Refusal unless `actor` may see balances. Requests may be seen by everyone, without these."""
    if may_see(actor, policy, roster):
        return
    unread = roster.unread(policy.may_see)
    if unread:
        raise Refusal(
            GROUP_UNREADABLE,
            f"creditbot can't read the members of {people(sorted(unread))} in Slack, so it can't tell "
            "whether you may see balances. Try again in a minute. If this keeps happening, tell whoever "
            "runs creditbot.",
        )
    raise Refusal("may_see", f"You may not see balances. {_remedy(actor, policy.may_see, 'may_see')}")


def why_not_see(actor: Actor, policy: Policy, roster: Roster) -> str | None:
    """The sentence for someone who may not see balances, the same wherever they are left out."""
    try:
        check_may_see(actor, policy, roster)
    except Refusal as refusal:
        return refusal.sentence
    return None


def _remedy(actor: Actor, who: Who, key: str) -> str:
    """What someone can do whom the policy does not mean, and by which rule."""
    if who.anyone and actor.elsewhere is not None:
        return (
            "You belong to another Slack workspace, and the policy allows only people of this one. Ask "
            f"whoever runs creditbot to list your ID, `{actor.id}`, under {key}. Rule: {key}."
        )
    listed = people(who.listed())
    return f"Ask one of: {listed}. Rule: {key}." if listed else f"Rule: {key}."


def check_not_sent(request: CreditRequest) -> None:
    """Raise Refusal unless the request can still be withdrawn."""
    if request.status not in {Status.PENDING, Status.APPROVED}:
        raise already_settled(request)


def check_cancel(request: CreditRequest, actor: str, policy: Policy, roster: Roster, now: datetime) -> None:
    """Raise Refusal unless `actor` may withdraw this request now.

    Its requester may until it is sent. An approver may stop one that is approved and waits its turn.
    """
    check_not_sent(request)
    if actor == request.requested_by:
        return
    approved = request.status is Status.APPROVED
    authority = policy.authority(request, now)
    if approved and roster.has(authority, actor):
        return
    if approved and (unread := roster.unread(authority)):
        raise Refusal(
            GROUP_UNREADABLE,
            f"creditbot can't read the members of {people(sorted(unread))} in Slack, so it can't tell "
            f"whether you may cancel request {request.id}. {people([request.requested_by])}, who requested "
            "it, may.",
        )
    raise Refusal(
        "not_the_requester",
        f"Only {people([request.requested_by])}, who requested it, can cancel request {request.id}. An "
        f"approver can {'cancel' if approved else 'deny'} it{', too' if approved else ''}.",
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
            f"SendGrid may still be working on request {request.id}, so what you see there may still "
            f"change. Look again in {count(seconds, 'second')}, then say what you found.",
        )


def check_settlement(
    request: CreditRequest, actor: str, policy: Policy, roster: Roster, now: datetime
) -> None:
    """Raise Refusal unless `actor` may say what became of a request in doubt.

    It may have been applied, so someone has to say, also where no tier covers such a change any more: then
    it is for the approvers of all tiers.
    """
    check_in_doubt(request)
    if actor == request.requested_by:
        raise Refusal(
            "self_settlement",
            f"Request {request.id} is your own, so another approver must settle it.",
        )
    if policy.tiers_of(request.changes):
        check_approver(request, actor, policy, roster, now)
        return
    _check_anybody_approves(policy)
    only = (
        "No tier of the policy covers this change any more, so only an approver of one of the tiers can "
        "settle it."
    )
    _check_among(policy.approvers_of_all_tiers, request, actor, roster, only)


def check_again(request: CreditRequest) -> None:
    """Raise Refusal unless this request may be asked for again from its card; anyone may who may ask."""
    follower = request.follower(RelationKind.AGAIN)
    if follower is not None:
        raise Refusal(
            "asked_again",
            f"Request {request.id} has already been requested again, as request {follower}.",
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
