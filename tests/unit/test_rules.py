"""Who may approve, deny, cancel and settle, and which changes make sense."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.change_rules import check_change, lasts_until_reset
from creditbot.domain.changes import Change
from creditbot.domain.credits import SubuserCredits
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Direction, Policy, Tier
from creditbot.domain.requests import Status
from creditbot.domain.rules import (
    AFTER_APPROVAL,
    all_may_see,
    check_again,
    check_approval,
    check_approver,
    check_break_glass,
    check_cancel,
    check_clear,
    check_decision,
    check_in_doubt,
    check_may_ask,
    check_may_see,
    check_settlement,
    check_withdrawal,
    has_expired,
    is_repeat,
)
from creditbot.domain.who import Actor, Roster, Who
from tests import authority
from tests.authority import Role

from .example_requests import (
    APPROVER,
    APPROVERS,
    NOW,
    OUTSIDER,
    POLICY,
    REQUESTER,
    ROSTER,
    SECOND_APPROVER,
    TWO_NEEDED,
    a_request,
    approvals,
)


def attempt(action: str, role: Role, status: Status) -> Refusal | None:
    """What the rules say to this action; None if they let it pass."""
    request = a_request(status, requested_by=role.requester, approvals=approvals(*role.approved))
    actor, now, policy, roster = role.actor, NOW + role.later, authority.POLICY, role.roster

    def ask_again() -> None:
        check_again(request)
        check_may_ask(Actor(actor, role.elsewhere), policy, roster)

    checks: dict[str, Callable[[], object]] = {
        "approve": lambda: check_approval(request, actor, policy, roster, now),
        "withdraw": lambda: check_withdrawal(request, actor),
        "deny": lambda: check_decision(request, actor, policy, roster, now),
        "cancel": lambda: check_cancel(request, actor, policy, roster, now),
        "break_glass": lambda: check_break_glass(request, actor, policy),
        "settle": lambda: check_settlement(request, actor, policy, roster, now),
        "check_again": lambda: check_settlement(request, actor, policy, roster, now),
        "request_again": ask_again,
    }
    try:
        checks[action]()
    except Refusal as refusal:
        return refusal
    return None


@pytest.mark.parametrize("role", authority.ROLES)
def test_who_may_do_what_in_which_state(role: str) -> None:
    for status, action in product(Status, authority.ACTIONS):
        refusal = attempt(action, authority.ROLES[role], status)
        assert (refusal is None) == authority.allowed(role, status, action), (status, action)
        if refusal is not None:
            assert len(refusal.sentence) > 20
            assert refusal.sentence.endswith((".", "`"))


def test_a_member_of_a_group_that_cannot_be_read_is_told_so() -> None:
    role = authority.ROLES["member of a group that can't be read"]
    for action, status in (("approve", Status.PENDING), ("settle", Status.IN_DOUBT)):
        refusal = attempt(action, role, status)
        assert refusal is not None
        assert refusal.rule == "group_unreadable"
        assert "<!subteam^S0FINANCE>" in refusal.sentence


@pytest.mark.parametrize("action", ["approve", "deny", "settle"])
@given(
    actor=st.sampled_from([APPROVER, OUTSIDER, "U9"]),
    members=st.sets(st.sampled_from([APPROVER, OUTSIDER, "U9"])),
)
def test_without_a_list_nobody_may_approve_whoever_is_in_the_groups(
    action: str, actor: str, members: set[str]
) -> None:
    request = a_request(Status.IN_DOUBT if action == "settle" else Status.PENDING)
    with pytest.raises(Refusal) as caught:
        check_approver(request, actor, Policy.one_tier([]), Roster({"S1": frozenset(members)}), NOW)
    assert caught.value.rule == "no_approvers"
    assert "CREDITBOT_APPROVERS" in caught.value.sentence


def test_a_user_group_alone_is_a_list() -> None:
    policy = Policy.one_tier(["S1"])
    check_approver(a_request(), APPROVER, policy, Roster({"S1": APPROVERS}), NOW)


def test_whoever_may_not_approve_is_told_who_may_and_never_their_own_requester() -> None:
    policy = Policy.one_tier([*APPROVERS, REQUESTER, "S0FINANCE"])
    with pytest.raises(Refusal) as caught:
        check_approver(a_request(), OUTSIDER, policy, ROSTER, NOW)
    assert f"<@{APPROVER}>, <@{SECOND_APPROVER}>, <!subteam^S0FINANCE>" in caught.value.sentence
    assert REQUESTER not in caught.value.sentence


def test_a_list_with_only_the_requester_on_it_is_said_to_be_one() -> None:
    policy = Policy.one_tier([REQUESTER])
    with pytest.raises(Refusal, match="The requester is the only approver"):
        check_approver(a_request(), OUTSIDER, policy, ROSTER, NOW)


def test_one_approver_counts_once() -> None:
    request = a_request(approvals=approvals(APPROVER))
    assert check_approval(request, SECOND_APPROVER, TWO_NEEDED, ROSTER, NOW).reached
    with pytest.raises(Refusal) as caught:
        check_approval(request, APPROVER, TWO_NEEDED, ROSTER, NOW)
    assert caught.value.rule == "approved_before"
    assert "1 more" in caught.value.sentence


def test_whoever_has_agreed_may_complete_what_needs_no_other_any_more() -> None:
    request = a_request(approvals=approvals(APPROVER))
    assert check_approval(request, APPROVER, POLICY, ROSTER, NOW).reached


@pytest.mark.parametrize("status", [Status.DENIED, Status.CANCELLED, Status.EXPIRED])
def test_a_yes_that_led_nowhere_is_not_repeated_but_comes_too_late(status: Status) -> None:
    agreed = a_request(status, approvals=approvals(APPROVER))
    alone = a_request(status, decided_by=REQUESTER, break_glass_reason="nobody answers")
    assert not is_repeat(agreed, "approve", APPROVER)
    assert not is_repeat(alone, "break_glass", REQUESTER)


@pytest.mark.parametrize("status", sorted(AFTER_APPROVAL))
def test_a_yes_that_led_on_is_repeated_by_another(status: Status) -> None:
    agreed = a_request(status, approvals=approvals(APPROVER))
    alone = a_request(status, decided_by=REQUESTER, break_glass_reason="nobody answers")
    assert is_repeat(agreed, "approve", APPROVER)
    assert not is_repeat(agreed, "approve", SECOND_APPROVER)
    assert is_repeat(alone, "break_glass", REQUESTER)


def test_an_approval_that_may_not_count_since_a_group_cannot_be_read_keeps_nobody_from_approving() -> None:
    request = a_request(approvals=approvals("U5CAROL"))
    unread = Roster({}, frozenset({"S0FINANCE"}))
    quorum = check_approval(request, APPROVER, TWO_NEEDED, unread, NOW)
    assert (quorum.counted, quorum.missing) == ((APPROVER,), 1)
    with pytest.raises(Refusal) as caught:
        check_approval(request.with_approval(APPROVER, NOW), APPROVER, TWO_NEEDED, unread, NOW)
    assert caught.value.rule == "group_unreadable"
    assert check_approval(request.with_approval(APPROVER, NOW), APPROVER, TWO_NEEDED, ROSTER, NOW).reached


def test_nothing_is_decided_before_sendgrid_was_asked() -> None:
    with pytest.raises(Refusal) as caught:
        check_decision(a_request(check=None), APPROVER, POLICY, ROSTER, NOW)
    assert caught.value.rule == "unchecked"


def test_whoever_comes_too_late_is_told_who_decided() -> None:
    approved = a_request(Status.APPROVED, decided_by=SECOND_APPROVER)
    with pytest.raises(
        Refusal, match=f"has already been approved by <@{SECOND_APPROVER}>\\. Nothing was changed"
    ):
        check_decision(approved, APPROVER, POLICY, ROSTER, NOW)
    applying = a_request(Status.APPLYING, decided_by=SECOND_APPROVER)
    with pytest.raises(
        Refusal, match=f"has already been approved by <@{SECOND_APPROVER}> and is being applied\\."
    ):
        check_decision(applying, APPROVER, POLICY, ROSTER, NOW)
    expired = a_request(Status.EXPIRED)
    with pytest.raises(Refusal, match=r"has expired\. Nothing was changed"):
        check_decision(expired, APPROVER, POLICY, ROSTER, NOW)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.IN_DOUBT])
def test_only_a_doubt_can_be_settled(status: Status) -> None:
    check_in_doubt(a_request(Status.IN_DOUBT))
    with pytest.raises(Refusal) as caught:
        check_in_doubt(a_request(status))
    assert caught.value.rule == "not_in_doubt"


def test_a_doubt_that_no_tier_covers_any_more_is_settled_by_an_approver_of_any_tier() -> None:
    small = Tier("small", Who.of([APPROVER]), up_to=100)
    removals = Tier("removals", Who.of([REQUESTER]), 1, Who.of(["S0FINANCE"]), direction=Direction.REMOVE)
    policy = Policy(tiers=(small, removals))
    doubt = a_request(Status.IN_DOUBT)
    for actor in (APPROVER, "U5CAROL"):
        check_settlement(doubt, actor, policy, ROSTER, NOW)
    with pytest.raises(Refusal, match="another approver must settle it"):
        check_settlement(doubt, REQUESTER, policy, ROSTER, NOW)
    with pytest.raises(Refusal) as caught:
        check_settlement(doubt, OUTSIDER, policy, ROSTER, NOW)
    assert "only an approver of one of the tiers can settle it" in caught.value.sentence
    assert caught.value.sentence.endswith(f"Ask one of: <@{APPROVER}>, <!subteam^S0FINANCE>.")
    with pytest.raises(Refusal, match="No tier of the policy covers"):
        check_approver(a_request(), APPROVER, policy, ROSTER, NOW)


def test_what_no_tier_covers_is_approved_in_no_emergency() -> None:
    alone = Who.of([REQUESTER])
    policy = Policy(tiers=(Tier("small", Who.of([APPROVER]), up_to=100),), break_glass=alone)
    with pytest.raises(Refusal, match="No tier of the policy covers"):
        check_break_glass(a_request(), REQUESTER, policy)
    check_break_glass(a_request(), REQUESTER, replace(POLICY, break_glass=alone))


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
        check_change(Change("acme", change), found)
    except Refusal as refusal:
        return refusal.rule
    return None


@pytest.mark.parametrize("change", [5000, -5000, 1, -1])
def test_a_change_of_unlimited_credits_is_refused(change: int) -> None:
    with pytest.raises(Refusal) as caught:
        check_change(Change("acme", change), SubuserCredits(type="unlimited"))
    assert caught.value.rule == "unlimited"
    assert "Nothing was sent" in caught.value.sentence


def test_taking_all_is_allowed_and_one_more_is_not() -> None:
    found = SubuserCredits(type="nonrecurring", remain=1000)
    check_change(Change("acme", -1000), found)
    with pytest.raises(Refusal) as caught:
        check_change(Change("acme", -1001), found)
    assert caught.value.rule == "below_zero"
    assert "1,000 or fewer" in caught.value.sentence


@given(
    st.integers(-(10**9), 10**9).filter(bool),
    st.integers(0, 10**9) | st.none(),
    st.sampled_from(["recurring", "nonrecurring", None]),
)
def test_only_what_would_go_below_zero_is_refused(change: int, remain: int | None, kind: str | None) -> None:
    wanted = None
    if change < 0 and remain is None:
        wanted = "unknown_balance"
    elif change < 0 and remain is not None and remain + change < 0:
        wanted = "below_zero"
    assert rule_against(change, SubuserCredits(type=kind, remain=remain)) == wanted


@pytest.mark.parametrize("floor", [0, 800])
def test_nothing_is_removed_from_a_balance_that_is_not_reported(floor: int) -> None:
    found = SubuserCredits(type="nonrecurring", remain=None)
    check_change(Change("acme", 900), found, floor)
    with pytest.raises(Refusal, match=rf"at least {floor}\. Nothing was sent.*Rule: floor\.") as caught:
        check_change(Change("acme", -900), found, floor)
    assert caught.value.rule == "unknown_balance"


@pytest.mark.parametrize(("change", "floor"), [(-1001, 0), (-300, 800), (-999_999, 800)])
def test_a_refusal_can_be_told_without_the_balance(change: int, floor: int) -> None:
    found = SubuserCredits(type="nonrecurring", remain=1000)
    with pytest.raises(Refusal, match=r"Ask for fewer, or ask someone who may see balances\.") as caught:
        check_change(Change("acme", change), found, floor, figures=False)
    assert not {"1,000", "200"} & set(caught.value.sentence.split())


def test_more_may_be_added_to_a_balance_below_zero() -> None:
    check_change(Change("acme", 10), SubuserCredits(type="nonrecurring", remain=-500))


@pytest.mark.parametrize("name", ["@here", "<!channel>", "`x`", "a&b"])
def test_a_refusal_quotes_a_name_so_that_it_can_do_nothing(name: str) -> None:
    for found in (SubuserCredits(type="unlimited"), SubuserCredits(type="nonrecurring", remain=0)):
        with pytest.raises(Refusal) as caught:
            check_change(Change(name, -5), found)
        assert "<" not in caught.value.sentence
        assert "@here" not in caught.value.sentence
        assert caught.value.sentence.count("`") == 2


def test_only_recurring_credits_last_until_a_reset() -> None:
    assert lasts_until_reset("recurring")
    assert not any(lasts_until_reset(kind) for kind in ("nonrecurring", "unlimited", None))


class TestPeopleOfAnotherWorkspace:
    STRANGER = Actor("U0STRANGER", elsewhere="T0PARTNER")

    @pytest.mark.parametrize(("check", "key"), [(check_may_ask, "may_ask"), (check_may_see, "may_see")])
    def test_are_not_anyone_and_are_told_what_to_do(self, check: Callable[..., None], key: str) -> None:
        with pytest.raises(Refusal) as refused:
            check(self.STRANGER, Policy(), Roster())
        assert refused.value.rule == key
        assert "another Slack workspace" in refused.value.sentence
        assert f"`U0STRANGER`, under {key}" in refused.value.sentence

    @pytest.mark.parametrize("check", [check_may_ask, check_may_see])
    @pytest.mark.parametrize("listed", ["U0STRANGER", "S0PARTNERS"])
    def test_count_where_they_are_listed(self, check: Callable[..., None], listed: str) -> None:
        roster = Roster({"S0PARTNERS": frozenset({"U0STRANGER"})})
        for anyone in (False, True):
            who = Who(frozenset({listed}), anyone=anyone)
            check(self.STRANGER, Policy(may_ask=who, may_see=who), roster)

    def test_are_told_no_balances_of_their_own_requests(self) -> None:
        request = a_request()
        assert all_may_see(request, Policy())
        assert not all_may_see(replace(request, requester_team="T0PARTNER"), Policy())
