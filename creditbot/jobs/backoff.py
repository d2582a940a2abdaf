"""How long to wait before the next try."""

from datetime import timedelta

LONGEST = 30.0
"""Seconds. Low, so that after an outage of any length everything is up to date within a minute."""


def backoff(tries: int, wait: float | None = None) -> timedelta:
    """1, 2, 4, … seconds after `tries` failures, or what the other side asked for, if that is longer."""
    own = min(2.0 ** min(tries, 10), LONGEST)
    return timedelta(seconds=max(own, wait or 0.0))
