"""A request as people see it: its card in a channel, and the notices about it.

Pure functions: from a request (and the policy, as it counts at this moment) to a message.
"""

from collections.abc import Callable
from datetime import datetime

from creditbot.domain.evidence import use_in_words
from creditbot.domain.place import Place
from creditbot.domain.policy import Policy, Quorum
from creditbot.domain.relations import RelationKind
from creditbot.domain.reminders import ESCALATED, NO_CARD, OLD_CARD, REMINDER, UNTOLD
from creditbot.domain.requests import CreditRequest, Figure, Status
from creditbot.domain.rules import lasts_until_reset
from creditbot.domain.shown import shown
from creditbot.domain.text import OPERATOR, count, escape, literal, number, person, signed
from creditbot.domain.who import Roster

from .folded import folded, is_folded
from .message import (
    Block,
    Confirmation,
    Message,
    actions,
    button,
    confirmation,
    context,
    day_or_moment,
    facts,
    header,
    linked,
    moment,
    section,
    sentence,
    several,
    typed,
)
from .states import onward, sign_of_news, title, title_in_words

APPROVE, DENY, CANCEL, WITHDRAW = "approve", "deny", "cancel", "withdraw"
SETTLE_APPLIED, SETTLE_NOT_APPLIED, CHECK_AGAIN = "settle_applied", "settle_not_applied", "check_again"
REQUEST_AGAIN = "request_again"

CHANNELS = "the approvals channel, or the one that the policy names for this subuser"

COPY_ABOVE = "There may be an earlier copy of this card above. A click on either one brings it up to date."


NEIGHBOURS = {
    Status.PENDING: "waiting for approval",
    Status.APPROVED: "approved",
    Status.APPLYING: "being applied",
    Status.IN_DOUBT: "in doubt",
    Status.APPLIED: "applied",
}

Links = Callable[[Place | None], str | None]


def nowhere(_: Place | None) -> str | None:
    """No links."""
    return None


def card(
    request: CreditRequest,
    policy: Policy,
    roster: Roster,
    now: datetime,
    *,
    copy_above: bool = False,
    links: Links = nowhere,
) -> Message:
    """The card, in whatever state the request is; `copy_above` says that it may not be the only one."""
    quorum = policy.quorum(request, roster, now)
    where = waiting(request, policy, quorum) if request.status is Status.PENDING else standing(request)
    notes = [
        *beside(request, links),
        *follows(request),
        *_rule(request, policy),
        *([COPY_ABOVE] if copy_above else []),
    ]
    text = (
        f"{title_in_words(request)}. Request {request.id}, requested by {person(request.requested_by)}. "
        f"Reason: {literal(request.reason)}. {where}"
    )
    value = str(shown(request, policy, now))
    buttons = _buttons(request, quorum, value)
    if is_folded(request):
        blocks = [*folded(request, value, *([COPY_ABOVE] if copy_above else [])), *buttons]
    else:
        blocks = [*_in_full(request, where), *buttons, context(*_foot(request), *notes)]
    return Message(" ".join([text, *notes]), blocks)


def _in_full(request: CreditRequest, where: str) -> list[Block]:
    """What someone has to decide by, or to look at."""
    blocks: list[Block] = [
        header(title(request)),
        facts(
            [
                ("Subuser", literal(request.subuser)),
                ("Change", signed(request.allocation_update)),
                *_balances(request),
                ("Requested by", person(request.requested_by)),
            ]
        ),
        typed(f"Reason: {request.reason}"),
        *(_either_way(request) or [section(where)]),
    ]
    if request.break_glass_reason:
        blocks.append(typed(f"Emergency: {request.break_glass_reason}"))
    if request.settled_reason:
        blocks.append(typed(f"Settled because: {request.settled_reason}"))
    lasting = reset_warning(request)
    if lasting:
        blocks.append(context(lasting))
    return blocks


