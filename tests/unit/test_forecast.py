"""When credits run out, by senders of known shapes: what is said, how sure, and where nothing can be said."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creditbot.domain.credits import day_of
from creditbot.domain.drift import Landed, SentChange, Snapshot
from creditbot.domain.evidence import Reading
from creditbot.domain.forecast import (
    ENOUGH_FOR,
    HORIZON,
    IDLE,
    STALE,
    Forecast,
    Moments,
    Reset,
    Unknown,
    as_typed,
    forecast,
    in_words,
    pace_in_words,
    to_ask_for,
    watched_moment,
)
from creditbot.domain.rhythm import Rhythm
from creditbot.domain.text import when
from creditbot.domain.use import LOOK_BACK, uses

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Mail = Callable[[int], float]
"""Credits that are used in an hour, which is counted from the start."""


def reading(
    hour: float, remain: int | None, kind: str | None = "nonrecurring", last_reset: str | None = None
) -> Snapshot:
    return Snapshot("acme", START + hour * HOUR, Reading(kind, remain, last_reset))


def change(hour: float, by: int, landed: Landed = Landed.YES, **other: Any) -> SentChange:
    at = START + hour * HOUR
    return replace(SentChange(1, "acme", by, at, at + timedelta(seconds=1), landed), **other)


def read(mail: Mail, days: int, *, every: int = 1, left: int = 10_000) -> list[Snapshot]:
    """Readings every so many hours, of a balance that has so much left at the last."""
    used = [0.0]
    for hour in range(days * 24):
        used.append(used[-1] + mail(hour))
    return [reading(hour, round(left + used[-1] - used[hour])) for hour in range(0, days * 24 + 1, every)]


def steady(hour: int) -> float:
    return 100


def weekdays(hour: int) -> float:
    return 100 if hour % 168 < 120 else 0


def office(hour: int) -> float:
    return 300 if weekdays(hour) and 9 <= hour % 24 < 17 else 0


def recurring(history: Iterable[Snapshot], last_reset: str | None = "2026-03-01") -> list[Snapshot]:
    return [
        replace(one, reading=replace(one.reading, type="recurring", last_reset=last_reset)) for one in history
    ]


def told(history: Sequence[Snapshot], *changes: SentChange, reset: Reset | None = None) -> Forecast:
    """A forecast at the last reading."""
    return forecast(history, changes, history[-1].at, reset)


def daily(known: Forecast) -> float:
    assert known.pace is not None, known
    return known.pace.daily


def moments(known: Forecast) -> Moments:
    assert known.runs_out is not None, known
    return known.runs_out


def days_until(known: Forecast) -> tuple[float, float, float]:
    """The earliest, the likely and the latest moment; inf where none is told."""
    found, at = moments(known), known.at
    assert at is not None
    earliest, likely, latest = (
        inf if moment is None else (moment - at) / DAY
        for moment in (found.earliest, found.likely, found.latest)
    )
    return earliest, likely, latest


# --- Shapes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("every", "days"), [(1, 3), (1, 28), (24, 3), (24, 28)])
def test_a_steady_sender_runs_out_when_the_rest_is_used(every: int, days: int) -> None:
    known = told(read(steady, days, every=every, left=9600))
    earliest, likely, latest = days_until(known)
    assert daily(known) == pytest.approx(2400)
    assert likely == pytest.approx(4)
    assert 2 < earliest < 4 < latest < 8


def test_it_is_surer_the_more_is_known() -> None:
    few, many = (days_until(told(read(steady, days, every=24))) for days in (3, 28))
    assert few[0] < many[0] < many[2] < few[2]


@pytest.mark.parametrize("every", [1, 24])
@pytest.mark.parametrize("left", range(1000, 40_000, 1700))
def test_who_sends_on_weekdays_does_not_run_out_on_a_sunday(every: int, left: int) -> None:
    found = moments(told(read(weekdays, 28, every=every, left=left)))
    for moment in (found.earliest, found.likely, found.latest):
        assert moment is not None
        hour = (moment - START) / HOUR % 168
        assert hour <= 120.01 or hour == pytest.approx(168)


@pytest.mark.parametrize("left", range(300, 12_000, 500))
def test_who_sends_in_office_hours_runs_out_in_them(left: int) -> None:
    found = moments(told(read(office, 28, left=left)))
    assert found.likely is not None
    hour = (found.likely - START) / HOUR % 24
    assert 9 - 3 <= hour <= 17 + 3


def test_in_two_weeks_no_rhythm_is_assumed() -> None:
    known = told(read(weekdays, 13))
    assert known.pace is not None
    assert known.pace.rhythm.is_flat
    known = told(read(weekdays, 15))
    assert known.pace is not None
    assert not known.pace.rhythm.is_flat


def test_what_falls_by_chance_is_no_rhythm() -> None:
    random = Random(1)
    known = told(read(lambda _: random.lognormvariate(4, 1), 28))
    assert known.pace is not None
    assert max(known.pace.rhythm.weights) < 1.5


def burst(hour: int) -> float:
    return 24_000 if hour == 24 * 24 + 5 else 100


def test_one_burst_makes_no_panic() -> None:
    paces = [daily(told(read(burst, days))) for days in range(25, 33)]
    assert max(paces) < 2400 * 1.5
    assert paces[-1] < 2400 * 1.15


def test_one_burst_makes_no_rhythm() -> None:
    known = told(read(burst, 28))
    assert known.pace is not None
    assert max(known.pace.rhythm.weights) < 1.5


def test_a_lasting_rise_shows_on_its_first_day_and_is_followed_within_a_week() -> None:
    paces = [daily(told(read(lambda hour: 100 if hour < 480 else 400, days))) for days in range(20, 28)]
    assert paces[0] == pytest.approx(2400)
    assert paces[1] > 2400 * 1.2
    assert paces[-1] > 0.7 * 9600
    assert all(before < after for before, after in pairwise(paces))


def test_a_fall_is_followed_likewise() -> None:
    assert daily(told(read(lambda hour: 400 if hour < 480 else 100, 27))) < 1.7 * 2400


def test_a_newsletter_once_a_week_is_no_burst() -> None:
    def newsletter(hour: int) -> float:
        return 20_000 if hour % 168 == 34 else 10

    known = told(read(newsletter, 28, left=30_000))
    assert daily(known) == pytest.approx((20_000 + 1680) / 7, rel=0.1)
    likely = moments(known).likely
    assert likely is not None
    assert (likely - START) // DAY % 7 == 1


def test_two_campaigns_a_week_are_not_idle() -> None:
    random = Random(3)
    known = told(read(lambda hour: 7000 if hour % 24 == 9 and random.random() < 2 / 7 else 0, 28))
    assert 800 < daily(known) < 4000


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0]), min_size=7, max_size=7).filter(any), st.floats(0, 500))
def test_the_hours_until_so_many_usual_days_are_over_have_so_many(weights: list[float], usual: float) -> None:
    found = Rhythm(24, tuple(weight * 7 / sum(weights) for weight in weights))
    for usual_days in (usual, round(usual), round(usual) * 7):
        hours = found.hours_for(usual_days)
        assert found.usual_days(hours) == pytest.approx(usual_days)
        assert hours <= found.hours_for(usual_days + 0.01)


# --- What is no use ---------------------------------------------------------------------------------------


def shifted(history: Iterable[Snapshot], by: int, *, after: float) -> list[Snapshot]:
    """All that was read after an hour, as a change of the balance in that hour leaves it."""
    moment = START + after * HOUR
    return [
        replace(one, reading=replace(one.reading, remain=(one.reading.remain or 0) + by))
        if one.at > moment
        else one
        for one in history
    ]


@pytest.mark.parametrize("every", [1, 24])
@pytest.mark.parametrize("by", [5000, -5000, 1])
def test_a_change_in_the_ledger_does_not_change_the_pace(every: int, by: int) -> None:
    history = read(office, 21, every=every)
    changed = told(shifted(history, by, after=100.5), change(100.5, by))
    assert changed.pace == told(history).pace


def test_a_change_beside_a_reading_does_not_either() -> None:
    history = read(steady, 21)
    for near in (100.01, 99.99, 100):
        for after in (99.5, 100.5):
            known = told(shifted(history, 50_000, after=after), change(near, 50_000))
            assert daily(known) == pytest.approx(2400)


def test_a_change_beside_a_reading_costs_that_reading_only() -> None:
    history = shifted(read(steady, 3, every=24), 5000, after=24.01)
    assert daily(told(history, change(24.01, 5000))) == pytest.approx(2400)


def test_a_change_that_took_long_is_not_taken_for_use() -> None:
    slow = change(98.9, -50_000, until=START + 99.5 * HOUR)
    history = shifted(read(steady, 21, left=60_000), -50_000, after=99.3)
    assert daily(told(history, slow)) == pytest.approx(2400)


@pytest.mark.parametrize("every", [1, 24])
def test_credits_that_came_from_elsewhere_are_taken_out(every: int) -> None:
    known = told(shifted(read(steady, 21, every=every), 50_000, after=100.5))
    assert daily(known) == pytest.approx(2400)


def test_one_removal_from_elsewhere_is_taken_for_a_burst_at_most() -> None:
    assert daily(told(shifted(read(steady, 21), -50_000, after=480.5))) < 1.5 * 2400


@pytest.mark.parametrize("came", [True, False])
@pytest.mark.parametrize("until", [None, START + 400 * HOUR])
def test_what_is_used_while_a_change_is_in_doubt_is_known(came: bool, until: datetime | None) -> None:
    history = read(lambda hour: 100 if hour < 100 else 300, 21)
    doubt = change(100.5, 50_000, Landed.MAYBE, until=until)
    known = told(shifted(history, 50_000, after=100.5) if came else history, doubt)
    assert daily(known) == pytest.approx(7200, rel=0.1)


def resets(every_days: int, days: int, *, hourly: int, total: int, step: int = 1) -> list[Snapshot]:
    """Readings of one whose credits are reset."""
    found = []
    for hour in range(0, days * 24 + 1, step):
        last = hour // (every_days * 24) * every_days * 24
        date = f"{START + last * HOUR:%Y-%m-%d}"
        found.append(reading(hour, total - hourly * (hour - last), "recurring", date))
    return found


@pytest.mark.parametrize("every_days", [1, 7, 30])
@pytest.mark.parametrize("step", [1, 24])
def test_resets_are_taken_out(every_days: int, step: int) -> None:
    history = resets(every_days, 26, hourly=100, total=100_000, step=step)
    if (every_days, step) == (1, 24):
        assert told(history).unknown is Unknown.TOO_FEW
    else:
        assert daily(told(history)) == pytest.approx(2400)


def test_what_was_used_since_a_daily_reset_is_known_where_its_total_is() -> None:
    history = [one for one in resets(1, 26, hourly=100, total=5000) if one.at.hour == 20]
    assert told(history).unknown is Unknown.TOO_FEW
    assert daily(told(history, reset=Reset("2026-03-29", 5000))) == pytest.approx(2400)


def test_no_time_is_counted_twice_where_a_reset_comes_late_in_its_day() -> None:
    history = []
    for hour in range(24 * 10):
        last = (hour - 12) // 24 * 24 + 12
        date = f"{START + last * HOUR:%Y-%m-%d}"
        history.append(reading(hour, 5000 - 100 * (hour - last), "recurring", date))
    found = uses(history, [], history[-1].at, 5000)
    assert len(found) > 70
    assert all(before.until <= after.since < after.until for before, after in pairwise(found))


def test_recurring_credits_whose_last_reset_is_not_known_tell_nothing() -> None:
    history = recurring(read(steady, 21), None)
    assert told(history).unknown is Unknown.TOO_FEW


def test_a_balance_that_is_empty_does_not_make_its_sender_idle() -> None:
    """Three days empty, then filled by the ledger."""
    full = read(steady, 21, left=0)
    empty = [reading(hour, 0) for hour in range(21 * 24 + 1, 24 * 24)]
    again = [reading(24 * 24 + hour, 10_000 - 100 * hour) for hour in range(24)]
    known = told([*full[:-1], *empty, *again], change(24 * 24 - 0.5, 10_000))
    assert daily(known) == pytest.approx(2400, rel=0.01)


def test_the_day_on_which_the_last_one_went_shows_that_use_has_risen() -> None:
    usual, risen = told(days([1000] * 6, 9000)), told(days([1000] * 6 + [9000], 0))
    assert daily(risen) > 1.2 * daily(usual)
    assert daily(told(days([1000] * 6 + [10], 0))) == pytest.approx(1000)


def test_a_gap_of_days_is_use_like_any_other() -> None:
    history = [one for one in read(steady, 21) if not 200 < (one.at - START) / HOUR < 300]
    assert daily(told(history)) == pytest.approx(2400)


# --- Resets to come ---------------------------------------------------------------------------------------


def test_a_reset_that_comes_first_is_told_with_what_is_left() -> None:
    history = resets(7, 26, hourly=100, total=100_000)
    known = told(history, reset=Reset("2026-03-30", 100_000))
    assert known.runs_out is None
    assert known.left is not None
    assert 80_000 < known.left.least < 100_000 - 7 * 2400 < known.left.most < 90_000
    assert in_words(known, history[-1].at).startswith("They don't run out before the reset on 2026-03-30: 8")


def test_it_may_run_out_before_the_reset() -> None:
    history = resets(7, 26, hourly=100, total=17_400)
    known = told(history, reset=Reset("2026-03-30", 17_400))
    earliest, _, latest = days_until(known)
    assert 0 < earliest < 2
    assert latest == inf
    words = in_words(known, history[-1].at)
    assert words == "They may run out before the reset on 2026-03-30, in 39 hours or later."


def test_a_reset_that_is_due_may_come_until_the_end_of_its_day() -> None:
    history = recurring(read(steady, 21, left=1000))
    today, yesterday = (f"{history[-1].at - days * DAY:%Y-%m-%d}" for days in (0, 1))
    assert told(history, reset=Reset(today)).reset == Reset(today)
    assert days_until(told(history, reset=Reset(today)))[1] == pytest.approx(10 / 24, abs=0.01)
    assert told(history, reset=Reset(yesterday)).reset is None


@pytest.mark.parametrize(
    "date", ["soon", "", "2026-13-45", "9999-12-31", "0001-01-01", "2026-03-30T08:00:00Z"]
)
def test_whatever_stands_for_a_date_is_taken(date: str) -> None:
    assert told(recurring(read(steady, 21)), reset=Reset(date)).pace is not None


def test_credits_that_do_not_recur_are_not_reset_whatever_date_is_given() -> None:
    history = read(steady, 21, left=10**5)
    assert told(history, reset=Reset("2026-03-24", 10**6)) == told(history)


def test_a_date_is_a_day_in_utc() -> None:
    assert day_of("2026-03-30") == day_of("2026-03-30T23:00:00-08:00") == datetime(2026, 3, 30, tzinfo=UTC)


# --- What is not known ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "unknown"),
    [
        ([reading(0, None, None)], Unknown.NOT_READ),
        ([reading(0, None)], Unknown.NOT_READ),
        ([reading(0, 5, None)], Unknown.NOT_READ),
        ([reading(0, 5, "prepaid")], Unknown.NOT_READ),
        ([reading(0, None, "unlimited")], Unknown.UNLIMITED),
        ([*read(steady, 21), reading(505, None, "unlimited")], Unknown.UNLIMITED),
        ([reading(0, 1000)], Unknown.TOO_FEW),
        ([reading(0, 1000), reading(24, 900)], Unknown.TOO_FEW),
        (read(steady, 1)[:20], Unknown.TOO_FEW),
        (read(lambda _: 0, 21), Unknown.NO_USE),
        (read(lambda hour: 100 if hour < 200 else 0, 21), Unknown.NO_USE),
    ],
)
def test_where_nothing_can_be_known_it_says_why(history: list[Snapshot], unknown: Unknown) -> None:
    known = told(history)
    assert (known.unknown, known.pace, known.runs_out, known.left) == (unknown, None, None, None)
    assert to_ask_for(known, history[-1].at) is None
    assert in_words(known, history[-1].at)[-1] == "."


def test_there_may_be_no_reading_at_all() -> None:
    assert forecast([], [], START) == Forecast(None, None, unknown=Unknown.NOT_READ)


def test_a_reading_that_is_too_old_tells_nothing() -> None:
    history = read(steady, 21)
    assert forecast(history, [], history[-1].at + STALE).unknown is None
    assert forecast(history, [], history[-1].at + STALE + HOUR).unknown is Unknown.STALE


def test_sendgrid_may_be_away_for_a_day() -> None:
    history = read(steady, 21)
    away = [reading(21 * 24 + hour, None, None) for hour in range(1, 24)]
    assert forecast([*history, *away], [], away[-1].at).runs_out == told(history).runs_out


def test_who_has_stopped_is_idle_after_some_days_and_no_alarm_before() -> None:
    stopped = [
        told(read(lambda hour: 100 if hour < 240 else 0, 10 + days, left=7200)) for days in range(1, 11)
    ]
    likely = [days_until(known)[1] for known in stopped[:-1]]
    assert likely == sorted(likely)
    assert stopped[IDLE.days - 1].unknown is Unknown.NO_USE


def test_an_empty_balance_is_told_whatever_else_is_known() -> None:
    for history in ([reading(0, 0)], [reading(0, -5)], read(steady, 21, left=0)):
        known, at = told(history), history[-1].at
        assert known.runs_out == Moments(at, at, at)
        assert in_words(known, at) == "None are left."


def test_a_change_of_kind_takes_only_its_own_time_out() -> None:
    before, after = read(steady, 14, left=10**6), read(steady, 10)
    after = [replace(one, at=one.at + 15 * DAY) for one in after]
    unlimited = reading(14 * 24 + 5, None, "unlimited")
    assert daily(told([*before, unlimited, *after])) == pytest.approx(2400)
    assert daily(told([*before, *recurring(after)])) == pytest.approx(2400)


def test_clocks_may_jump() -> None:
    history = read(steady, 21)
    odd = [*history[:300], history[299], history[200], *history[300:], reading(10_000, 7)]
    assert forecast(odd, [], history[-1].at) == told(history)


def test_a_reading_of_the_future_is_no_use_of_today() -> None:
    idle = read(lambda _: 0, 21)
    assert forecast([*idle, reading(600, 5)], [], idle[-1].at).unknown is Unknown.NO_USE


def test_of_two_readings_at_one_time_the_later_one_counts() -> None:
    history = read(steady, 21)
    again = replace(history[-1], reading=replace(history[-1].reading, remain=7))
    assert told([*history, again]).remain == 7


def test_readings_every_five_minutes_tell_the_same() -> None:
    fine = [reading(minute / 60, 100_000 - minute) for minute in range(0, 14 * 1440, 5)]
    assert daily(told(fine)) == pytest.approx(1440, rel=0.001)
    assert len(uses(fine, [], fine[-1].at)) < 8 * 15


def test_what_is_older_than_four_weeks_does_not_count() -> None:
    history = read(lambda hour: 100_000 if hour < 240 else 100, 40)
    recent = [one for one in history if one.at >= history[-1].at - LOOK_BACK]
    assert told(history) == told(recent)
    assert uses(history, [], history[-1].at) == uses(recent, [], history[-1].at)


@pytest.mark.parametrize("factor", [10**-4, 10**10])
def test_enormous_and_tiny_numbers(factor: float) -> None:
    history = read(lambda _: 100 * factor * 1000, 21, left=round(10**7 * factor))
    assert daily(told(history)) == pytest.approx(2.4 * 10**6 * factor, rel=0.1)


# --- What is made of it -----------------------------------------------------------------------------------


def test_a_change_after_the_last_reading_counts_and_one_in_doubt_does_not() -> None:
    history = read(steady, 21, left=500)
    now = history[-1].at + HOUR
    landed = change(21 * 24 + 0.5, 10_000)
    assert forecast(history, [landed], now).remain == 10_500
    assert forecast(history, [landed], landed.since + timedelta(seconds=1)).remain == 10_500
    assert forecast(history, [replace(landed, landed=Landed.MAYBE)], now).remain == 500


def test_a_forecast_with_a_change_is_that_of_the_changed_balance() -> None:
    known = told(read(steady, 21, left=1000))
    assert known.changed_by(5000) == replace(
        told(shifted(read(steady, 21, left=1000), 5000, after=-1)), at=known.at
    )
    assert told([reading(0, None, "unlimited")]).changed_by(5) == told([reading(0, None, "unlimited")])


def test_it_asks_for_two_weeks_at_the_upper_end_of_the_pace() -> None:
    history = read(steady, 21, left=1000)
    known = told(history)
    asked = to_ask_for(known, history[-1].at)
    assert asked is not None
    assert 14 * 2400 - 1000 < asked < 2 * 14 * 2400
    assert set(f"{asked}"[2:]) == {"0"}
    filled = moments(known.changed_by(asked))
    assert filled.earliest > history[-1].at + ENOUGH_FOR - DAY


def test_it_asks_for_what_lasts_to_the_next_reset() -> None:
    history = recurring(read(steady, 21, left=1000))
    until = to_ask_for(told(history, reset=Reset("2026-03-25")), history[-1].at)
    assert until is not None
    assert 2 * 2400 - 1000 < until < 2 * 2 * 2400
    assert to_ask_for(told(read(steady, 21, left=10**6)), history[-1].at) is None


def test_a_line_in_days_is_compared_with_the_likely_moment_or_sooner_where_little_is_sure() -> None:
    sure, unsure = told(read(steady, 28)), told(days([100, 9000, 0, 9000], 5000))
    assert watched_moment(sure) == moments(sure).likely
    at = unsure.at
    assert at is not None
    assert watched_moment(unsure) == at + 2 * (moments(unsure).earliest - at)
    assert watched_moment(told(read(steady, 21, left=10**7))) is None


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        *[(1, 1), (7, 7), (10, 10), (99, 99), (241, 250), (4321, 4400), (5000, 5000), (12_000, 12_000)],
        *[(12_001, 13_000), (99_001, 100_000), (10**12 + 1, 11 * 10**11)],
    ],
)
def test_amounts_are_rounded_up_to_what_people_type(value: int, typed: int) -> None:
    assert as_typed(value) == typed


def test_it_is_put_in_words() -> None:
    history = read(steady, 21, left=7200)
    now = history[-1].at
    assert in_words(told(history), now) == "They run out in 2 to 4 days."
    assert in_words(told(read(steady, 21, left=10**7)), now) == "They don't run out within 90 days."
    assert in_words(told(read(steady, 21, left=300)), now) == "They run out in 2 to 5 hours."


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        (0, 0.4, "within an hour"),
        (0.2, 1.2, "within an hour"),
        (-5, 5, "within 5 hours"),
        (0.6, 1.4, "in about 1 hour"),
        (5.6, 6.4, "in about 6 hours"),
        (20, 40, "in 20 to 40 hours"),
        (20, 72, "in 20 hours to 3 days"),
        (48, 96, "in 2 to 4 days"),
        (70, 73, "in about 3 days"),
        (0.1, 200, "within 8 days"),
        (216, None, "in 9 days or later"),
        (1, None, "in 1 hour or later"),
        (0, None, "at any time"),
    ],
)
def test_a_moment_between_two_in_words(lower: float, upper: float | None, words: str) -> None:
    assert when(lower * HOUR, None if upper is None else upper * HOUR) == words


@pytest.mark.parametrize(
    ("per_day", "words"),
    [
        (0.2, "less than 1 credit a day"),
        (2400, "about 2,400 credits a day"),
        (1.2, "about 1 credit a day"),
        (12_345, "about 12,000 credits a day"),
    ],
)
def test_a_pace_in_words(per_day: float, words: str) -> None:
    found = told(read(steady, 21)).pace
    assert found is not None
    assert pace_in_words(replace(found, daily=per_day)) == words


# --- Properties -------------------------------------------------------------------------------------------

balances = st.none() | st.integers(-1000, 10**12)
kinds = st.sampled_from(["nonrecurring", "recurring", "unlimited", "prepaid", None])
dates = st.sampled_from(["2026-03-01", "2026-03-10", "2026-03-30", "", "x", None])
odd = st.lists(st.builds(reading, st.floats(-50, 1000), balances, kinds, dates), max_size=12)
odd_changes = st.lists(
    st.builds(
        change,
        st.floats(-50, 1000),
        st.integers(-(10**9), 10**9),
        st.sampled_from(Landed),
        until=st.none() | st.builds(lambda hour: START + hour * HOUR, st.floats(-50, 1000)),
    ),
    max_size=4,
)
uses_of_days = st.lists(st.integers(0, 100_000), min_size=3, max_size=28)
ends = st.integers(1, 10**7)
likely_resets = st.none() | st.builds(Reset, dates, balances)


def days(used: Sequence[int], left: int) -> list[Snapshot]:
    """Daily readings of so much use."""
    return [reading(24 * day, left + sum(used[day:])) for day in range(len(used) + 1)]


@given(odd, odd_changes, likely_resets, st.floats(-50, 1000))
def test_nothing_raises_and_no_lower_bound_is_above_its_upper(
    history: list[Snapshot], changes: list[SentChange], reset: Reset | None, hour: float
) -> None:
    now = START + hour * HOUR
    known = forecast(history, changes, now, reset)
    assert (known.pace is None) == (known.unknown is not None)
    assert in_words(known, now)
    asked = to_ask_for(known, now)
    assert asked is None or asked >= 1
    if known.pace is not None:
        assert 0 < known.pace.low <= known.pace.daily <= known.pace.high
    if known.left is not None:
        assert 0 <= known.left.least <= known.left.most
    if known.runs_out is not None:
        named = [known.runs_out.earliest, known.runs_out.likely, known.runs_out.latest]
        told_of = [moment for moment in named if moment is not None]
        assert told_of == sorted(told_of)
        assert named[: len(told_of)] == told_of
        assert known.at is not None
        assert known.at <= told_of[0] <= told_of[-1] <= known.at + HORIZON


@given(uses_of_days, ends, st.integers(2, 10**6))
def test_all_figures_times_some_number_make_the_pace_so_many_times_higher(
    used: list[int], left: int, times: int
) -> None:
    assume(any(used[-9:]))
    once, more = told(days(used, left)), told(days([times * use for use in used], times * left))
    assert daily(more) == pytest.approx(times * daily(once))
    assert (once.runs_out is None) == (more.runs_out is None)
    if once.runs_out is not None and more.runs_out is not None:
        assert abs(once.runs_out.earliest - more.runs_out.earliest) < timedelta(minutes=1)


@given(uses_of_days, ends, st.integers(1, 10**6))
def test_who_has_more_never_runs_out_earlier(used: list[int], left: int, more: int) -> None:
    less_left, more_left = told(days(used, left)).runs_out, told(days(used, left + more)).runs_out
    assert less_left is not None or more_left is None
    if less_left is None or more_left is None:
        return
    assert less_left.earliest <= more_left.earliest
    for less, later in [(less_left.likely, more_left.likely), (less_left.latest, more_left.latest)]:
        assert later is None or (less is not None and less <= later)


@given(uses_of_days, ends, st.integers(-500, 10**6), st.data())
def test_a_known_change_added_to_what_was_read_after_it_changes_no_pace(
    used: list[int], left: int, by: int, data: st.DataObject
) -> None:
    assume(left + by > 0)
    at = 24 * data.draw(st.integers(0, len(used) - 1)) + 12
    history = days(used, left)
    changed = told(shifted(history, by, after=at), change(at, by))
    assert changed.pace == told(history).pace
