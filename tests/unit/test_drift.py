"""What two readings show of changes from outside, against what truly happened."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from creditbot.domain.drift import (
    LEAST_FALL,
    MARGIN,
    Comparison,
    Finding,
    Kind,
    Landed,
    SentChange,
    Settler,
    Snapshot,
    compare,
)
from creditbot.domain.evidence import Reading
from creditbot.slack.drift import comparison

from .test_cards import assert_fit

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def reading(
    days: float, remain: int | None, kind: str | None = "nonrecurring", last_reset: str | None = None
) -> Snapshot:
    return Snapshot("acme", START + days * DAY, Reading(kind, remain, last_reset))


def change(
    by: int,
    at: float,
    landed: Landed = Landed.YES,
    *,
    until: float | None = None,
    settled_by: Settler | None = None,
) -> SentChange:
    """One that was sent some days after the start, and done a second later unless told otherwise."""
    since = START + at * DAY
    ended = since + timedelta(seconds=1) if until is None else START + until * DAY
    return SentChange(17, "acme", by, since, ended, landed, settled_by)


def found(history: Sequence[Snapshot], *changes: SentChange) -> Finding:
    finding = compare(history, changes)
    assert finding is not None
    return finding


def test_a_rise_that_no_change_explains_is_found_with_its_bound() -> None:
    rose = found([reading(0, 1000), reading(1, 9500)], change(5000, 0.5))
    assert (rose.kind, rose.expected) == (Kind.ROSE, 6000)
    assert [listed["request"] for listed in rose.changes] == [17]


def test_mail_and_the_ledgers_changes_are_no_finding() -> None:
    assert compare([reading(0, 1000), reading(1, 1000)], []) is None
    assert compare([reading(0, 1000), reading(1, 6000)], [change(5000, 0.5)]) is None
    assert compare([reading(0, 1000), reading(1, 3)], [change(-400, 0.5)]) is None


def test_a_removal_in_the_ledger_lowers_what_may_be_left() -> None:
    assert found([reading(0, 1000), reading(1, 700)], change(-400, 0.5)).expected == 600


def test_a_removal_may_have_stopped_at_zero() -> None:
    assert compare([reading(0, 300), reading(1, 0)], [change(-400, 0.5)]) is None


@pytest.mark.parametrize("landed", [Landed.MAYBE, Landed.YES])
def test_a_change_that_may_have_come_explains_a_rise(landed: Landed) -> None:
    assert compare([reading(0, 1000), reading(1, 6000)], [change(5000, 0.5, landed)]) is None
    assert found([reading(0, 1000), reading(1, 6001)], change(5000, 0.5, landed)).expected == 6000


@pytest.mark.parametrize(("by", "remain"), [(5000, 1000), (5000, 6000), (-400, 600), (-400, 1000)])
def test_a_change_of_a_name_in_another_case_may_be_of_this_subuser_or_not(by: int, remain: int) -> None:
    assert compare([reading(0, 1000), reading(1, remain)], [replace(change(by, 0.5), subuser="ACME")]) is None


def test_a_change_before_or_after_both_readings_explains_nothing() -> None:
    history = [reading(0, 1000), reading(1, 6000)]
    assert found(history, change(5000, -0.5)).changes == ()
    assert found(history, change(5000, 1.5)).changes == ()


@pytest.mark.parametrize("at", [0.0, 1.0])
@pytest.mark.parametrize("remain", [1000, 6000])
def test_a_change_beside_a_reading_may_or_may_not_be_in_it(at: float, remain: int) -> None:
    assert compare([reading(0, 1000), reading(1, remain)], [change(5000, at)]) is None


def test_a_wrong_word_of_a_person_is_found_out() -> None:
    said = change(5000, 0.5, Landed.NO, settled_by=Settler.PERSON)
    rose = found([reading(0, 1000), reading(1, 6000)], said)
    assert (rose.kind, rose.expected) == (Kind.ROSE, 1000)
    assert rose.changes[0]["settled_by"] == "person"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (reading(0, 10, "recurring", "2026-02-01"), reading(1, 90, "recurring", "2026-03-01")),
        (reading(0, 10, "recurring", None), reading(1, 90, "recurring", None)),
        (reading(0, None), reading(1, 90)),
        (reading(0, 10), reading(1, None)),
        (reading(0, 10, None), reading(1, 90)),
        (reading(0, None, "unlimited"), reading(1, None, "unlimited")),
        (reading(0, None, None), reading(1, 90)),
        (reading(0, 10), reading(1, None, None)),
    ],
)
def test_what_can_not_be_compared_is_no_finding(before: Snapshot, after: Snapshot) -> None:
    assert compare([before, after], []) is None


def test_a_recurring_subuser_is_compared_between_two_resets() -> None:
    history = [reading(0, 10, "recurring", "2026-02-01"), reading(1, 90, "recurring", "2026-02-01")]
    assert found(history).kind is Kind.ROSE


def test_another_kind_of_credits_is_a_finding() -> None:
    turned = found([reading(0, 10), reading(1, None, "unlimited")])
    assert (turned.kind, turned.before.type, turned.after.type) == (Kind.TYPE, "nonrecurring", "unlimited")


USED_DAILY = (300, 500, 200)


def days_of_use(*used: int, start: int = 100_000) -> list[Snapshot]:
    history = [reading(0, start)]
    for day, use in enumerate(used, 1):
        start -= use
        history.append(reading(day, start))
    return history


@pytest.mark.parametrize(("used", "finding"), [(900, None), (901, Kind.FELL), (50_000, Kind.FELL)])
def test_a_fall_stands_out_beside_what_is_usual(used: int, finding: Kind | None) -> None:
    # The highest day does not count: it may have been out of the ordinary itself.
    judged = compare(days_of_use(*USED_DAILY, used), [])
    assert (judged.kind if judged else None) == finding
    if judged is not None:
        assert (judged.usual, judged.expected) == (300, 99_000)


def test_nothing_is_usual_before_some_days_are_known() -> None:
    assert compare(days_of_use(300, 500, 50_000), []) is None


def test_readings_of_one_day_do_not_tell_what_a_day_uses() -> None:
    history = [reading(day / 10, 100_000) for day in range(6)]
    assert compare([*history, reading(1.5, 97_000)], []) is None


def test_a_small_fall_is_mail_even_where_none_is_usual() -> None:
    assert compare(days_of_use(0, 0, 0, LEAST_FALL), []) is None
    assert compare(days_of_use(0, 0, 0, LEAST_FALL + 1), []) is not None


def test_after_some_days_without_readings_as_many_days_of_use_are_usual() -> None:
    history = days_of_use(*USED_DAILY)
    assert compare([*history, reading(6, 99_000 - 2700)], []) is None
    assert compare([*history, reading(6, 99_000 - 2701)], []) is not None


def test_long_ago_is_not_usual() -> None:
    history = days_of_use(*[50_000] * 3, *[10] * 14, start=1_000_000)
    assert found([*history, reading(18, 800_000)]).usual == 10


def test_days_with_a_change_that_may_have_come_do_not_make_the_use_usual() -> None:
    doubts = [change(90_000, day + 0.5, Landed.MAYBE) for day in (3, 4)]
    assert found(days_of_use(*USED_DAILY, 100, 100, 50_000), *doubts).usual == 300


def test_one_removal_from_outside_does_not_make_the_next_one_usual() -> None:
    assert compare(days_of_use(*USED_DAILY, 50_000, 40_000), []) is not None


@dataclass(frozen=True)
class Story:
    """Mail, and changes by creditbot that truly came or not, between two readings of a balance."""

    before: int
    steps: tuple[tuple[int, int, bool, Landed], ...]
    clamps: bool

    def play(self) -> tuple[int, list[SentChange]]:
        remain, told = self.before, []
        for number, (mail, by, came, landed) in enumerate(self.steps):
            remain -= min(mail, max(remain, 0))
            if came:
                remain += by
                remain = max(remain, 0) if self.clamps else remain
            told.append(change(by, 0.1 + number * 0.1, landed))
        return remain, told


TRUE_WORDS = [(True, Landed.YES), (True, Landed.MAYBE), (False, Landed.MAYBE), (False, Landed.NO)]
steps = st.builds(
    lambda mail, by, truth: (mail, by, *truth),
    st.integers(0, 100),
    st.integers(-150, 150).filter(bool),
    st.sampled_from(TRUE_WORDS),
)
stories = st.builds(Story, st.integers(0, 300), st.lists(steps, max_size=6).map(tuple), st.booleans())


@given(stories)
def test_without_a_change_from_outside_nothing_is_found_to_have_risen(story: Story) -> None:
    remain, told = story.play()
    judged = compare([reading(0, story.before), reading(1, remain)], told)
    assert judged is None


@given(stories, st.integers(1, 1000))
def test_a_finding_never_claims_more_than_was_added(story: Story, added: int) -> None:
    remain, told = story.play()
    judged = compare([reading(0, story.before), reading(1, remain + added)], told)
    assume(judged is not None)
    assert judged is not None
    assert judged.expected is not None
    assert remain + added - judged.expected <= added


@given(st.floats(-1, 1), st.sampled_from([0, 1]), st.booleans(), st.sampled_from([50, -50]))
def test_a_change_near_a_reading_makes_no_finding_whichever_side_it_fell_on(
    near: float, which: int, in_between: bool, by: int
) -> None:
    its = change(by, which + near * (MARGIN / DAY))
    after = 100 + by if in_between else 100
    assert compare([reading(0, 100), reading(1, after)], [its]) is None


ROSE = found([reading(0, 1000), reading(1, 9500)], change(5000, 0.5), change(-20, 0.6, Landed.MAYBE))
FELL = found(days_of_use(*USED_DAILY, 50_000), change(700, 3.5, settled_by=Settler.PERSON))
TYPE = found([reading(0, 10), reading(1, None, "unlimited")])
AT = 1_772_352_000_000
MESSAGES = {
    "all kinds": Comparison(AT, 12, 3, (ROSE, FELL, TYPE)),
    "nothing, but not all": Comparison(AT, 1, 0, (), ("eu-brand",), "SendGrid answered 500."),
    "nothing at all": Comparison(AT, 0, 0, (), (), "SendGrid answered 403."),
    "a wrong conclusion": Comparison(
        AT, 1, 0, (found(days_of_use(*USED_DAILY, 50_000), change(700, 3.5, settled_by=Settler.BALANCE)),)
    ),
    "a wrong word": Comparison(
        AT,
        1,
        0,
        (found([reading(0, 0), reading(1, 500)], change(500, 0.5, Landed.NO, settled_by=Settler.PERSON)),),
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_notice(name: str, snapshot: SnapshotAssertion) -> None:
    assert comparison(MESSAGES[name]).payload() == snapshot


def test_a_notice_of_many_fits_and_calls_nobody() -> None:
    name = "<!here>@channel" + "x" * 5000
    many = tuple(replace(ROSE, subuser=name, changes=ROSE.changes * 500) for _ in range(2000))
    assert_fit(comparison(Comparison(AT, 2000, 0, many, (name,) * 3000, "x" * 500)).payload())


@pytest.mark.parametrize("name", MESSAGES)
def test_it_is_read_as_it_was_written(name: str) -> None:
    assert Comparison.read(MESSAGES[name].document()) == MESSAGES[name]