def _foot(request: CreditRequest) -> list[str]:
    """Which request it is, and who has approved it where no sentence above says so."""
    foot = [f"Request {request.id}, requested on {moment(request.requested_at)}"]
    return [*foot, _approved(request)] if _either_way(request) else foot


def beside(request: CreditRequest, links: Links = nowhere) -> list[str]:
    """The sentence that names other requests of its subuser, if there are any that could be the same wish."""
    if not request.beside:
        return []
    named = "; ".join(
        f"{linked(f'request {other.id}', links(other.card))} ({signed(other.allocation_update)} by "
        f"{person(other.requested_by)}, {NEIGHBOURS[other.status]})"
        for other in request.beside
    )
    return [f"Open or recently applied for {literal(request.subuser)}: {named}."]


def follows(request: CreditRequest) -> list[str]:
    """The sentence that names the failed request which this one follows, if it follows one."""
    failed = request.follows(RelationKind.AGAIN)
    return [] if failed is None else [f"Requested again after request {failed} failed."]


def _rule(request: CreditRequest, policy: Policy) -> list[str]:
    """The tiers by whose rules it is decided, while it is, if they have names."""
    tiers = policy.tiers_of(request.changes) if request.status is Status.PENDING else ()
    return [f"Tier {literal(tier.name)}: {tier.words()}." for tier in tiers if tier.name]


def standing(request: CreditRequest, *, figures: bool = True) -> str:
    """Where a request stands and what happens next, in a few sentences; `figures`: with balances."""
    match request.status:
        case Status.PENDING:
            return f"*Waiting for approval* until {moment(request.expires_at)}."
        case Status.APPROVED | Status.APPLYING:
            return f"{_approved(request)} {onward(request)}"
        case Status.APPLIED:
            return f"{_applied(request, figures=figures)} {_approved(request)}"
        case Status.FAILED:
            return f"{_failed(request, figures=figures)} {_approved(request)}"
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


def notice(
    kind: str,
    request: CreditRequest,
    *,
    figures: bool = True,
    place: Place | None = None,
    link: str | None = None,
) -> Message:
    """What a person is told by direct message when a request has come to `kind`; `figures`: with balances.

    The request may have moved on since, so the words come from `kind`, the figures from the request. `place`
    is where its card is, `link` the card's address.
    """
    about = f"{sign_of_news(kind)} {linked(f'Request {request.id}', link)}, {request.change.words()}: "
    text = about + _news(kind, request, figures=figures, card=_card_at(place, link))
    blocks: list[Block] = [section(text)]
    reason = _reason_of(kind, request)
    if reason:
        text += f" Reason: {literal(reason)}"
        blocks.append(typed(f"Reason: {reason}"))
    return Message(text, blocks)


def moved(request: CreditRequest, place: Place, link: str | None) -> Message:
    """What becomes of a request's card once there is another one of it elsewhere."""
    return sentence(
        f"Request {request.id}, {request.change.words()}, now "
        f"has {linked('its card', link)} in <#{place.channel}>."
    )


def _reason_of(kind: str, request: CreditRequest) -> str | None:
    """What a person gave as the reason for bringing a request to `kind`."""
    if kind == "break_glass":
        return request.break_glass_reason
    if kind in {Status.DENIED, Status.CANCELLED}:
        return request.decision_reason
    return request.settled_reason if kind in {Status.APPLIED, Status.FAILED} else None


def _card_at(place: Place | None, link: str | None) -> str:
    """The words for where a request's card is."""
    where = CHANNELS if place is None else f"<#{place.channel}>"
    return f"{linked('its card', link)} in {where}"


