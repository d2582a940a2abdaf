"""Who may approve, deny, cancel and settle, and which changes make sense."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.credits import SubuserCredits
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import (
    Policy,
    check_approval,
    check_approver,
    check_cancel,
    check_change,
    check_clear,
    check_decision,
    check_in_doubt,
    check_settlement,
    has_expired,
    lasts_until_reset,
)
from creditbot.domain.requests import CreditRequest, Status

from .example_requests import (
    APPROVER,
    APPROVERS,
    NOW,
    OUTSIDER,
    POLICY,
    REQUESTER,
    SECOND_APPROVER,
    a_request,
    approvals,
)

ROLES = ("requester", "approver", "requester who approves", "outsider")
ACTIONS = ("approve", "deny", "cancel", "settle")

ALLOWED = {
    ("approver", Status.PENDING, "approve"),
    ("approver", Status.PENDING, "deny"),
    ("requester", Status.PENDING, "cancel"),
    ("requester who approves", Status.PENDING, "cancel"),
    ("requester", Status.APPROVED, "cancel"),
    ("requester who approves", Status.APPROVED, "cancel"),
    ("approver", Status.APPROVED, "cancel"),
    ("approver", Status.IN_DOUBT, "settle"),
}
"""All that anyone may do, written out by hand; everything else is refused."""


def attempt(
    action: str, request: CreditRequest, actor: str, approvers: frozenset[str], policy: Policy
) -> None:
    match action:
        case "approve":
            check_decision(request, actor, approvers, policy)
            check_approval(request, actor)
        case "deny":
            check_decision(request, actor, approvers, policy)
        case "cancel":
            check_cancel(request, actor, approvers)
        case "settle":
            check_settlement(request, actor, approvers, policy)


def refused(
    action: str, request: CreditRequest, actor: str, approvers: frozenset[str], policy: Policy
) -> Refusal | None:
    try:
        attempt(action, request, actor, approvers, policy)
    except Refusal as refusal:
        return refusal
    return None


@pytest.mark.parametrize(("role", "status", "action"), list(product(ROLES, Status, ACTIONS)))
def test_who_may_do_what_in_which_state(role: str, status: Status, action: str) -> None:
    actor = {"requester": REQUESTER, "requester who approves": REQUESTER, "approver": APPROVER}.get(
        role, OUTSIDER
    )
    approvers = APPROVERS | ({REQUESTER} if role == "requester who approves" else frozenset())
    policy = Policy(people=approvers, groups=frozenset())
    refusal = refused(action, a_request(status), actor, approvers, policy)
    assert (refusal is None) == ((role, status, action) in ALLOWED)
    if refusal is not None:
        assert len(refusal.sentence) > 20
        assert refusal.sentence.endswith((".", "`"))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", list(Status))
@given(
    st.sets(st.sampled_from([APPROVER, OUTSIDER, REQUESTER, "U9"])),
    st.sampled_from([APPROVER, OUTSIDER, "U9"]),
)
def test_nobody_ever_approves_or_settles_their_own_request(
    action: str, status: Status, listed: set[str], other: str
) -> None:
    approvers = frozenset(listed)
    request = a_request(status, approvals=approvals(other), approvals_needed=2)
    refusal = refused(action, request, REQUESTER, approvers, Policy(approvers, frozenset({"S1"})))
    if action != "cancel":
        assert refusal is not None


@pytest.mark.parametrize("action", ["approve", "deny", "settle"])
@given(
    actor=st.sampled_from([APPROVER, OUTSIDER, "U9"]),
    listed=st.sets(st.sampled_from([APPROVER, OUTSIDER, "U9"])),
)
def test_without_a_list_nobody_may_approve_whatever_was_looked_up(
    action: str, actor: str, listed: set[str]
) -> None:
    status = Status.IN_DOUBT if action == "settle" else Status.PENDING
    nobody = Policy(frozenset(), frozenset())
    assert nobody.nobody
    refusal = refused(action, a_request(status), actor, frozenset(listed), nobody)
    assert refusal is not None
    assert refusal.rule == "no_approvers"
    assert "CREDITBOT_APPROVERS" in refusal.sentence


def test_a_user_group_alone_is_a_list() -> None:
    assert not Policy(frozenset(), frozenset({"S1"})).nobody
    check_approver(a_request(), APPROVER, APPROVERS, Policy(frozenset(), frozenset({"S1"})))


def test_whoever_may_not_approve_is_told_who_may_and_never_their_own_requester() -> None:
    policy = Policy(APPROVERS | {REQUESTER}, frozenset({"S0FINANCE"}))
    with pytest.raises(Refusal) as caught:
        check_approver(a_request(), OUTSIDER, APPROVERS, policy)
    assert f"<@{APPROVER}>, <@{SECOND_APPROVER}>, <!subteam^S0FINANCE>" in caught.value.sentence
    assert REQUESTER not in caught.value.sentence


def test_a_list_with_only_the_requester_on_it_is_said_to_be_one() -> None:
    policy = Policy(frozenset({REQUESTER}), frozenset())
    with pytest.raises(Refusal, match="Nobody but its requester"):
        check_approver(a_request(), OUTSIDER, frozenset({REQUESTER}), policy)


def test_one_approver_counts_once() -> None:
    request = a_request(approvals_needed=3, approvals=approvals(APPROVER))
    check_approval(request, SECOND_APPROVER)
    with pytest.raises(Refusal) as caught:
        check_approval(request, APPROVER)
    assert caught.value.rule == "approved_before"
    assert "2 more" in caught.value.sentence


def test_nothing_is_decided_before_sendgrid_was_asked() -> None:
    with pytest.raises(Refusal) as caught:
        check_decision(a_request(check=None), APPROVER, APPROVERS, POLICY)
    assert caught.value.rule == "unchecked"


def test_whoever_comes_too_late_is_told_who_decided() -> None:
    approved = a_request(Status.APPROVED, decided_by=SECOND_APPROVER)
    with pytest.raises(
        Refusal, match=f"was approved already by <@{SECOND_APPROVER}>, so nothing was changed"
    ):
        check_decision(approved, APPROVER, APPROVERS, POLICY)
    applying = a_request(Status.APPLYING, decided_by=SECOND_APPROVER)
    with pytest.raises(
        Refusal, match=f"was approved already by <@{SECOND_APPROVER}>, and is being applied, so"
    ):
        check_decision(applying, APPROVER, APPROVERS, POLICY)
    expired = a_request(Status.EXPIRED)
    with pytest.raises(Refusal, match="has expired, so nothing was changed"):
        check_decision(expired, APPROVER, APPROVERS, POLICY)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.IN_DOUBT])
def test_only_a_doubt_can_be_settled(status: Status) -> None:
    check_in_doubt(a_request(Status.IN_DOUBT))
    with pytest.raises(Refusal) as caught:
        check_in_doubt(a_request(status))
    assert caught.value.rule == "not_in_doubt"


def test_nobody_settles_while_sendgrid_may_be_at_work() -> None:
    unclear = a_request(Status.IN_DOUBT, unclear_until=NOW)
    check_clear(unclear, NOW)
    with pytest.raises(Refusal, match="Look again in 1 second,") as caught:
        check_clear(unclear, NOW - timedelta(milliseconds=1))
    assert caught.value.rule == "too_early"


def test_a_pending_request_expires_at_its_very_moment_and_no_other_does() -> None:
    request = a_request(expires_at=NOW)
    assert not has_expired(request, NOW - timedelta(microseconds=1))
    assert has_expired(request, NOW)
    assert has_expired(request, NOW + timedelta(days=1))
    for status in set(Status) - {Status.PENDING}:
        assert not has_expired(a_request(status, expires_at=NOW), NOW + timedelta(days=1))


def rule_against(change: int, found: SubuserCredits) -> str | None:
    try:
        check_change("acme", change, found)
    except Refusal as refusal:
        return refusal.rule
    return None


@pytest.mark.parametrize("change", [5000, -5000, 1, -1])
def test_a_change_of_unlimited_credits_is_refused(change: int) -> None:
    with pytest.raises(Refusal) as caught:
        check_change("acme", change, SubuserCredits(type="unlimited"))
    assert caught.value.rule == "unlimited"
    assert "Nothing was sent" in caught.value.sentence


def test_taking_all_is_allowed_and_one_more_is_not() -> None:
    found = SubuserCredits(type="nonrecurring", remain=1000)
    check_change("acme", -1000, found)
    with pytest.raises(Refusal) as caught:
        check_change("acme", -1001, found)
    assert caught.value.rule == "below_zero"
    assert "1,000 or fewer" in caught.value.sentence


@given(
    st.integers(-(10**9), 10**9),
    st.integers(0, 10**9) | st.none(),
    st.sampled_from(["recurring", "nonrecurring", None]),
)
def test_only_what_would_go_below_zero_is_refused(change: int, remain: int | None, kind: str | None) -> None:
    too_much = remain is not None and change < 0 and remain + change < 0
    assert rule_against(change, SubuserCredits(type=kind, remain=remain)) == (
        "below_zero" if too_much else None
    )


def test_more_may_be_added_to_a_balance_below_zero() -> None:
    check_change("acme", 10, SubuserCredits(type="nonrecurring", remain=-500))


@pytest.mark.parametrize("name", ["@here", "<!channel>", "`x`", "a&b"])
def test_a_refusal_quotes_a_name_so_that_it_can_do_nothing(name: str) -> None:
    for found in (SubuserCredits(type="unlimited"), SubuserCredits(type="nonrecurring", remain=0)):
        with pytest.raises(Refusal) as caught:
            check_change(name, -5, found)
        assert "<" not in caught.value.sentence
        assert "@here" not in caught.value.sentence
        assert caught.value.sentence.count("`") == 2


def test_only_recurring_credits_last_until_a_reset() -> None:
    assert lasts_until_reset("recurring")
    assert not any(lasts_until_reset(kind) for kind in ("nonrecurring", "unlimited", None))
