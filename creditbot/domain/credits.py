"""What SendGrid says of credits, and how a change of them can end.

Any number may be `None`: SendGrid sends null where it does not count (an unlimited subuser has no
`remain`), and a key may be missing altogether.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

UNLIMITED = "unlimited"
RECURRING = "recurring"
NONRECURRING = "nonrecurring"
KINDS = frozenset({UNLIMITED, RECURRING, NONRECURRING})


@dataclass(frozen=True, slots=True)
class Balance:
    """The answer of `GET /v3/user/credits`; counts are emails, dates are as SendGrid wrote them."""

    remain: int | None = None
    total: int | None = None
    overage: int | None = None
    used: int | None = None
    last_reset: str | None = None
    next_reset: str | None = None
    reset_frequency: str | None = None


@dataclass(frozen=True, slots=True)
class SubuserCredits:
    """The answer of `GET /v3/subusers/{name}/credits`, and of the PATCH of its `remaining`."""

    type: str | None = None
    reset_frequency: str | None = None
    remain: int | None = None
    total: int | None = None
    used: int | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """SendGrid said 200 and named the credits after the change."""

    credits: SubuserCredits
    body: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """SendGrid said no, so nothing was changed."""

    status: int
    sentence: str
    body: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """No connection was made, so SendGrid can't have seen the request."""

    detail: str


@dataclass(frozen=True, slots=True)
class RateLimited:
    """SendGrid said 429, so nothing was changed; it may be tried again after `wait` seconds."""

    wait: float
    body: str
    status: int = 429


@dataclass(frozen=True, slots=True)
class InDoubt:
    """No readable answer came back to what was sent, or may have been: it may have been applied or not."""

    detail: str
    status: int | None = None
    body: str = ""


PatchOutcome = Applied | Refused | NotSent | RateLimited | InDoubt


def day_of(date: str | None) -> datetime | None:
    """The beginning in UTC of the day of a date or time as SendGrid wrote it; None if it can't be read."""
    found = re.match(r"\d{4}-\d\d-\d\d", date or "")
    try:
        return datetime.fromisoformat(found[0]).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
