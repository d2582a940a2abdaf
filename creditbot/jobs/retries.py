"""When a delivery that failed is tried again, and when it is given up. Pure: `now` comes in."""

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from creditbot.domain.requests import FINAL, CreditRequest

from .messenger import DeliveryProblem, Fault

LONGEST: Mapping[Fault, float] = {
    # Low, so that after an outage of any length everything is up to date within a minute.
    Fault.PASSING: 30,
    Fault.GONE: 30,
    Fault.CHANNEL: 600,
    Fault.APP: 600,
    Fault.PERSON: 600,
    Fault.OURS: 3600,
}
"""Seconds between two tries at most; it takes some tries to come to that."""

SPREAD = 0.25
"""How much longer a wait may be than that, so that what failed together does not come back together."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Patience = Mapping[Fault, timedelta]

CARD: Patience = {
    Fault.PASSING: DAY,
    Fault.GONE: DAY,
    Fault.APP: DAY,
    Fault.CHANNEL: HOUR,
    Fault.PERSON: HOUR,
    Fault.OURS: HOUR,
}
"""For how long the card of a request that has ended is tried. That of an open one is tried until it ends."""

TOLD: Patience = {
    Fault.PASSING: 3 * DAY,
    Fault.GONE: 3 * DAY,
    Fault.APP: 3 * DAY,
    Fault.CHANNEL: 3 * DAY,
    Fault.PERSON: timedelta(0),
    Fault.OURS: HOUR,
}
"""For how long a person or a channel is tried to be told."""

DAILY: Patience = {**TOLD, Fault.CHANNEL: DAY}
"""For how long a daily message is tried where it belongs; by a day the next one comes."""


def next_try(problem: DeliveryProblem, tries: int, key: object, now: datetime) -> datetime:
    """1, 2, 4, … seconds after so many failures, or what Slack asked for, if that is longer; and a little.

    The little is the same for the same `key` and number of tries, and another for each.
    """
    own = min(2.0 ** min(tries, 20), LONGEST[problem.fault])
    share = zlib.crc32(f"{key} {tries}".encode()) / 2**32
    return now + timedelta(seconds=max(own, problem.wait or 0.0) * (1 + SPREAD * share))


def card_is_over(
    request: CreditRequest, problem: DeliveryProblem, failing_since: datetime, now: datetime
) -> bool:
    """Whether a request's card, which could not be drawn since then, is given up."""
    if request.status not in FINAL:
        return False
    ended = request.finished_at or failing_since
    return now >= max(ended, failing_since) + CARD[problem.fault]
