"""A change, and many that one decision is about: to ask for many at once is a way around nothing."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain import change_rules
from creditbot.domain.amounts import MAX_AMOUNT
from creditbot.domain.changes import Change
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Direction, Limits, Policy, Tier, Usage, matches
from creditbot.domain.requests import Approval
from creditbot.domain.who import Roster, Who

from .example_requests import NOW, a_request

PEOPLE = [f"U0P{number}" for number in range(5)]
lists = st.frozensets(st.sampled_from(PEOPLE), max_size=4).map(Who)
amounts = st.integers(1, 40)
changes = st.builds(
    Change, st.sampled_from(["acme", "ACME", "acme-2", "globex"]), amounts | amounts.map(int.__neg__)
)
several = st.lists(changes, min_size=1, max_size=5)
tiers = st.builds(
    Tier,
    st.sampled_from(["small", "large", "late"]),
    lists,
    st.integers(1, 3),
    st.none() | lists,
    st.sampled_from([("*",), ("acme*",), ("globex", "acme-?")]),
    st.sampled_from(Direction),
    st.sampled_from([0, 0, 10, 30]),
    st.none() | st.sampled_from([10, 30, 60]),
)
caps = st.none() | st.integers(1, 120)
policies = st.builds(
    Policy,
    st.lists(tiers, min_size=1, max_size=4).map(tuple)
    | tiers.map(lambda tier: (tier, Tier("rest", Who.of(PEOPLE)))),
    limits=st.builds(Limits, caps, caps, caps, caps),
)
usages = st.builds(
    Usage,
    st.integers(0, 60),
    st.fixed_dictionaries({"acme": st.integers(0, 60), "globex": st.integers(0, 60)}),
    st.integers(60, 120),
)

Judged = tuple[Tier, ...] | str


def judged(changes: Sequence[Change], policy: Policy, usage: Usage) -> Judged:
    """The tiers, or the rule by which it is refused."""
    try:
        return change_rules.check_change_allowed(changes, policy, usage)
    except Refusal as refusal:
        return refusal.rule


def alone(change: Change, policy: Policy, usage: Usage) -> Judged:
    """The rule for one change, written out once more."""
    for tier in policy.tiers:
        adds = change.allocation_update > 0
        if tier.direction is (Direction.REMOVE if adds else Direction.ADD):
            continue
        if not any(matches(pattern, change.subuser) for pattern in tier.subusers):
            continue
        if tier.above < change.amount and (tier.up_to is None or change.amount <= tier.up_to):
            break
    else:
        return "no_tier"
    for name, limit, used in (
        ("per_request", policy.limits.per_request, 0),
        ("per_requester_24h", policy.limits.per_requester_24h, usage.by_requester),
        ("per_subuser_24h", policy.limits.per_subuser_24h, usage.of_subuser.get(change.key, 0)),
        ("in_all_24h", policy.limits.in_all_24h, usage.in_all),
    ):
        if limit is not None and used + change.amount > limit:
            return name
    return (tier,)


def of_each(changes: Sequence[Change]) -> list[Change]:
    """What the changes of each subuser come to."""
    found = []
    for key in {change.key for change in changes}:
        own = [change for change in changes if change.key == key]
        net = sum(change.allocation_update for change in own)
        found += [Change(own[0].subuser, net)] if net else []
    return found


def of_all(changes: Sequence[Change]) -> list[Change]:
    """What they come to if all of one direction were one subuser's."""
    found = []
    for change in changes:
        same = [each for each in changes if (each.allocation_update > 0) == (change.allocation_update > 0)]
        found.append(Change(change.subuser, sum(each.allocation_update for each in same)))
    return found


@pytest.mark.parametrize("amount", [0, MAX_AMOUNT + 1, -MAX_AMOUNT - 1])
def test_what_nobody_can_ask_for_is_no_change(amount: int) -> None:
    with pytest.raises(ValueError, match="nobody can ask for"):
        Change("acme", amount)


