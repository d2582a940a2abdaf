"""Where a request stands and what happens next, in sentences."""

from creditbot.domain.markup import literal, person
from creditbot.domain.operators import OPERATOR
from creditbot.domain.policy import Policy, Quorum
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.text import count, number
from creditbot.slack.message import moment, several

from .states import onward


def standing(request: CreditRequest, *, figures: bool = True) -> str:
    """Where a request stands and what happens next, in a few sentences; `figures`: with balances."""
    match request.status:
        case Status.PENDING:
            return f"*Waiting for approval* until {moment(request.expires_at)}."
        case Status.APPROVED | Status.APPLYING:
            return f"{approved(request)} {onward(request)}"
        case Status.APPLIED:
            return f"{_applied(request, figures=figures)} {approved(request)}"
        case Status.FAILED:
            return f"{_failed(request, figures=figures)} {approved(request)}"
        case Status.IN_DOUBT:
            return _doubt(request, figures=figures)
        case Status.DENIED:
            return f"*Denied* by {_decider(request)}. Nothing was changed."
        case Status.CANCELLED:
            by = f" by {_decider(request)}" if request.decided_by else ""
            return " ".join(filter(None, [f"*Cancelled*{by}. Nothing was changed.", request.explanation]))
        case Status.EXPIRED:
            return (
                f"*Expired* on {moment(request.expires_at)}: nobody decided in time. Nothing was changed. "
                "If the change is still needed, ask for it again."
            )
        case Status.REFUSED:
            before = " before it reached an approver" if request.check is None else ""
            return f"*Refused*{before}. {request.explanation or ''}".strip()


def waiting(request: CreditRequest, policy: Policy, quorum: Quorum) -> str:
    """Until when, for how many more, from whom, by the policy as it is; and who has agreed so far."""
    until = f"until {moment(request.expires_at)}"
    tiers = policy.tiers_of(request.changes)
    if not tiers:
        return (
            "*Nobody can approve this any more*: no tier of the policy covers it. Cancel it and ask for "
            f"another amount, or ask whoever runs creditbot to add a tier. It stays open {until}."
        )
    listed = quorum.may_still.listed()
    if not listed:
        named = ", ".join(literal(tier.name) for tier in tiers if tier.name)
        where = f"the policy's tier {named}" if named else "CREDITBOT_APPROVERS"
        return (
            "*Nobody can approve this yet*: whoever runs creditbot must list an approver other than "
            f"{person(request.requested_by)} in {where}. It stays open {until}.{_so_far(request, quorum)}"
        )
    whoever = several(listed)
    if quorum.reached:
        return (
            f"*Enough people have approved* under the current policy. It waits {until} for one more click: "
            f"it is sent as soon as any of {whoever} presses _Approve_, including those who have already "
            f"approved.{_so_far(request, quorum)}"
        )
    needed = count(quorum.missing, "more approval" if quorum.counted else "approval")
    second = ""
    if quorum.lacks is not None and quorum.missing > 1:
        second = f", at least one of them from {several(quorum.lacks.listed())}"
    return f"*Waiting for approval* {until}. Needs {needed} from {whoever}{second}.{_so_far(request, quorum)}"


def _so_far(request: CreditRequest, quorum: Quorum) -> str:
    """Who has agreed, with a space before it; and whose word does not count any more."""
    others = [found.approver for found in request.approvals if found.approver not in quorum.counted]
    said = f" Approved so far by {several(quorum.counted)}." if quorum.counted else ""
    if others and quorum.unread:
        said += (
            f" {several(others)} approved, but creditbot can't read the members of "
            f"{several(sorted(quorum.unread))} in Slack, so it can't tell whether that counts. Press "
            "_Approve_ again once the group can be read."
        )
    elif others:
        said += f" {several(others)} approved, but may no longer do so, so that does not count now."
    return said


def approved(request: CreditRequest) -> str:
    if request.break_glass_reason and request.decided_at:
        return (
            f"*Approved in an emergency* on {moment(request.decided_at)} by {person(request.requested_by)}, "
            "who also requested it."
        )
    if not request.approvals:
        return ""
    last = request.approvals[-1]
    by = several(request.approvers)
    return f"*Approved* by {by} on {moment(last.at)}."


def _explanation(request: CreditRequest, *, figures: bool) -> str:
    """Without figures, what two balances show is left out; it is that once they were read a second time."""
    from_balances = request.remain_after is not None and request.contradicted_at is None
    return "" if from_balances and not figures else request.explanation or ""


def _applied(request: CreditRequest, *, figures: bool) -> str:
    on = f" on {moment(request.finished_at)}" if request.finished_at else ""
    after = (
        f" Balance after: {number(request.remain_after)}."
        if request.remain_after is not None
        else " SendGrid did not report the balance afterwards."
    )
    explanation = _explanation(request, figures=figures)
    if request.settled_by:
        return f"*Applied*{on}. {_settled(request)} {explanation}".strip()
    if request.explanation:
        return f"*Applied*, confirmed by the balance{on}. {explanation}".strip()
    return f"*Applied*{on}. SendGrid answered {request.answer_status}.{after if figures else ''}"


def _failed(request: CreditRequest, *, figures: bool) -> str:
    on = f" on {moment(request.finished_at)}" if request.finished_at else ""
    settled = _settled(request) if request.settled_by else None
    failed = f"*Settled as failed*{on}." if request.contradicted_at else f"*Failed*{on}: nothing was changed."
    parts = [failed, settled, _explanation(request, figures=figures), _asking_again(request)]
    return " ".join(part for part in parts if part)


def _asking_again(request: CreditRequest) -> str | None:
    """How it goes on after a request has failed, if it does."""
    follower = request.follower(RelationKind.AGAIN)
    if follower is not None:
        return f"It was requested again, as request {follower}."
    if not request.may_be_asked_again:
        return None
    return (
        "If the change is still needed, press _Request again_ on its card. The new request needs its own "
        "approval."
    )


def _settled(request: CreditRequest) -> str:
    return f"The doubt was settled by {person(request.settled_by or OPERATOR)}."


def _doubt(request: CreditRequest, *, figures: bool) -> str:
    what = (
        "*In doubt*: it is not known yet whether SendGrid applied the change. It will not be sent again, "
        f"and no other change of {literal(request.subuser)} is sent until this is settled."
    )
    if request.remain_after is None and request.unclear_until is not None:
        then = (
            f"creditbot reads the balance on {moment(request.unclear_until)}, when SendGrid should be done, "
            "and settles the request if the balance proves what happened."
        )
    elif request.read_again_at is not None:
        then = (
            "The balance says that it was not applied, but SendGrid may be late. creditbot reads the "
            f"balance again on {moment(request.read_again_at)}; if it says the same, the request ends as "
            "failed. Nobody has to do anything until then."
        )
    else:
        then = "Someone has to look at the subuser in SendGrid and say on the card what they found."
    explanation = _explanation(request, figures=figures)
    return " ".join(part for part in (what, explanation, then, approved(request)) if part)


def _decider(request: CreditRequest) -> str:
    who = person(request.decided_by) if request.decided_by else "nobody on record"
    return f"{who} on {moment(request.decided_at)}" if request.decided_at else who
