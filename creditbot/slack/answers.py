"""What is answered to a command: balances, lists, one request, help. Pure functions to messages."""

import math

from creditbot.domain.credits import NONRECURRING, UNLIMITED
from creditbot.domain.events import Event
from creditbot.domain.markup import escape, literal, person
from creditbot.domain.questions import Question
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.text import number
from creditbot.operations import BalanceReport, Record

from . import bounds
from .cards.card import NEIGHBOURS, Links, beside, follows, nowhere
from .cards.figures import reset_warning
from .cards.standing import standing, waiting
from .cards.states import sign, state
from .message import (
    Block,
    Message,
    actions,
    button,
    context,
    day_or_moment,
    facts,
    header,
    linked,
    moment,
    section,
    sentence,
    typed,
)

ASK_ANYWAY = "ask_anyway"

BAR_CELLS = 20


def asked(request: CreditRequest, channel: str, links: Links = nowhere) -> Message:
    """The answer to whoever has just asked, the same if it is delivered twice."""
    text = f"{sign(request.status)} Request {request.id}: {request.change.words()}. "
    if request.status is Status.PENDING:
        text += (
            f"creditbot checks it with SendGrid, then asks the approvers in <#{channel}>. You will get a "
            f"direct message about each decision. `/credits cancel {request.id}` withdraws the request."
        )
    else:
        text += standing(request, figures=False)
    text = " ".join([text, *beside(request, links)])
    return Message(text, [section(text)])


def same_again(question: Question, links: Links = nowhere) -> Message:
    """The question to whoever asks for the very same again, the same if it is delivered twice."""
    text, reason = asked_already(question, links), question.command.reason
    spoken = f"Ask anyway for {question.command.change}"
    anyway = button("Ask anyway", ASK_ANYWAY, question.token, spoken=spoken)
    blocks = [section(text), typed(f"Reason: {reason}"), actions("same_again", anyway)]
    return Message(f"{text} Reason: {literal(reason)}", blocks)


def asked_already(question: Question, links: Links = nowhere) -> str:
    """What somebody asked for before, and that nothing more has been asked for."""
    same = question.same
    before = linked(f"request {same.id}", links(question.card))
    stands = NEIGHBOURS.get(same.status, str(same.status))
    return (
        f"*You have already asked for this*: {same.change.words()}, on {moment(same.requested_at)} "
        f"({before}, {stands}). Nothing more has been requested yet. If you want the same change once more, "
        "press *Ask anyway*."
    )


def cancelled(request: CreditRequest) -> Message:
    """The answer to `cancel`, which names what it was about: a number alone is easily mistyped."""
    said = f"Request {request.id} is cancelled: {request.change.words()}. Nothing was changed."
    return sentence(f"{sign(Status.CANCELLED)} {said}")


def balance(report: BalanceReport) -> Message:
    """remain, total, used, overage, a bar, and the resets."""
    whose = report.command.on_behalf_of
    title = "Credits of " + ("the parent account" if whose is None else whose)
    heading = "Credits of " + ("the parent account" if whose is None else literal(whose))
    known, kind = report.balance, report.credits.type if report.credits else None
    unlimited = kind == UNLIMITED

    def shown(value: int | None) -> str:
        if value is not None:
            return number(value)
        return "unlimited" if unlimited else "not reported"

    remain, total, used = known.remain, known.total, known.used
    if report.credits is not None:
        # The subuser's own endpoint knows that it has no limit; the other one may still give numbers.
        remain = None if unlimited else _first(remain, report.credits.remain)
        total = None if unlimited else _first(total, report.credits.total)
        used = _first(used, report.credits.used)
    rows = [
        ("Remaining", shown(remain)),
        ("Total", shown(total)),
        ("Used", number(used) if used is not None else "not reported"),
        ("Overage", number(known.overage) if known.overage is not None else "not reported"),
    ]
    blocks: list[Block] = [header(title), facts(rows)]
    bar = _bar(remain, total)
    if bar:
        blocks.append(section(bar))
    resets = _resets(report)
    blocks.append(context(resets))
    text = f"{heading}. " + ", ".join(f"{name}: {value}" for name, value in rows) + f". {bar} {resets}"
    if report.problem:
        blocks.append(section(report.problem))
        text += f" {report.problem}"
    return Message(" ".join(text.split()), blocks)


_STILL_TO_COUNT = frozenset({Status.PENDING, Status.APPROVED, Status.APPLYING, Status.IN_DOUBT})

_DECIDED = {Status.DENIED: "Denied because", Status.CANCELLED: "Cancelled because"}


