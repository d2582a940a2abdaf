"""How many calls SendGrid takes, and that what nobody waits for leaves people their part."""

import pytest

from creditbot.sendgrid.answers import rate_limit_room
from creditbot.sendgrid.budget import A_MINUTE, MINUTE, Budget, NoRoom

NOW = 1_800_000_000.0


class Elapsed:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Elapsed:
    return Elapsed()


@pytest.fixture
def budget(clock: Elapsed) -> Budget:
    return Budget(clock)


def told(remaining: object, limit: object = 600, resets_in: int = 30) -> dict[str, str]:
    return {
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Reset": str(int(NOW) + resets_in),
    }


async def wait(budget: Budget) -> float:
    """Seconds until a call may be made for which nobody waits."""
    try:
        async with budget.unhurried():
            return 0.0
    except NoRoom as problem:
        return problem.wait or 0.0


@pytest.mark.parametrize(
    ("headers", "status", "seconds"),
    [
        (told(121), 200, 0),
        (told(120), 200, 30),
        (told(0), 200, 30),
        (told(599), 429, 30),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-limit": "600", "x-ratelimit-reset": "7"}, 200, 7),
        ({"Retry-After": "12"}, 429, 12),
        ({}, 429, 5),
        ({}, 200, 0),
        (told("many"), 200, 0),
        (told("9" * 5000, "9" * 5000), 200, 0),
        (told("9" * 4000, "9" * 4000), 200, 0),
        (told(-1, 0), 200, 30),
    ],
)
async def test_the_last_part_of_the_limit_is_for_people(
    budget: Budget, clock: Elapsed, headers: dict[str, str], status: int, seconds: float
) -> None:
    budget.answered(status, headers, NOW)
    assert await wait(budget) == seconds
    clock.seconds += seconds
    assert await wait(budget) == 0


async def test_an_answer_that_was_under_way_does_not_shorten_the_wait(budget: Budget) -> None:
    budget.answered(429, told(0, resets_in=40), NOW)
    budget.answered(200, told(300), NOW)
    assert await wait(budget) == 40


async def test_where_sendgrid_tells_no_limit_so_many_calls_a_minute_are_made(
    budget: Budget, clock: Elapsed
) -> None:
    for _ in range(A_MINUTE - 1):
        budget.called()
        clock.seconds += 0.01
    assert await wait(budget) == 0
    budget.called()
    assert await wait(budget) == pytest.approx(MINUTE - (A_MINUTE - 1) * 0.01)
    clock.seconds += MINUTE
    assert await wait(budget) == 0


async def test_where_it_tells_one_that_counts_instead(budget: Budget) -> None:
    budget.answered(200, told(10_000, 100_000), NOW)
    for _ in range(A_MINUTE):
        budget.called()
    assert await wait(budget) == 30
    other = Budget(Elapsed())
    other.answered(200, told(50_000, 100_000), NOW)
    for _ in range(A_MINUTE):
        other.called()
    assert await wait(other) == 0


def test_the_room_is_read_whatever_the_case_of_the_headers() -> None:
    assert rate_limit_room({"X-RATELIMIT-REMAINING": "7", "x-ratelimit-LIMIT": "9"}) == (7, 9)
    assert rate_limit_room({"X-RateLimit-Remaining": "7"}) is None