def _news(kind: str, request: CreditRequest, *, figures: bool, card: str) -> str:  # noqa: C901 - one case for each kind
    match kind:
        case Status.APPROVED if request.waits_for:
            return (
                f"{_approved(request)} It waits for request {request.waits_for}, which changes the same "
                "subuser, to end. You will be told what happens next."
            )
        case Status.APPROVED:
            return f"{_approved(request)} It is about to be sent to SendGrid. You will be told the outcome."
        case "held":
            return (
                "*Not sent yet.* The policy changed after this was approved, and creditbot can't read the "
                "members of one of its user groups in Slack, so it can't tell whether the approvals still "
                "count. The card has the details. You will be told what happens next."
            )
        case Status.IN_DOUBT:
            return (
                "*In doubt.* It is not known yet whether SendGrid applied the change. It will not be sent "
                "again. You will be told the outcome."
            )
        case "break_glass":
            return (
                f"*Approved in an emergency* by {person(request.requested_by)}, who also requested it. "
                "Nobody else approved it. The policy allows this, and the ledger records it."
            )
        case "not_proven":
            return (
                "*Your decision is needed.* The balance does not prove whether the change was applied. "
                "Until this is settled, no other change of this subuser is sent. Look at the subuser in "
                f"SendGrid, then press _It was applied_ or _It was not applied_ on {card}."
            )
        case "contradicted":
            return f"*Look again.* {request.explanation or ''} {standing(request, figures=figures)}"
        case _ if kind.startswith(REMINDER):
            return f"*Still waiting for your decision.* {_asks_for(request, card)}"
        case _ if kind == ESCALATED:
            return f"*Nobody has decided this yet, so now you may.* {_asks_for(request, card)}"
        case _ if kind == NO_CARD:
            return (
                f"*No approver has seen this yet*: creditbot can't post {card}. Tell whoever runs "
                "creditbot. creditbot keeps trying until the request ends."
            )
        case _ if kind == OLD_CARD:
            return (
                f"*The card may be out of date*: creditbot can't update {card}. Tell whoever runs "
                f"creditbot. `/credits show {request.id}` shows where the request stands."
            )
        case _ if kind.startswith(UNTOLD):
            whom = person(kind.removeprefix(UNTOLD))
            return (
                f"creditbot can't send {whom} a direct message about this. "
                f"{standing(request, figures=figures)}"
            )
    return standing(request, figures=figures)


def _asks_for(request: CreditRequest, card: str) -> str:
    """What someone is told who is to decide."""
    return (
        f"{person(request.requested_by)} requested it on {moment(request.requested_at)}. It can be decided "
        f"until {moment(request.expires_at)}. Press _Approve_ or _Deny_ on {card}."
    )


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


def _approved(request: CreditRequest) -> str:
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
    return " ".join(part for part in (what, explanation, then, _approved(request)) if part)


def _decider(request: CreditRequest) -> str:
    who = person(request.decided_by) if request.decided_by else "nobody on record"
    return f"{who} on {moment(request.decided_at)}" if request.decided_at else who


def _outdated(request: CreditRequest) -> bool:
    """Whether another change was applied since the balance was read on which the card's sum stands."""
    return request.status is Status.PENDING and request.overtaken_by is not None


def _balances(request: CreditRequest) -> list[tuple[str, str]]:
    """The balance before, and what is known of the one after: each with the moment of which it is."""
    if _outdated(request):
        return [("Balance before", f"being read again, because request {request.overtaken_by} was applied")]
    before = ("Balance before", _figure(request.before))
    if request.after is not None:
        return [before, ("Latest balance", _figure(request.after))]
    if request.status is Status.PENDING and request.expected_after is not None:
        return [before, ("Expected after", f"{number(request.expected_after)}, based on that balance")]
    return [before]


def _figure(found: Figure | None) -> str:
    if found is None:
        return "not reported"
    return number(found.remain) + (f" on {moment(found.at)}" if found.at else "")


