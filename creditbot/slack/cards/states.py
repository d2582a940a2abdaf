"""The state of a request in a sign and a word, so that it is seen at a glance, and not by colour alone."""

from creditbot.domain.markup import literal
from creditbot.domain.reminders import ESCALATED, REMINDER
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.text import credits_

STATES = {
    Status.PENDING: ("🔔", "Waiting for approval"),
    Status.APPROVED: ("👍", "Approved"),
    Status.APPLYING: ("📤", "Being applied"),
    Status.APPLIED: ("✅", "Applied"),
    Status.FAILED: ("❌", "Failed"),
    Status.DENIED: ("⛔", "Denied"),
    Status.CANCELLED: ("↩️", "Cancelled"),
    Status.EXPIRED: ("⌛", "Expired"),
    Status.REFUSED: ("🚫", "Refused"),
    Status.IN_DOUBT: ("❓", "In doubt"),
}

LOOK_AGAIN = ("⚠️", "Look again")
"""It has ended, and SendGrid's own late answer says otherwise."""

EMERGENCY = "🚨"

TROUBLE = "⚠️"


def state(request: CreditRequest) -> str:
    return " ".join(LOOK_AGAIN if request.contradicted_at is not None else STATES[request.status])


def sign(status: Status) -> str:
    """The sign alone, where the word follows."""
    return STATES[status][0]


def sign_of_news(kind: str) -> str:
    """The sign with which a notice of this kind begins: of the state that it tells of, at that moment."""
    if kind in set(Status):
        return sign(Status(kind))
    if kind == ESCALATED or kind.startswith(REMINDER):
        return sign(Status.PENDING)
    others = {"held": sign(Status.APPROVED), "not_proven": sign(Status.IN_DOUBT), "break_glass": EMERGENCY}
    return others.get(kind, TROUBLE)


def onward(request: CreditRequest) -> str:
    """What comes next of a request that is approved."""
    if request.status is Status.APPLYING:
        return "It is being sent to SendGrid."
    if request.waits_for:
        return f"It waits for request {request.waits_for}, which changes the same subuser, to end."
    if request.explanation:
        return f"*Not sent yet.* {request.explanation}"
    return "It is about to be sent to SendGrid."


def title(request: CreditRequest) -> str:
    """State, change and subuser, in plain text."""
    return f"{state(request)}: {request.change}"


def title_in_words(request: CreditRequest) -> str:
    """The same in mrkdwn, to begin a sentence with."""
    return f"{state(request)}: {request.change.words()}"


def headline(request: CreditRequest) -> str:
    """The same in mrkdwn, to stand above more."""
    of = credits_(request.allocation_update)
    return f"*{state(request)}: {of} for* {literal(request.subuser)}"
