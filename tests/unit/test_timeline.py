"""Balances over time: cut into slots, drawn as a chart and as text, and told in words."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from creditbot.domain.fields import MAX_NAME
from creditbot.domain.markup import without_markup
from creditbot.domain.timeline import Level, OwnChange, Timeline, slots, together
from creditbot.sandbox.slack.limits import check_message
from creditbot.slack import bounds, pictures
from creditbot.slack.bounds import length
from creditbot.slack.columns import width
from creditbot.slack.message import Message
from creditbot.slack.sparkline import MOST, drawn, titled, words
from creditbot.slack.tables import PHONE

NOW = datetime(2026, 11, 28, 10, 3, tzinfo=UTC)
MONTH = NOW - timedelta(days=30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def timeline(
    *balances: int | None, name: str = "acme", changes: Any = (), every: timedelta = DAY, until: Any = NOW
) -> Timeline:
    """The last one read at `until`, the others before it; a change is (days ago, credits)."""
    first = until - every * (len(balances) - 1)
    levels = [Level(first + every * n, balance) for n, balance in enumerate(balances)]
    own = [OwnChange(NOW - days * DAY, by) for days, by in changes]
    return Timeline(name, MONTH, NOW, levels, own)


FALLING = [50_000 - 1250 * day for day in range(31)]
GAPPY = [None if day in {4, 5, 6, 20} else 50_000 - 1250 * day for day in range(31)]
TIMELINES = {
    "a month": timeline(
        *[50_000 - 3000 * n for n in range(16)],
        *[20_000 - 500 * n for n in range(15)],
        changes=[(14, 15_000), (9, 250), (3, -100), (3, 100)],
    ),
    "ten days, read once a day, more or less": Timeline(
        "acme", MONTH, NOW, [Level(NOW - n * DAY - n % 3 * HOUR, 1000 + n * 100) for n in range(10)]
    ),
    "a month with gaps": timeline(*GAPPY),
    "two days": timeline(*range(900, 852, -1), every=HOUR),
    "one reading": timeline(12_400),
    "no reading": timeline(None, None, changes=[(2, 500)]),
    "below zero": timeline(*range(100, -2900, -100)),
    "so many": timeline(*[10**12 - 10**10 * n for n in range(30)]),
    "always the same": timeline(*[0] * 30),
    "not read of late": timeline(*FALLING[:20], until=NOW - 5 * DAY),
    "from right to left": timeline(*FALLING, name="לקוח-עם-שם-ארוך"),
    "a long name": timeline(*FALLING, name="株" * MAX_NAME),
    "markup": timeline(*FALLING, name="*a*`<@U1>|&@here"),
}


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", TIMELINES)
def test_a_balance(name: str, snapshot: SnapshotAssertion) -> None:
    picture = pictures.of_balance(TIMELINES[name])
    message = Message(picture.words, picture.blocks).payload()
    plainer = Message(picture.words, picture.plainer).payload()
    for payload in (message, plainer):
        check_message(payload["text"], payload["blocks"])
    assert {"message": message, "plainer": plainer["blocks"]} == snapshot


def test_several_balances(snapshot: SnapshotAssertion) -> None:
    several = [TIMELINES["a month"], TIMELINES["no reading"], timeline(900, 700, name="new")]
    picture = pictures.of_balances(several, "Who is low")
    check_message(picture.words, picture.blocks)
    check_message(picture.words, picture.plainer)
    assert {"blocks": picture.blocks, "plainer": picture.plainer, "words": picture.words} == snapshot


def test_no_balance_of_several_is_known() -> None:
    picture = pictures.of_balances([TIMELINES["no reading"]], "Who is low")
    assert picture.blocks == picture.plainer
    assert "no readings since 29 Oct" in picture.words


# --- Slots --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ago", "most", "labels"),
    [
        (timedelta(), 20, ["28 Nov 10:00", "28 Nov 10:00"]),
        (timedelta(minutes=4), 20, ["28 Nov 09:00", "28 Nov 10:00", "28 Nov 10:00"]),
        (30 * HOUR, 20, ["27 Nov 04:00", "27 Nov 06:00", "28 Nov 10:00"]),
        (10 * DAY, 20, ["18 Nov", "19 Nov", "28 Nov"]),
        (30 * DAY, 20, ["29 Oct", "31 Oct", "28 Nov"]),
        (30 * DAY, 31, ["29 Oct", "30 Oct", "28 Nov"]),
        (90 * DAY, 20, ["30 Aug", "4 Sep", "28 Nov"]),
    ],
)
def test_a_time_is_cut_into_as_many_slots_as_can_be_shown(
    ago: timedelta, most: int, labels: list[str]
) -> None:
    found = slots(NOW - ago, NOW, most).labels
    assert [*found[:2], found[-1]] == labels
    assert len(found) <= most


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(1, 40))
def test_slots_cover_the_whole_time_and_are_told_apart(before: int, after: int, most: int) -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=before)
    until = since + timedelta(seconds=after % (300 * 86_400))
    cut = slots(since, until, most)
    assert cut.bounds[0] <= since <= until < cut.bounds[-1]
    assert {later - earlier for earlier, later in pairwise(cut.bounds)} == {cut.length}
    assert len(set(cut.labels)) == len(cut.bounds) - 1 <= most


def test_a_slot_has_its_last_balance_and_a_gap_stays_one() -> None:
    cut = slots(NOW - 2 * DAY, NOW, 3)
    known = [(NOW - 2 * DAY, 5), (NOW - 2 * DAY + HOUR, 4), (NOW - 40 * DAY, 9), (NOW, 3)]
    assert cut.last_of_each(known) == [4, None, 3]
    changes = [OwnChange(NOW, 5), OwnChange(NOW - HOUR, -5), OwnChange(NOW - 3 * DAY, 7)]
    assert cut.net_of_each(changes) == [None, None, 0]


def test_a_chart_leaves_out_what_was_not_read_and_fills_what_only_one_lacks() -> None:
    assert together([timeline(*GAPPY)], 31)[1] == [[value for value in GAPPY if value is not None]]
    labels, values = together([timeline(9, 8, None, None, 7), timeline(None, 5, 4, None, None)], 20)
    assert labels == ["24 Nov", "25 Nov", "26 Nov", "28 Nov"]
    assert values == [[9, 8, 8, 7], [5, 5, 4, 4]]
    with pytest.raises(ValueError, match="nothing is known"):
        together([timeline(None)], 20)


# --- Text -----------------------------------------------------------------------------------------------


def test_a_month_in_text() -> None:
    assert drawn(TIMELINES["a month"]) == [
        "██▇▇▆▆▅▅▅▄▄▃▃▃▂▂▄▄▄▄▄▃▃▃▃▃▃▃▃▃▃",
        "                ▲    ▲     ±",
        "29 Oct                   28 Nov",
        "▁ 0  █ 50,000",
        "▲ ± by creditbot",
    ]


def test_days_that_are_read_once_have_no_gaps_between_them() -> None:
    [line, *_] = drawn(TIMELINES["ten days, read once a day, more or less"])
    assert line == "██▇▇▇▆▆▅▅▅"


FOUR_CHANGES = "4 changes by creditbot, +15,250 together"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a month", f"acme: 13,000 now; 30 days ago 50,000; lowest 5,000 on 13 Nov; {FOUR_CHANGES}"),
        ("one reading", "acme: 12,400 now; no other reading since then"),
        ("no reading", "acme: no readings since 29 Oct; 1 change by creditbot, +500"),
        ("not read of late", "acme: 26,250 on 23 Nov; on 4 Nov 50,000; lowest 26,250 on 23 Nov"),
        ("below zero", "acme: −2,800 now; 30 days ago 100; lowest now"),
    ],
)
def test_the_same_in_words(name: str, sentence: str) -> None:
    assert without_markup(words(TIMELINES[name])) == sentence


@pytest.mark.parametrize("name", TIMELINES)
def test_a_phone_shows_each_line_unbroken(name: str) -> None:
    for line in titled(TIMELINES[name]):
        assert width(line) <= PHONE


balances = st.none() | st.integers(-(10**15), 10**15)
names = st.one_of(st.text(min_size=1, max_size=MAX_NAME), st.sampled_from(["&" * 128, "株" * 128]))
moments = st.integers(0, 40 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
any_timelines = st.builds(
    lambda name, levels, changes: Timeline(name, MONTH, NOW, levels, changes),
    names,
    st.lists(st.builds(Level, moments, balances), max_size=30),
    st.lists(st.builds(OwnChange, moments, st.integers(-(10**9), 10**9)), max_size=5),
)


@given(st.lists(any_timelines, min_size=1, max_size=7), names)
def test_slack_takes_any_balances(several: list[Timeline], title: str) -> None:
    for picture in (pictures.of_balance(several[0]), pictures.of_balances(several, title)):
        for blocks in (picture.blocks, picture.plainer):
            payload = Message(picture.words, blocks).payload()
            check_message(payload["text"], payload["blocks"])
    for one in several:
        assert len(drawn(one)[0]) <= max(MOST, 24)
        assert length(words(one)) < bounds.SECTION
