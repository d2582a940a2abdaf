"""The daily digest: its hour, and what it says."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from syrupy.assertion import SnapshotAssertion

from creditbot.domain.digest import Digest
from creditbot.domain.policy import Policy
from creditbot.slack.digest import digest

from .test_cards import assert_fit

DAY = Digest(
    since=1_769_000_000_000,
    until=1_769_086_400_000,
    asked=7,
    to_add=12_500,
    to_remove=-400,
    granted=5,
    ends={"applied": 4, "denied": 1, "expired": 1},
    emergencies=1,
    net={"acme": 12_000, "globex": -400},
    waiting=1,
    in_doubt=(12,),
    events=1_234,
    head="5f" * 32,
)
QUIET = replace(
    DAY,
    asked=0,
    to_add=0,
    to_remove=0,
    granted=0,
    ends={},
    emergencies=0,
    net={},
    waiting=0,
    in_doubt=(),
)


@pytest.mark.parametrize(
    ("zone", "now", "then"),
    [
        ("UTC", "2026-03-02T08:59", "2026-03-02T09:00"),
        ("UTC", "2026-03-02T09:00", "2026-03-03T09:00"),
        ("Europe/Berlin", "2026-03-28T12:00", "2026-03-29T07:00"),  # the clocks have gone forward
        ("Asia/Tokyo", "2026-03-01T23:30", "2026-03-02T00:00"),
    ],
)
def test_a_time_of_day_comes_next_in_the_policys_time_zone(zone: str, now: str, then: str) -> None:
    policy = Policy(timezone=zone)
    found = policy.next(policy.digest, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(then).replace(tzinfo=UTC)


def test_it_may_be_switched_off_or_still_come_today() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert Policy().next(None, now) is None
    assert Policy().next(time(13, 30), now) == now.replace(hour=13, minute=30)


DIGESTS = {
    "a day": DAY,
    "a quiet day": QUIET,
    "balances compared": replace(QUIET, compared=1_200),
    "drift": replace(QUIET, compared=1_200, drifted=2),
}


@pytest.mark.parametrize("name", DIGESTS)
def test_a_digest(name: str, snapshot: SnapshotAssertion) -> None:
    assert digest(DIGESTS[name]).payload() == snapshot


def test_a_digest_of_many_fits_and_calls_nobody() -> None:
    many = {f"<!here>{number}@channel" + "x" * 100: number for number in range(1, 3000)}
    assert_fit(digest(replace(DAY, net=many, in_doubt=tuple(range(5000)))).payload())


def test_it_is_read_as_it_was_written() -> None:
    assert Digest.read(DAY.document()) == DAY
