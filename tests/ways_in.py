"""Every way from Slack into the bot, and what must come of it: written apart from the code that listens.

A card, a form or a command may be used in any state of its request and by anybody: what Slack shows can be
old, and what it sends is not limited to what it shows. So the cases are all roles times all states times
all ways in. Who may do what is in `authority.py`; here is which way leads to which action, and what each
answer looks like from the outside.

What Slack shows can also be the card of another request with the same number, or one that was drawn before
the rules changed: the cases are all ways from a card times all such cards.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from creditbot.domain.requests import Status

from .authority import ROLES, Role, allowed, may_ask

REASON = "a reason that somebody typed"

ANYTHING = ""
"""In the bot's tables, the name of whatever has none of the others."""

READS = ("", "balance", "pending", "history", "show", "help")
ASKS = ("add", "remove")


@dataclass(frozen=True)
class Way:
    """`name` is what Slack calls it: an `action_id`, a `callback_id`, a command's first word.

    `does` is the action of the table of authority that it stands for; a button may first open a `form` that
    asks why. `given` is what else the payload carries beside the request's ID.
    """

    kind: Literal["button", "form", "command"]
    name: str
    does: str | None = None
    form: str | None = None
    given: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, self.name, self.given]))


ACTING = (
    Way("button", "approve", "approve"),
    Way("button", "deny", "deny", form="deny"),
    Way("button", "cancel", "cancel"),
    Way("button", "withdraw", "withdraw"),
    Way("button", "settle_applied", "settle", form="settle applied"),
    Way("button", "settle_not_applied", "settle", form="settle not_applied"),
    Way("button", "check_again", "check_again"),
    Way("button", "request_again", "request_again"),
    Way("form", "deny", "deny"),
    Way("form", "settle", "settle", given="applied"),
    Way("form", "settle", "settle", given="not_applied"),
    Way("form", "break_glass", "break_glass"),
    Way("command", "cancel", "cancel"),
)

ANSWERING: tuple[Literal["button", "form"], ...] = ("button", "form")

QUESTIONS = ("", "of another", "unknown")
"""Whose question an answer to one is about: one's own, of the same request; someone else's; nobody's."""

PAGES = ("page_on", "page_back")
"""Buttons that lead to another page of a list, which they carry."""

ON_CARDS = (*ACTING, Way("button", "show"))
"""Ways that may be used in any state: what is acted on, and what only shows it."""

OTHERS = (
    *(Way("button", name) for name in PAGES),
    *(Way(kind, "ask_anyway", given=whose) for kind in ANSWERING for whose in QUESTIONS),
    Way("form", "ask"),
    Way("button", ANYTHING, given="launch"),
    Way("form", ANYTHING, given="surprise"),
    *(Way("command", word) for word in (*READS, *ASKS, "request")),
)
"""Ways that lead to no action on a request, so that its state is nothing to them."""

WAYS = (*ON_CARDS, *OTHERS)


Card = Literal["its own", "another's", "a number", "none there", "not one of ours", "outdated"]
"""What the button, or the form that was opened by one, carries; "another's" has the request's number."""

OTHERS_CARDS: tuple[Card, ...] = ("another's", "a number", "none there", "not one of ours")

ON_TERMS = frozenset({"approve", "deny", "break_glass"})
"""Actions that are a decision about what the card says, and so about nothing else than that."""


@dataclass(frozen=True)
class Outcome:
    """What one delivery has come to, in all places where it can be seen.

    `changes` are the rows that are not as before, sorted, `events` what the ledger has more, and `answer`
    what the person is shown.
    """

    http: int = 200
    changes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    answer: str = "nothing"


WORDS, AS_RECORDED = "words", "the words that the ledger has"
IT, NEW, NONE = "it", "the new one", "no request"


def event(kind: str, actor: str, about: str = IT) -> str:
    return f"{kind} by {actor} about {about}"


def opens(form: str) -> str:
    return f"the form {form}"


def outcome(way: Way, name: str, status: Status, channel: str, card: Card = "its own") -> Outcome:
    """The documented one, for somebody in the role `name` and a request in this state."""
    role = ROLES[name]
    if card in OTHERS_CARDS:
        return Outcome(events=(event(f"refused_click, {way.does},", role.actor, NONE),), answer=AS_RECORDED)
    if card == "outdated":
        return _on_old_terms(way, name, status, channel)
    if way.does is None:
        return _without_authority(way, name)
    if way == Way("button", "approve", "approve") and allowed(name, status, "break_glass"):
        return Outcome(answer=opens("break_glass"))
    if not allowed(name, status, way.does):
        kind = "repeated_click" if repeats(role, status, way.does) else "refused_click"
        return Outcome(events=(event(f"{kind}, {way.does},", role.actor),), answer=AS_RECORDED)
    if way.form is not None:
        return Outcome(answer=opens(way.form))
    return _done(way, name, status, channel)


