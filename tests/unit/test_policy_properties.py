"""What no policy, whatever it says, may ever do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain import change_rules, rules
from creditbot.domain.changes import Change
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Limits, Policy, Reminders, Tier, Usage
from creditbot.domain.requests import Approval, CreditRequest, Status
from creditbot.domain.who import Actor, Roster, Who

from .example_requests import NOW, a_request

PEOPLE = [f"U0P{number}" for number in range(6)]
GROUPS = ["S0A", "S0B"]
lists = st.frozensets(st.sampled_from(PEOPLE + GROUPS), max_size=5).map(Who)
rosters = st.builds(
    lambda members, unreadable: Roster(
        {group: members[group] if group not in unreadable else frozenset() for group in GROUPS}, unreadable
    ),
    st.fixed_dictionaries({group: st.frozensets(st.sampled_from(PEOPLE), max_size=3) for group in GROUPS}),
    st.frozensets(st.sampled_from(GROUPS)),
)
tiers = st.builds(
    Tier, st.just("t"), lists, st.integers(1, 3), st.none() | lists, above=st.sampled_from([0, 0, 0, 10**9])
)
policies = st.builds(
    Policy,
    st.lists(tiers, max_size=2).map(tuple),
    reminders=st.just(Reminders())
    | st.builds(Reminders, st.just(()), st.none(), st.just(timedelta(minutes=1)), lists),
    break_glass=st.frozensets(st.sampled_from(PEOPLE), max_size=2).map(Who),
)


@st.composite
def cases(draw: st.DrawFn) -> CreditRequest:
    agreed = draw(st.lists(st.sampled_from(PEOPLE), unique=True, max_size=4))
    return a_request(
        requested_by=draw(st.sampled_from(PEOPLE)),
        approvals=tuple(Approval(person, NOW) for person in agreed),
    )


@given(policies, rosters, cases(), st.sampled_from(PEOPLE))
def test_more_approvals_never_make_it_harder(
    policy: Policy, roster: Roster, request: CreditRequest, another: str
) -> None:
    before = policy.quorum(request, roster, NOW)
    after = policy.quorum(request.with_approval(another, NOW), roster, NOW)
    assert after.missing <= before.missing
    assert set(before.counted) <= set(after.counted)


@given(policies, rosters, cases())
def test_nobodys_own_approval_ever_counts(policy: Policy, roster: Roster, request: CreditRequest) -> None:
    own = request.with_approval(request.requested_by, NOW)
    assert policy.quorum(own, roster, NOW).missing == policy.quorum(request, roster, NOW).missing
    assert request.requested_by not in policy.quorum(own, roster, NOW).counted
    with pytest.raises(Refusal):
        rules.check_approval(request, request.requested_by, policy, roster, NOW)


@given(policies, rosters, cases(), st.sampled_from(PEOPLE))
def test_an_emergency_is_for_the_requester_who_is_named(
    policy: Policy, roster: Roster, request: CreditRequest, actor: str
) -> None:
    try:
        rules.check_break_glass(request, actor, policy)
    except Refusal:
        return
    assert actor == request.requested_by
    assert actor in policy.break_glass.people


@given(policies, rosters, cases(), st.sampled_from(PEOPLE))
def test_a_group_that_cannot_be_read_gives_nobody_a_right(
    policy: Policy, roster: Roster, request: CreditRequest, actor: str
) -> None:
    blind = Roster({group: frozenset() for group in GROUPS}, frozenset(GROUPS))
    try:
        rules.check_decision(request, actor, policy, blind, NOW)
    except Refusal:
        return
    rules.check_decision(request, actor, policy, roster, NOW)
    assert actor in policy.authority(request, NOW).people


@given(rosters, cases(), st.sampled_from(PEOPLE))
def test_an_empty_list_is_nobody(roster: Roster, request: CreditRequest, actor: str) -> None:
    for empty in (Policy(), Policy(tiers=(Tier("t", Who()),))):
        with pytest.raises(Refusal):
            rules.check_approval(request, actor, empty, roster, NOW)
        assert not empty.quorum(request.with_approval(actor, NOW), roster, NOW).reached
    with pytest.raises(Refusal):
        rules.check_may_ask(Actor(actor), Policy(may_ask=Who()), roster)


@given(policies, rosters, cases())
def test_what_needs_one_more_approval_lets_nothing_more_through(
    policy: Policy, roster: Roster, request: CreditRequest
) -> None:
    stricter = replace(
        policy, tiers=tuple(replace(tier, approvals=tier.approvals + 1) for tier in policy.tiers)
    )
    if stricter.quorum(request, roster, NOW).reached:
        assert policy.quorum(request, roster, NOW).reached


@given(policies, rosters, cases())
def test_a_quorum_is_as_many_people_as_the_tier_asks_for_and_one_of_its_second_list(
    policy: Policy, roster: Roster, request: CreditRequest
) -> None:
    quorum, tiers = policy.quorum(request, roster, NOW), policy.tiers_of(request.changes)
    if not tiers:
        assert not quorum.reached
        return
    [tier] = tiers
    agreed = {approval.approver for approval in request.approvals} - {request.requested_by}
    able = agreed & roster.everyone(policy.authority(request, NOW))
    enough = len(able) >= tier.approvals
    one_of_them = tier.including is None or able & roster.everyone(tier.including)
    assert quorum.reached == bool(enough and one_of_them)


@pytest.mark.parametrize(
    ("limit", "counted"),
    [
        ("per_requester_24h", lambda used: Usage(by_requester=used)),
        ("per_subuser_24h", lambda used: Usage(of_subuser={"acme": used})),
        ("in_all_24h", lambda used: Usage(in_all=used)),
    ],
)
@given(st.integers(1, 100), st.integers(0, 100), st.integers(1, 100))
def test_a_cap_is_never_passed(
    limit: str, counted: Callable[[int], Usage], amount: int, used: int, cap: int
) -> None:
    policy = Policy(tiers=(Tier("t", Who.of(PEOPLE)),), limits=replace(Limits(), **{limit: cap}))
    usage = counted(used)
    try:
        change_rules.check_change_allowed([Change("acme", amount)], policy, usage)
    except Refusal:
        assert used + amount > cap
    else:
        assert used + amount <= cap


@given(policies, rosters, cases())
def test_a_quorum_is_asked_only_of_those_who_can_add_to_it(
    policy: Policy, roster: Roster, request: CreditRequest
) -> None:
    quorum = policy.quorum(request, roster, NOW)
    assert request.requested_by not in quorum.may_still.people
    if not quorum.reached:
        assert not quorum.may_still.people & set(quorum.counted)


@given(policies, rosters, cases(), st.sampled_from(PEOPLE))
def test_once_it_is_escalated_the_backup_may_complete_any_tier_that_needs_one_more(
    policy: Policy, roster: Roster, request: CreditRequest, backup: str
) -> None:
    reminders = Reminders(escalate_after=timedelta(), escalate_to=Who.of([backup]))
    policy = replace(policy, reminders=reminders)
    quorum = policy.quorum(request, roster, NOW)
    if quorum.missing == 1 and backup in quorum.may_still.people:
        assert policy.quorum(request.with_approval(backup, NOW), roster, NOW).reached
    if quorum.lacks is not None:
        assert backup in quorum.lacks.people
    assert request.status is Status.PENDING
