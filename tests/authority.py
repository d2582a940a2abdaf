"""Who may do what, as the documentation says it, written apart from the code: the answer for every case.

A role is a person's relation to a request and to the policy at one moment. The cases are all roles times
all states times all actions.
"""

from dataclasses import dataclass
from datetime import timedelta

from creditbot.domain.policy import Policy, Reminders, Tier
from creditbot.domain.requests import Status
from creditbot.domain.who import Roster, Who

ESCALATED = timedelta(hours=2)
ASKER, LISTED, SECOND, MEMBER, BACKUP, DEPARTED, OUTSIDER, EMERGENCY, UNKNOWN, STRANGER = (
    "U0ASKER",
    "U0LISTED",
    "U0SECOND",
    "U0MEMBER",
    "U0BACKUP",
    "U0DEPARTED",
    "U0OUTSIDER",
    "U0EMERGENCY",
    "U0UNKNOWN",
    "U0STRANGER",
)
PARTNER = "T0PARTNER"

POLICY = Policy(
    tiers=(
        Tier(
            "all",
            Who.of([LISTED, EMERGENCY, "S0FINANCE"]),
            approvals=3,
            including=Who.of([SECOND]),
        ),
    ),
    reminders=Reminders(escalate_after=ESCALATED, escalate_to=Who.of([BACKUP])),
    break_glass=Who.of([EMERGENCY]),
    expiry=timedelta(hours=24),
)
ROSTER = Roster({"S0FINANCE": frozenset({MEMBER})})
UNREADABLE = Roster({}, frozenset({"S0FINANCE"}))


@dataclass(frozen=True)
class Role:
    """`actor` acts on a request of `requester`, `later` after it was asked, when these have `approved`.

    `elsewhere` is the actor's workspace if it is another one.
    """

    actor: str
    requester: str = ASKER
    approved: tuple[str, ...] = ()
    later: timedelta = timedelta(minutes=5)
    roster: Roster = ROSTER
    elsewhere: str | None = None


ROLES = {
    "requester": Role(ASKER),
    "requester who is an approver": Role(LISTED, requester=LISTED),
    "requester who is one through a group": Role(MEMBER, requester=MEMBER),
    "requester who may approve in an emergency": Role(EMERGENCY, requester=EMERGENCY),
    "who may approve their own in an emergency, of another's request": Role(EMERGENCY),
    "approver by name": Role(LISTED),
    "approver through a group": Role(MEMBER),
    "approver on the second list": Role(SECOND),
    "approver who has agreed": Role(LISTED, approved=(LISTED,)),
    "approver after another has agreed": Role(LISTED, approved=(MEMBER,)),
    "approver whose word completes it": Role(LISTED, approved=(MEMBER, SECOND)),
    "backup before the escalation": Role(BACKUP),
    "backup after the escalation": Role(BACKUP, later=ESCALATED),
    "member of a group that can't be read": Role(MEMBER, roster=UNREADABLE),
    "approver by name while a group can't be read": Role(LISTED, roster=UNREADABLE),
    "who has agreed and is no approver any more": Role(DEPARTED, approved=(DEPARTED,)),
    "outsider": Role(OUTSIDER),
    "outsider of another workspace": Role(STRANGER, elsewhere=PARTNER),
    "approver by name, of another workspace": Role(LISTED, elsewhere=PARTNER),
}

REQUESTERS = {name for name, role in ROLES.items() if role.actor == role.requester}
DECIDERS = {
    "who may approve their own in an emergency, of another's request",
    "approver by name",
    "approver through a group",
    "approver on the second list",
    "approver after another has agreed",
    "approver whose word completes it",
    "backup after the escalation",
    "approver by name while a group can't be read",
    "approver by name, of another workspace",
}
AGREED = {"approver who has agreed"}

ACTIONS = (
    "approve",
    "withdraw",
    "deny",
    "cancel",
    "break_glass",
    "settle",
    "check_again",
    "request_again",
)


def may_ask(role: str) -> bool:
    """Whether they are "anyone", who may ask and see by this policy."""
    return ROLES[role].elsewhere is None


def allowed(role: str, status: Status, action: str) -> bool:
    """The documented answer."""
    match action:
        case "approve":
            return status is Status.PENDING and role in DECIDERS
        case "withdraw":
            return status is Status.PENDING and bool(
                role in AGREED | {"who has agreed and is no approver any more"}
            )
        case "deny":
            return status is Status.PENDING and role in DECIDERS | AGREED
        case "cancel":
            if role in REQUESTERS:
                return status in {Status.PENDING, Status.APPROVED}
            return status is Status.APPROVED and role in DECIDERS | AGREED
        case "break_glass":
            return status is Status.PENDING and role == "requester who may approve in an emergency"
        case "settle" | "check_again":
            return status is Status.IN_DOUBT and role in DECIDERS | AGREED
        case "request_again":
            return status is Status.FAILED and may_ask(role)
    raise AssertionError(action)