@given(changes, policies, usages)
def test_one_change_is_judged_by_its_own_tier_and_amount(
    change: Change, policy: Policy, usage: Usage
) -> None:
    assert judged([change], policy, usage) == alone(change, policy, usage)


@given(several, policies, usages)
def test_many_are_never_judged_more_laxly_than_each_or_than_what_they_add_up_to(
    changes: list[Change], policy: Policy, usage: Usage
) -> None:
    found = judged(changes, policy, usage)
    if isinstance(found, str):
        return
    for one in [*changes, *of_each(changes)]:
        its = judged([one], policy, usage)
        assert not isinstance(its, str), (one, its)
        assert set(its) <= set(found)
    among_all = replace(policy, limits=replace(policy.limits, per_subuser_24h=None))
    for one in of_all(changes):
        its = judged([one], among_all, usage)
        assert not isinstance(its, str), (one, its)
        assert set(its) <= set(found)


@given(several, policies, usages, st.randoms())
def test_nothing_hangs_on_their_order(
    changes: list[Change], policy: Policy, usage: Usage, random: Random
) -> None:
    shuffled = list(changes)
    random.shuffle(shuffled)
    assert judged(shuffled, policy, usage) == judged(changes, policy, usage)


@given(several, policies, st.lists(st.sampled_from(PEOPLE), unique=True))
def test_who_is_enough_for_many_is_enough_for_each_and_for_what_they_add_up_to(
    changes: list[Change], policy: Policy, agreed: list[str]
) -> None:
    approvals = tuple(Approval(person, NOW) for person in agreed)
    together = a_request(approvals=approvals, change=changes[0], decided_with=tuple(changes[1:]))
    if not policy.quorum(together, Roster(), NOW).reached:
        return
    for one in [*changes, *of_each(changes), *of_all(changes)]:
        assert policy.quorum(a_request(approvals=approvals, change=one), Roster(), NOW).reached


BY_AMOUNT = Policy(
    (Tier("small", Who.of(["U1"]), up_to=10), Tier("large", Who.of(["U2"]), above=10, up_to=50))
)


def test_small_changes_of_many_subusers_fall_under_the_tier_of_their_sum() -> None:
    changes = [Change(f"brand-{number}", 5) for number in range(4)]
    assert [tier.name for tier in BY_AMOUNT.tiers_of(changes[:2])] == ["small"]
    assert [tier.name for tier in BY_AMOUNT.tiers_of(changes)] == ["small", "large"]
    request = a_request(change=changes[0], decided_with=tuple(changes[1:]))
    one, both = (a_request(approvals=(Approval("U1", NOW),)), request.with_approval("U1", NOW))
    assert BY_AMOUNT.quorum(replace(one, change=changes[0]), Roster(), NOW).reached
    quorum = BY_AMOUNT.quorum(both, Roster(), NOW)
    assert (quorum.missing, quorum.may_still) == (1, Who.of(["U2"]))
    assert BY_AMOUNT.quorum(both.with_approval("U2", NOW), Roster(), NOW).reached


@pytest.mark.parametrize(
    ("limits", "usage", "sentence"),
    [
        (
            Limits(),
            Usage(),
            "covers +55 credits for `brand-0`, and 11 changes that are decided together count as",
        ),
        (Limits(per_request=30), Usage(), "may change 30 credits at most, and these 8 would change 40. Ask"),
        (
            Limits(in_all_24h=45),
            Usage(in_all=6),
            "so 40 in 8 changes is too much. Ask for 39 or fewer, or wait. Rule: limits.in_all_24h.",
        ),
    ],
)
def test_what_is_too_much_together_is_said_of_all(limits: Limits, usage: Usage, sentence: str) -> None:
    policy = replace(BY_AMOUNT, limits=limits)
    changes = [Change(f"brand-{number}", 5) for number in range(11 if limits == Limits() else 8)]
    with pytest.raises(Refusal) as refused:
        change_rules.check_change_allowed(changes, policy, usage)
    assert sentence in refused.value.sentence