def show(record: Record) -> Message:
    """A request, and its events as they were recorded."""
    request, figures = record.request, record.figures
    about = f"{state(request)}: request {request.id}"
    asked_on, now = moment(request.requested_at), standing(request, figures=figures)
    if request.status is Status.PENDING:
        now = waiting(request, record.policy, record.quorum)
    lasting = reset_warning(request, figures=figures) if request.status in _STILL_TO_COUNT else ""
    happened = _newest_that_fit([_event(event, figures=figures) for event in record.events])
    blocks = [
        header(f"{about}, {request.change}"),
        typed(f"Reason: {request.reason}"),
        section(
            " ".join([f"Requested by {person(request.requested_by)} on {asked_on}.", *follows(request), now])
        ),
        *(
            typed(f"{why}: {reason}")
            for why, reason in (
                ("Emergency", request.break_glass_reason),
                (_DECIDED.get(request.status, "Reason given"), request.decision_reason),
                ("Settled because", request.settled_reason),
            )
            if reason
        ),
        *([context(lasting)] if lasting else []),
        section(f"*What happened*\n{happened}"),
        *([context(record.without_figures)] if record.without_figures else []),
    ]
    text = f"{about}, {request.change.words()}. Reason: {literal(request.reason)}. {now}"
    return Message(" ".join(filter(None, [text, lasting, record.without_figures])), blocks)


def _newest_that_fit(lines: list[str], room: int = bounds.SECTION - 100) -> str:
    """As many of the last lines as one section takes, and a word for those left out."""
    kept: list[str] = []
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            return "\n".join(["…", *kept])
        kept.insert(0, line)
    return "\n".join(kept)


def _word(name: str) -> str:
    return name.replace("_", " ")


EVENT_WORDS = {
    "requested": "requested",
    "checked": "checked with SendGrid",
    "approval": "approved (one of several)",
    "approval_withdrawn": "approval withdrawn",
    "break_glass": "approved in an emergency",
    "shortened": "expiry shortened by a new policy",
    "token_given": "card redrawn by a newer version",
    "reminded": "approvers reminded",
    "escalated": "escalated to the backup approvers",
    "held": "held until a user group can be read",
    "applying": "claimed for sending",
    "attempt": "about to be sent to SendGrid",
    "answer": "outcome",
    "refused_click": "refused click",
    "repeated_click": "clicked again",
    "proven": "settled by the balance",
    "not_proven": "balance read, nothing proven",
    "read_once": "balance read; it counts only if a second reading agrees",
    "settled": "doubt settled",
    "in_doubt": "in doubt",
    "asked_again": "requested again",
    "check_again": "check requested",
    "same_again": "asked for again; creditbot asked whether it was meant",
    "contradicted": "contradicted by SendGrid's late answer",
}


def _event(event: Event, *, figures: bool) -> str:
    word = EVENT_WORDS.get(event.kind, event.kind)
    by = f" by {person(event.actor)}" if event.actor else ""
    detail = event.detail
    parts = []
    if detail.get("status"):
        parts.append(f"status {detail['status']}")
    if figures and detail.get("remain_before") is not None:
        parts.append(f"balance before {number(detail['remain_before'])}")
    if detail.get("outcome"):
        parts.append(_word(detail["outcome"]))
    if detail.get("rule"):
        parts.append(_word(detail["rule"]))
    return f"{moment(event.at)}: {word}{by}" + (f" ({', '.join(parts)})" if parts else "")


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _bar(remain: int | None, total: int | None) -> str:
    """How much is left, as a bar and in words."""
    if remain is None or not total:
        return ""
    share = min(max(remain / total, 0.0), 1.0)
    full = math.floor(share * BAR_CELLS)
    return f"`{'█' * full}{'░' * (BAR_CELLS - full)}` {math.floor(share * 100)}% left"


def _resets(report: BalanceReport) -> str:
    if report.credits is not None and report.credits.type == UNLIMITED:
        return "Unlimited: this subuser has no credit limit."
    known = report.balance
    if report.credits is not None and report.credits.type == NONRECURRING:
        return (
            f"Nonrecurring: these credits are not reset on a schedule. Last reset: {_when(known.last_reset)}."
        )
    frequency = known.reset_frequency or (report.credits.reset_frequency if report.credits else None)
    return (
        f"Reset: {escape(frequency) if frequency else 'frequency not reported'}. "
        f"Last reset: {_when(known.last_reset)}. Next reset: {_when(known.next_reset)}."
    )


def _when(text: str | None) -> str:
    return "not reported" if text is None else day_or_moment(text)
