"""One request that stands for all, to be varied by what a test is about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from creditbot.domain.changes import Change
from creditbot.domain.events import Event
from creditbot.domain.policy import Policy
from creditbot.domain.requests import Approval, BalanceCheck, CreditRequest, Status
from creditbot.domain.who import Roster
from creditbot.operations import Record
from creditbot.slack.cards.card import request_card
from creditbot.slack.message import Message

NOW = datetime(2026, 1, 22, 9, 30, tzinfo=UTC)
REQUESTER, APPROVER, SECOND_APPROVER, OUTSIDER = "U0ASKER", "U1ALICE", "U2BERND", "U3OTHER"
APPROVERS = frozenset({APPROVER, SECOND_APPROVER})
POLICY = Policy.one_tier({*APPROVERS, "S0FINANCE"})
TWO_NEEDED = Policy.one_tier({*APPROVERS, "S0FINANCE"}, 2)
ROSTER = Roster({"S0FINANCE": frozenset({"U5CAROL"})})

TOKEN = "0123456789abcdef0123456789abcdef"
NONRECURRING = BalanceCheck(NOW, "nonrecurring", 1000, None, None, None)
RECURRING = BalanceCheck(NOW, "recurring", 1000, 40000, "monthly", "2026-02-01")


def approvals(*approvers: str) -> tuple[Approval, ...]:
    return tuple(Approval(approver, NOW + timedelta(minutes=n)) for n, approver in enumerate(approvers, 1))


def a_request(
    status: Status = Status.PENDING,
    subuser: str = "acme",
    allocation_update: int = 5000,
    **changed: Any,
) -> CreditRequest:
    fields: dict[str, Any] = {
        "id": 12,
        "change": Change(subuser, allocation_update),
        "reason": "Black Friday",
        "status": status,
        "version": 1,
        "requested_by": REQUESTER,
        "requested_at": NOW,
        "expires_at": NOW + timedelta(hours=24),
        "approvals_needed": 1,
        "check": NONRECURRING,
        "token": TOKEN,
    }
    return CreditRequest(**(fields | changed))


def card(
    request: CreditRequest, policy: Policy = POLICY, roster: Roster = ROSTER, *, copy_above: bool = False
) -> Message:
    """Its card five minutes after it was asked."""
    return request_card(request, policy, roster, NOW + timedelta(minutes=5), copy_above=copy_above)


NOT_SHOWN = "You may not see balances. Ask one of: <!subteam^S0FINANCE>. Rule: may_see."


def record(
    request: CreditRequest,
    events: Sequence[Event],
    *,
    policy: Policy = POLICY,
    figures: bool = True,
) -> Record:
    """It and its events, as they are looked up five minutes after it was asked."""
    quorum = policy.quorum(request, ROSTER, NOW + timedelta(minutes=5))
    return Record(request, events, policy, quorum, None if figures else NOT_SHOWN)
