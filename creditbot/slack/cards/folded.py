"""A request that waits for nobody, in two or three lines: forty of them must not fill a channel.

`Show` tells the rest to whoever presses it.
"""

from datetime import datetime

from creditbot.domain.markup import person
from creditbot.domain.relations import RelationKind
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.text import number
from creditbot.slack.bounds import cut, cut_plain
from creditbot.slack.message import Block, button, context, moment, section, several, typed

from .states import headline, onward

SHOW = "show"

LONGEST = 200
"""Characters of a reason or an explanation."""

LARGE = frozenset({Status.PENDING, Status.IN_DOUBT})


def is_folded(request: CreditRequest) -> bool:
    """Whether it waits for nobody. What SendGrid has contradicted waits for someone to look."""
    return request.status not in LARGE and request.contradicted_at is None


def folded(request: CreditRequest, value: str, *notes: str) -> list[Block]:
    """Its state, who asked and decided, and the balance after; then why, if there is a why, and the notes.

    The button carries `value`.
    """
    show = button("Show", SHOW, value, spoken=f"Show request {request.id}")
    who = " · ".join(
        [f"Request {request.id}", f"requested by {person(request.requested_by)}", *_decided(request)]
    )
    folded_up = section(f"{headline(request)}\n{who}", accessory=show)
    said = [*_why(request), *notes]
    return [folded_up, *_in_their_words(request), *([context(*said)] if said else [])]


def _decided(request: CreditRequest) -> list[str]:
    """Who decided what, and how it ended."""
    match request.status:
        case Status.APPLIED:
            return [*_approved(request), *_settled(request), *_balance_after(request)]
        case Status.FAILED:
            failed = f"failed{_on(request.finished_at)}, nothing was changed"
            return [*_approved(request), *_settled(request), failed]
        case Status.DENIED | Status.CANCELLED:
            by = f" by {person(request.decided_by)}" if request.decided_by else ""
            return [f"{request.status}{by}{_on(request.decided_at or request.finished_at)}"]
        case Status.EXPIRED:
            return [f"nobody decided by {moment(request.expires_at)}"]
        case Status.REFUSED:
            return [f"refused{_on(request.finished_at)}"]
        case _:
            return _approved(request)


def _approved(request: CreditRequest) -> list[str]:
    if request.break_glass_reason is not None:
        return [f"approved by {person(request.requested_by)} alone, in an emergency"]
    by = several(request.approvers)
    return [f"approved by {by}"] if by else []


def _settled(request: CreditRequest) -> list[str]:
    """Who or what said how a doubt ended, if it was one."""
    if request.settled_by is not None:
        return [f"settled by {person(request.settled_by)}"]
    proven = request.status is Status.APPLIED and request.explanation is not None
    return ["confirmed by the balance"] if proven else []


def _balance_after(request: CreditRequest) -> list[str]:
    if request.after is None:
        return [f"applied{_on(request.finished_at)}", "balance after not reported"]
    return [f"balance after: {number(request.after.remain)}{_on(request.after.at or request.finished_at)}"]


def _on(at: datetime | None) -> str:
    return f" on {moment(at)}" if at else ""


def _in_their_words(request: CreditRequest) -> list[Block]:
    """What people gave as their reason, where one ended or forced it."""
    reasons = {
        "Emergency": request.break_glass_reason,
        "Denied because": request.decision_reason if request.status is Status.DENIED else None,
        "Cancelled because": request.decision_reason if request.status is Status.CANCELLED else None,
        "Settled because": request.settled_reason,
    }
    return [typed(f"{name}: {cut_plain(reason, LONGEST)}") for name, reason in reasons.items() if reason]


def _why(request: CreditRequest) -> list[str]:
    """What comes next, or why it ended so."""
    anew = request.follower(RelationKind.AGAIN)
    again = [] if anew is None else [f"It was requested again, as request {anew}."]
    match request.status:
        case Status.APPROVED | Status.APPLYING:
            return [onward(request)]
        case Status.FAILED | Status.CANCELLED | Status.REFUSED if request.explanation:
            return [cut(request.explanation, LONGEST), *again]
    return again