def _on_old_terms(way: Way, name: str, status: Status, channel: str) -> Outcome:
    """What would be done is not, if it depends on the terms; a refusal is the same as on any card."""
    emergency = way.does == "approve" and allowed(name, status, "break_glass")
    action = "break_glass" if emergency else way.does
    if action not in ON_TERMS or not allowed(name, status, action):
        return outcome(way, name, status, channel)
    return Outcome(events=(event(f"refused_click, {action},", ROLES[name].actor),), answer=AS_RECORDED)


def repeats(role: Role, status: Status, action: str) -> bool:
    """Whether the person has brought the request where it is by this very action."""
    match action:
        case "approve":
            onward = {Status.APPROVED, Status.APPLYING, Status.APPLIED, Status.FAILED, Status.IN_DOUBT}
            return role.actor in role.approved and status in onward
        case "cancel":
            return role.actor == role.requester and status is Status.CANCELLED
    return False


def _without_authority(way: Way, role_name: str) -> Outcome:
    role = ROLES[role_name]
    match way.kind, way.name:
        case "button", name if name in {*PAGES, "show"}:
            return Outcome(answer=WORDS)
        case "button" | "form", "ask_anyway":
            if way.given:
                told = event("refused_click, ask_anyway,", role.actor, NONE)
                return Outcome(events=(told,), answer=AS_RECORDED)
            return _asked(role_name)
        case "button", _:
            # Over HTTP this is how Slack is told that nothing here is meant; the person is told in words.
            told = event(f"refused_click, {way.given},", role.actor, NONE)
            return Outcome(http=404, events=(told,), answer=WORDS)
        case "form", "ask":
            return _asked(role_name)
        case "form", _:
            return Outcome(http=404)
        case "command", word if word in ASKS:
            return _asked(role_name)
        case "command", "request" if may_ask(role_name):
            return Outcome(answer=opens("ask"))
    return Outcome(answer=WORDS)


def _asked(name: str) -> Outcome:
    """Anyone of this workspace may; the new request is another matter than those that are there."""
    role = ROLES[name]
    if not may_ask(name):
        return Outcome(events=(event("refused_ask", role.actor, NONE),), answer=AS_RECORDED)
    return Outcome(
        changes=(f"requests: a new one by {role.actor}",),
        events=(event("requested", role.actor, NEW),),
        answer=WORDS,
    )


def _done(way: Way, name: str, status: Status, channel: str) -> Outcome:
    """All that an allowed action changes, to be found once however often it is delivered."""
    role = ROLES[name]
    actor, decided = role.actor, f"decided_by={role.actor}"
    changes: Iterable[str]
    match way.does:
        case "approve" if name == "approver whose word completes it":
            kind, changes = "approved", [*_moved("approved", role), decided, f"approvals: and {actor}"]
        case "approve":
            kind, changes = "approval", [f"approvals: and {actor}"]
        case "withdraw":
            kind, changes = "approval_withdrawn", [f"approvals: without {actor}"]
        case "deny":
            kind, changes = "denied", [*_moved("denied", role), decided, f"decision_reason={REASON}"]
        case "cancel":
            called_off = role.approved if status is Status.APPROVED else ()
            kind, changes = "cancelled", [*_moved("cancelled", role, *called_off), decided]
        case "break_glass":
            kind = "break_glass"
            changes = [*_moved("approved", role), decided, f"break_glass_reason={REASON}"]
            changes += [f"notices: break_glass to {channel}"]
        case "settle":
            kind = "settled"
            changes = [*_moved("applied" if way.given == "applied" else "failed", role, *role.approved)]
            changes += [f"settled_by={actor}", f"settled_reason={REASON}"]
        case "check_again":
            kind, changes = "check_again", ["next_try_at is set"]
        case "request_again":
            changes = [f"requests: a new one by {actor}", f"relations: again of {IT}"]
            events = (event("requested", actor, NEW), event("asked_again", actor))
            return Outcome(changes=tuple(sorted(changes)), events=events, answer=WORDS)
        case _:
            raise AssertionError(way)
    # A command's ack and a click differ in this only: who typed is told that it is done.
    answer = WORDS if way.kind == "command" else "nothing"
    return Outcome(changes=tuple(sorted(changes)), events=(event(kind, actor),), answer=answer)


def _moved(to: str, role: Role, *others: str) -> list[str]:
    """The new state, and the notices to its requester and to whom else it concerns."""
    told = [f"notices: {to} to {person}" for person in (role.requester, *others)]
    return [f"status={to}", *told]
