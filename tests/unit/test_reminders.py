"""When someone is reminded: the policy's spans, moved out of the quiet hours."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.policy import Policy, QuietHours, Reminders
from creditbot.domain.reminders import after_quiet_hours, is_moot, look
from creditbot.domain.requests import Status
from creditbot.domain.who import Who

from .example_requests import a_request

ASKED = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = Policy(
    reminders=Reminders(after=(HOUR, 4 * HOUR), escalate_after=2 * HOUR, escalate_to=Who.of(["U0BACKUP"]))
)
NIGHT = QuietHours(time(20), time(7))


def at_night(zone: str = "UTC", quiet: QuietHours = NIGHT) -> Policy:
    return replace(POLICY, timezone=zone, reminders=replace(POLICY.reminders, quiet=quiet))


@pytest.mark.parametrize(
    ("hours", "over", "tell", "next_"),
    [(0, 0, False, 1), (1, 1, False, 2), (1.5, 1, False, 2), (2, 1, True, 4), (4, 2, True, None)],
)
def test_each_reminder_becomes_due_at_its_moment(
    hours: float, over: int, tell: bool, next_: int | None
) -> None:
    found = look(POLICY, ASKED, ASKED + hours * HOUR)
    coming = None if next_ is None else ASKED + next_ * HOUR
    assert (found.reminders, found.tell_backup, found.next) == (over, tell, coming)


def test_without_reminders_there_is_nothing_to_look_for() -> None:
    assert look(Policy(), ASKED, ASKED).next is None


def test_in_quiet_hours_nobody_is_told_until_they_end() -> None:
    asked = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
    morning = datetime(2026, 3, 3, 7, tzinfo=UTC)
    at_night_found = look(at_night(), asked, datetime(2026, 3, 2, 21, tzinfo=UTC))
    assert (at_night_found.reminders, at_night_found.tell_backup, at_night_found.next) == (0, False, morning)
    found = look(at_night(), asked, morning)
    assert (found.reminders, found.tell_backup, found.next) == (2, True, None)


def test_whom_it_is_escalated_to_may_decide_in_quiet_hours_too() -> None:
    asked = datetime(2026, 3, 2, 19, tzinfo=UTC)
    # The look that has the card drawn anew does not wait for the morning.
    assert look(at_night(), asked, datetime(2026, 3, 2, 20, 30, tzinfo=UTC)).next == asked + 2 * HOUR


@pytest.mark.parametrize(
    ("quiet", "moment", "then"),
    [
        (NIGHT, "2026-03-02T19:59", "2026-03-02T19:59"),
        (NIGHT, "2026-03-02T20:00", "2026-03-03T07:00"),
        (NIGHT, "2026-03-03T06:59", "2026-03-03T07:00"),
        (NIGHT, "2026-03-03T07:00", "2026-03-03T07:00"),
        (QuietHours(time(12), time(13)), "2026-03-03T12:30", "2026-03-03T13:00"),
        (QuietHours(time(12), time(13)), "2026-03-03T13:00", "2026-03-03T13:00"),
        # The night in which the clocks go forward, and the one in which they go back.
        (NIGHT, "2026-03-28T23:00", "2026-03-29T07:00"),
        (NIGHT, "2026-10-24T23:00", "2026-10-25T07:00"),
        (QuietHours(time(1), time(2, 30)), "2026-03-29T01:30", "2026-03-29T03:30"),
    ],
)
def test_quiet_hours_are_those_of_the_policys_time_zone(quiet: QuietHours, moment: str, then: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    found = after_quiet_hours(
        at_night("Europe/Berlin", quiet), datetime.fromisoformat(moment).replace(tzinfo=zone)
    )
    assert found.astimezone(zone).isoformat() == datetime.fromisoformat(then).replace(tzinfo=zone).isoformat()


@given(
    st.integers(0, 366 * 24 * 60).map(lambda minutes: ASKED + timedelta(minutes=minutes)),
    st.times(),
    st.times(),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_the_moment_moves_forward_by_less_than_a_day_and_once(
    moment: datetime, start: time, end: time, zone: str
) -> None:
    policy = at_night(zone, QuietHours(start.replace(second=0), end.replace(second=0)))
    found = after_quiet_hours(policy, moment)
    assert moment <= found <= moment + timedelta(hours=25)
    assert after_quiet_hours(policy, found) <= found + HOUR


@pytest.mark.parametrize("status", Status)
def test_a_reminder_is_moot_once_it_is_decided(status: Status) -> None:
    request = a_request(status)
    decided = status is not Status.PENDING
    for kind in ("reminder_1", "escalated"):
        assert is_moot(kind, "U0ANN", request, request.requested_at) == decided
        assert is_moot(kind, "U0ANN", request, request.expires_at)
        agreed = request.with_approval("U0ANN", request.requested_at)
        assert is_moot(kind, "U0ANN", agreed, request.requested_at)
    assert not is_moot("applied", "U0ANN", request, request.expires_at)
