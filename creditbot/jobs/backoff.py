"""How long to wait before the next try, and when there is none any more."""

import random
from datetime import datetime, timedelta

from creditbot.domain.requests import CreditRequest

GIVE_UP_AFTER = timedelta(minutes=15)
"""How long after it was claimed a change that could not be sent is still tried."""

LONGEST = 30.0
"""Seconds. Low, so that after an outage of any length everything is up to date within a minute."""

MOST_RUNS = 9
"""How often a job is tried that goes wrong for a reason that nobody foresaw: over about nine minutes."""

LONGEST_PAUSE = 3600.0
"""Seconds between two tries to end what can't be ended either."""


def backoff(tries: int, wait: float | None = None) -> timedelta:
    """1, 2, 4, … seconds after `tries` failures, or what the other side asked for, if that is longer."""
    own = min(2.0 ** min(tries, 10), LONGEST)
    return timedelta(seconds=max(own, wait or 0.0))


def pause(runs: int) -> timedelta:
    """About 2, 4, 8, … seconds after so many runs of a job that came to nothing; never two the same."""
    seconds = min(2.0 ** min(runs, 20), LONGEST_PAUSE)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - it is no secret


def given_up(request: CreditRequest, now: datetime) -> bool:
    """True if a change was claimed so long ago that it is not tried any more; or in a future that far."""
    return request.claimed_at is not None and abs(now - request.claimed_at) > GIVE_UP_AFTER
