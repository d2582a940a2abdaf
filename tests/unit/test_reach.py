"""What is said of rules that others leave nothing to, against every change there is in a small world."""

from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain import change_rules
from creditbot.domain.changes import Change
from creditbot.domain.errors import Refusal
from creditbot.domain.policy import Direction, Limits, Policy, Tier, Usage, matches
from creditbot.domain.policy_lint import lint
from creditbot.domain.reach import covers
from creditbot.domain.who import Roster, Who

ALL = Who.of(["U0ANN", "U0BEN"])
NAMES = ["".join(letters) for size in (1, 2, 3, 4) for letters in product("abz", repeat=size)]
CHANGES = [change for change in range(-7, 8) if change]

patterns = st.text("ab*?", min_size=1, max_size=5)
bounds = st.integers(0, 4).flatmap(
    lambda above: st.tuples(st.just(above), st.none() | st.integers(above + 1, 6))
)


def tiers_of(subusers: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Tier, ...]]:
    one = st.builds(
        lambda within, which, way: Tier("", ALL, 1, None, which, way, *within),
        bounds,
        st.lists(subusers, min_size=1, max_size=2).map(tuple),
        st.sampled_from(Direction),
    )
    return st.lists(one, min_size=2, max_size=4).map(
        lambda found: tuple(
            Tier(f"t{place}", ALL, 1, None, tier.subusers, tier.direction, tier.above, tier.up_to)
            for place, tier in enumerate(found)
        )
    )


limits = st.builds(Limits, st.none() | st.integers(1, 8), in_all_24h=st.none() | st.integers(1, 8))


def said_to_be_dead(policy: Policy) -> set[str]:
    said = [finding.sentence for finding in lint(policy, Roster())]
    return {
        tier.name
        for tier in policy.tiers
        if any(f"Tier `{tier.name}` is never reached" in each for each in said)
    }


def tiers_of_all_changes(policy: Policy) -> set[str]:
    """The tiers of those changes that anyone may ask for."""
    found = set()
    for name, change in product(NAMES, CHANGES):
        with suppress(Refusal):
            [tier] = change_rules.check_change_allowed([Change(name, change)], policy, Usage())
            found.add(tier.name)
    return found


@given(tiers_of(patterns), limits)
def test_a_tier_that_is_said_to_be_never_reached_is_the_tier_of_no_change(
    tiers: tuple[Tier, ...], limits: Limits
) -> None:
    policy = Policy(tiers, limits=limits)
    dead = said_to_be_dead(policy)
    if dead:
        assert not dead & tiers_of_all_changes(policy)


@given(tiers_of(st.just("a*")), limits)
def test_of_tiers_for_the_same_subusers_none_is_missed(tiers: tuple[Tier, ...], limits: Limits) -> None:
    policy = Policy(tiers, limits=limits)
    assert said_to_be_dead(policy) | tiers_of_all_changes(policy) == {tier.name for tier in tiers}


@pytest.mark.parametrize(
    ("pattern", "fits"), [("stra?e", False), ("stra??e", True), ("STRASSE", True), ("stra*e", True)]
)
def test_a_letter_that_is_two_without_its_case_counts_as_two_characters(pattern: str, fits: bool) -> None:
    assert matches(pattern, "straße") is fits


@given(patterns, patterns)
def test_what_a_covered_pattern_fits_its_cover_fits(wide: str, narrow: str) -> None:
    if covers(wide, narrow):
        assert all(matches(wide, name) for name in NAMES if matches(narrow, name))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "?"),
        ("a*", "A-b*"),
        ("?*", "*?"),
        ("*?*", "a**"),
        ("a*c", "a*b*c"),
        ("s*", "ß"),
    ],
)
def test_a_pattern_that_covers_another_is_known(wide: str, narrow: str) -> None:
    assert covers(wide, narrow)