def _either_way(request: CreditRequest) -> list[Block]:
    """A doubt in figures, if they can be told: what was used in either case, and what to do.

    Two columns of fields, which every client of Slack draws where they stand. Of a `table` block, Slack takes
    one a message, and puts it at the end; and a card that tells of a doubt must not be one that is refused.
    """
    if request.status is not Status.IN_DOUBT or request.before is None or request.used_since is None:
        return []
    cases = [
        ("If applied", request.before.remain + request.allocation_update),
        ("If not applied", request.before.remain),
    ]
    after = request.before.remain - request.used_since
    rows = [
        (case, f"Balance right after: {number(then)}\nUsed since: {number(then - after)}")
        for case, then in cases
    ]
    unknown = (
        "*It is not known whether SendGrid applied the change.* Mail sent in between could explain the "
        "latest balance in either case."
    )
    blocks: list[Block] = [section(unknown), facts(rows)]
    if request.used_before is not None and request.check is not None and request.before.at is not None:
        blocks.append(context(use_in_words(request.used_before, request.before.at - request.check.at)))
    then = (
        "*Look at the subuser in SendGrid, then press the button that says what you found.* This change is "
        f"not sent again, and until someone does, no other change of {literal(request.subuser)} is sent."
    )
    return [*blocks, section(then)]


def reset_warning(request: CreditRequest, *, figures: bool = True) -> str:
    """That a change of credits that recur does not last, and until when; `figures`: with the balance then."""
    check = request.check
    if check is None or not lasts_until_reset(check.type):
        return ""
    when = (
        f" on {day_or_moment(check.next_reset)}"
        if check.next_reset
        else ", on a date that SendGrid did not report"
    )
    to = f" to {number(check.total)}" if figures and check.total is not None else ""
    every = f" ({escape(check.reset_frequency)})" if check.reset_frequency else ""
    return (
        f"*Lasts only until the next reset*{when}: this subuser's credits recur{every}, and each reset sets "
        f"the balance{to} anew."
    )


def _buttons(request: CreditRequest, quorum: Quorum, value: str) -> list[Block]:
    """The row of buttons, if anything can be done; each carries `value`."""
    cancel = button("Cancel", CANCEL, value)
    if request.status is Status.PENDING:
        approve = button(
            "Approve", APPROVE, value, style="primary", confirm=_confirm_approval(request, quorum)
        )
        deny = button("Deny", DENY, value, style="danger")
        between = [button("Withdraw approval", WITHDRAW, value)] if request.approvals else []
        return [actions("decision", approve, deny, *between, cancel)]
    if request.status is Status.APPROVED:
        return [actions("decision", cancel)]
    if request.status is Status.IN_DOUBT:
        return [
            actions(
                "settlement",
                button("It was applied", SETTLE_APPLIED, value),
                button("It was not applied", SETTLE_NOT_APPLIED, value),
                button("Check again", CHECK_AGAIN, value),
            )
        ]
    if request.may_be_asked_again:
        return [
            actions("again", button("Request again", REQUEST_AGAIN, value, confirm=_confirm_again(request)))
        ]
    return []


def _confirm_approval(request: CreditRequest, quorum: Quorum) -> Confirmation:
    change = str(request.change)
    then = [f"{change} will be sent to SendGrid at once. This can't be undone."]
    if quorum.missing == 1 and quorum.lacks is not None:
        if_so = f"If you are one of those whom the card names, {change} will be sent to SendGrid at once"
        if_not = "Otherwise your approval counts, and one of them must approve, too."
        then = [f"{if_so}, which can't be undone. {if_not}", f"{if_so}. {if_not}"]
    if quorum.missing > 1:
        others = count(quorum.missing - 1, "more approver")
        have = "has" if quorum.missing == 2 else "have"
        then = [f"{change} will be sent to SendGrid once {others} {have} approved, too."]
    return confirmation("Approve this change?", *then, change, yes="Approve", no="Not yet")


def _confirm_again(request: CreditRequest) -> Confirmation:
    change = str(request.change)
    return confirmation(
        "Request this again?",
        f"This makes a new request: {change}, for the same reason. Someone else must approve it.",
        change,
        yes="Request again",
        no="Not now",
    )
