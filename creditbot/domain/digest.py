"""The daily digest: when it is due, and what it says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .policy import Policy


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened between two moments, in milliseconds, what is open, and the ledger's head by then.

    `ends` counts requests by the state in which they ended; `net` is what was applied to each subuser.
    """

    since: int
    until: int
    asked: int
    ends: Mapping[str, int]
    emergencies: int
    net: Mapping[str, int]
    waiting: int
    in_doubt: tuple[int, ...]
    events: int
    head: str

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Digest":
        return cls(**{**document, "in_doubt": tuple(document["in_doubt"])})


def next_digest(policy: Policy, now: datetime) -> datetime | None:
    """The next moment after `now` at which the policy wants a digest; None if it wants none."""
    if policy.digest is None:
        return None
    zone = ZoneInfo(policy.timezone)
    today = now.astimezone(zone).date()
    for day in (today, today + timedelta(days=1)):
        moment = datetime.combine(day, policy.digest, zone).astimezone(UTC)
        if moment > now:
            return moment
    raise AssertionError("tomorrow's digest is not before now")
