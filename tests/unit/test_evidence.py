"""What two readings around an unclear PATCH prove, against what truly happened."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from creditbot.domain.credits import SubuserCredits
from creditbot.domain.evidence import (
    Conclusion,
    Reading,
    Verdict,
    conclude,
    confirm,
    read_together,
    use_before,
    use_in_words,
)
from creditbot.domain.requests import BalanceCheck
from creditbot.domain.text import signed

from .example_requests import NONRECURRING, NOW, RECURRING

balances = st.integers(0, 50) | st.integers(0, 10**9)
changes = (st.integers(-60, 60) | st.integers(-(10**9), 10**9)).filter(bool)
burns = st.integers(0, 60) | st.integers(0, 10**9)
kinds = st.sampled_from([("nonrecurring", None), ("recurring", "2026-01-01")])


def read(kind: tuple[str | None, str | None], remain: int | None) -> Reading:
    return Reading(kind[0], remain, kind[1])


@dataclass(frozen=True)
class Story:
    """A balance read, mail sent, a PATCH that was applied or not, more mail sent, the balance read again."""

    before: int
    change: int
    burn: int
    later_burn: int
    applied: bool
    clamps: bool

    @property
    def after(self) -> int:
        remain = self.before - min(self.burn, self.before)
        if self.applied:
            remain += self.change
            # Whether SendGrid stops at zero or goes below is not documented.
            remain = max(remain, 0) if self.clamps else remain
        return remain - min(self.later_burn, max(remain, 0))


stories = st.builds(Story, balances, changes, burns, burns, st.booleans(), st.booleans())


@given(kinds, stories)
@example(("nonrecurring", None), Story(10, -10, 5, 0, applied=True, clamps=True))
@example(("nonrecurring", None), Story(10, 5, 0, 20, applied=True, clamps=False))
def test_a_verdict_never_contradicts_what_truly_happened(kind: tuple[str, str | None], story: Story) -> None:
    verdict = conclude(story.change, read(kind, story.before), read(kind, story.after)).verdict
    assert verdict is not Verdict.APPLIED or story.applied
    assert verdict is not Verdict.NOT_APPLIED or not story.applied


@given(kinds, balances, changes)
def test_without_mail_in_between_an_addition_that_was_applied_is_proven(
    kind: tuple[str, str | None], before: int, change: int
) -> None:
    after = before + abs(change)
    assert conclude(abs(change), read(kind, before), read(kind, after)).verdict is Verdict.APPLIED


@given(kinds, balances, changes)
def test_without_mail_in_between_a_removal_that_was_not_applied_is_proven(
    kind: tuple[str, str | None], before: int, change: int
) -> None:
    before += abs(change)  # below zero nothing is proven
    assert conclude(-abs(change), read(kind, before), read(kind, before)).verdict is Verdict.NOT_APPLIED


@pytest.mark.parametrize(
    ("change", "before", "after", "verdict"),
    [
        (5, 10, 11, Verdict.APPLIED),
        (5, 10, 15, Verdict.APPLIED),
        (5, 10, 10, Verdict.UNKNOWN),
        (5, 10, 3, Verdict.UNKNOWN),
        (-5, 10, 10, Verdict.NOT_APPLIED),
        (-5, 10, 6, Verdict.NOT_APPLIED),
        (-5, 10, 5, Verdict.UNKNOWN),
        (-5, 10, 2, Verdict.UNKNOWN),
    ],
)
def test_the_table_at_its_edges(change: int, before: int, after: int, verdict: Verdict) -> None:
    kind = ("nonrecurring", None)
    assert conclude(change, read(kind, before), read(kind, after)).verdict is verdict


@given(changes, balances, balances, st.sampled_from([(None, "2026-01-01"), ("2026-01-01", None), (None, None),
                                                     ("2026-01-01", "2026-02-01")]))  # fmt: skip
def test_a_reset_that_may_have_come_in_between_voids_every_proof(
    change: int, before: int, after: int, resets: tuple[str | None, str | None]
) -> None:
    found = conclude(change, Reading("recurring", before, resets[0]), Reading("recurring", after, resets[1]))
    assert found.verdict is Verdict.UNKNOWN
    assert "reset" in found.arithmetic


@given(
    changes,
    balances,
    balances,
    st.sampled_from(["recurring", "nonrecurring", "unlimited", None]),
    st.sampled_from(["recurring", "nonrecurring", "unlimited", None]),
)
def test_a_change_of_kind_voids_every_proof(
    change: int, before: int, after: int, kind: str | None, other: str | None
) -> None:
    assume(kind != other)
    found = conclude(change, Reading(kind, before, "2026-01-01"), Reading(other, after, "2026-01-01"))
    assert found.verdict is Verdict.UNKNOWN


@given(kinds, changes, balances, st.sampled_from([(True, False), (False, True), (False, False)]))
def test_a_balance_that_was_not_reported_proves_nothing(
    kind: tuple[str, str | None], change: int, balance: int, known: tuple[bool, bool]
) -> None:
    before, after = (balance if is_known else None for is_known in known)
    assert conclude(change, read(kind, before), read(kind, after)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("change", [5000, -5000])
def test_the_arithmetic_names_both_balances_and_the_change(change: int) -> None:
    for after in (99, 4000, 10000, 20000):
        found = conclude(change, Reading("nonrecurring", 10000, None), Reading("nonrecurring", after, None))
        assert (
            f"Balance before sending: 10,000. Balance afterwards: {after:,}. Requested change: "
            f"{signed(change)}." in found.arithmetic
        )


USED = re.compile(r"Used since: ([\d,]+) if it was not applied, ([\d,]+) if it was\.$")


def used_since(arithmetic: str) -> tuple[int, int] | None:
    """How many credits were used since: had it not been applied, and had it been."""
    found = USED.search(arithmetic)
    return found and (int(found[1].replace(",", "")), int(found[2].replace(",", "")))


def test_what_is_not_proven_says_how_much_was_used_in_either_case() -> None:
    found = conclude(5000, Reading("nonrecurring", 1000, None), Reading("nonrecurring", 688, None))
    assert used_since(found.arithmetic) == (312, 5312)
    removed = conclude(-200, Reading("nonrecurring", 1000, None), Reading("nonrecurring", 688, None))
    assert used_since(removed.arithmetic) == (312, 112)


@given(kinds, stories)
@example(("nonrecurring", None), Story(10, -5, 8, 0, applied=True, clamps=True))
def test_the_use_that_is_told_is_the_use_that_was(kind: tuple[str, str | None], story: Story) -> None:
    found = conclude(story.change, read(kind, story.before), read(kind, story.after))
    told = used_since(found.arithmetic)
    if told is None:
        return
    assert found.verdict is Verdict.UNKNOWN
    remain = story.before - min(story.burn, story.before)
    at_the_change = remain + (story.change if story.applied else 0)
    used = min(story.burn, story.before) + min(story.later_burn, max(at_the_change, 0))
    assert told[story.applied] == used


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Reading("recurring", 1000, "2026-01-01"), Reading("recurring", 990, "2026-02-01")),
        (Reading("recurring", 1000, None), Reading("nonrecurring", 990, None)),
        (Reading("nonrecurring", 1000, None), Reading("nonrecurring", 9000, None)),
        (Reading("nonrecurring", None, None), Reading("nonrecurring", 990, None)),
    ],
)
def test_where_the_figures_mean_nothing_no_use_is_told(before: Reading, after: Reading) -> None:
    found = conclude(5000, before, after)
    assert found.verdict is Verdict.UNKNOWN
    assert "Used since" not in found.arithmetic


LATER = NOW + timedelta(minutes=41)


@pytest.mark.parametrize(
    ("remain", "minutes", "said"),
    [
        (900, 41, "In the 41 minutes before it was sent, 100 credits were used."),
        (999, 1, "In the minute before it was sent, 1 credit was used."),
        (1000, 180, "In the 3 hours before it was sent, no credits were used."),
    ],
)
def test_the_use_before_it_was_sent_is_told(remain: int, minutes: int, said: str) -> None:
    at = NOW + timedelta(minutes=minutes)
    for check in (NONRECURRING, RECURRING):
        used = use_before(check, Reading(check.type, remain, None), at)
        assert used is not None
        assert use_in_words(used, at - check.at) == said


@pytest.mark.parametrize(
    ("check", "before"),
    [
        (None, Reading("nonrecurring", 900, None)),
        (replace(NONRECURRING, remain=None), Reading("nonrecurring", 900, None)),
        (NONRECURRING, Reading("nonrecurring", None, None)),
        (NONRECURRING, Reading("nonrecurring", 1001, None)),
        (NONRECURRING, Reading("recurring", 900, "2026-01-01")),
        (replace(NONRECURRING, type=None), Reading(None, 900, None)),
        (replace(RECURRING, next_reset="2026-01-22"), Reading("recurring", 900, "2026-01-01")),
        (replace(RECURRING, next_reset=None), Reading("recurring", 900, "2026-01-01")),
        (replace(RECURRING, next_reset="soon"), Reading("recurring", 900, "2026-01-01")),
        (replace(RECURRING, next_reset="2026-13-01"), Reading("recurring", 900, "2026-01-01")),
        (replace(NONRECURRING, at=LATER), Reading("nonrecurring", 900, None)),
    ],
)
def test_a_use_that_is_not_known_is_not_told(check: BalanceCheck | None, before: Reading) -> None:
    assert use_before(check, before, LATER) is None


@pytest.mark.parametrize(
    ("first", "again", "known"),
    [
        (("recurring", 9), ("recurring", 9), True),
        (("recurring", 9), ("recurring", 4), True),
        (("recurring", 9), ("recurring", 10), False),
        (("recurring", 9), ("nonrecurring", 9), False),
        (("recurring", None), ("recurring", 9), False),
        (("recurring", 9), ("recurring", None), False),
    ],
)
def test_the_date_of_a_reset_belongs_to_credits_that_did_not_rise_around_it(
    first: tuple[str, int | None], again: tuple[str, int | None], known: bool
) -> None:
    earlier, later = (SubuserCredits(type=kind, remain=remain) for kind, remain in (first, again))
    date = "2026-03-01" if known else None
    assert read_together(earlier, "2026-03-01", later) == Reading(*again, date)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (1000, 1000, Verdict.NOT_APPLIED),
        (1000, 751, Verdict.NOT_APPLIED),
        (1000, 750, Verdict.UNKNOWN),
        (900, 901, Verdict.UNKNOWN),
        (900, None, Verdict.UNKNOWN),
        (None, 900, Verdict.UNKNOWN),
    ],
)
def test_a_removal_was_not_applied_only_if_a_second_reading_agrees(
    first: int | None, second: int | None, verdict: Verdict
) -> None:
    found = conclude(-250, Reading("nonrecurring", 1000, None), Reading("nonrecurring", second, None))
    assert confirm(found, first, second).verdict is verdict


def test_a_first_reading_takes_nothing_from_what_the_second_proves() -> None:
    found = Conclusion(Verdict.APPLIED, "")
    assert confirm(found, 1000, 1001) is found
