"""Pure readers of what SendGrid answers: no key of a document is certain to be there.

Sources (Twilio SendGrid API v3): "Retrieve your credit balance", "Get the Credits for a Subuser",
"Update the remaining credits for a Subuser", "List all Subusers", and the general errors page.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from creditbot.domain.credits import (
    Balance,
    SubuserCredits,
)

MAX_WAIT = 60.0
"""Seconds: the longest wait that a rate limit's header is believed."""

LARGEST_COUNT = 2**63 - 1
"""What fits a database's integer; a count beyond it is not one."""


def read_balance(document: Any) -> Balance:
    """`{"remain": 200, "total": 200, "overage": 0, "used": 0, "last_reset": "2013-01-01", …}`"""
    fields = document if isinstance(document, Mapping) else {}
    return Balance(
        remain=_int(fields.get("remain")),
        total=_int(fields.get("total")),
        overage=_int(fields.get("overage")),
        used=_int(fields.get("used")),
        last_reset=_str(fields.get("last_reset")),
        next_reset=_str(fields.get("next_reset")),
        reset_frequency=_str(fields.get("reset_frequency")),
    )


def read_subuser_credits(document: Any) -> SubuserCredits:
    """`{"type": "recurring", "reset_frequency": "monthly", "remain": 99, "total": 100, "used": 1}`"""
    fields = document if isinstance(document, Mapping) else {}
    return SubuserCredits(
        type=_str(fields.get("type")),
        reset_frequency=_str(fields.get("reset_frequency")),
        remain=_int(fields.get("remain")),
        total=_int(fields.get("total")),
        used=_int(fields.get("used")),
    )


def read_usernames(document: Any) -> list[str]:
    """`[{"username": "acme", "id": 1234, "email": "a@example.com", "disabled": false}, …]`"""
    entries = document if isinstance(document, list) else []
    names = [entry.get("username") for entry in entries if isinstance(entry, Mapping)]
    return [name for name in names if isinstance(name, str)]


def read_scopes(document: Any) -> frozenset[str]:
    """`{"scopes": ["user.credits.read", …]}`"""
    scopes = document.get("scopes") if isinstance(document, Mapping) else None
    found = scopes if isinstance(scopes, list) else []
    return frozenset(scope for scope in found if isinstance(scope, str))


def read_errors(body: str) -> list[str]:
    """The messages of `{"errors": [{"message": "No user found", "field": null}]}`; no key is certain."""
    document = read_json(body)
    errors = document.get("errors") if isinstance(document, Mapping) else None
    entries = errors if isinstance(errors, list) else []
    found = [error.get("message") for error in entries if isinstance(error, Mapping)]
    return [_clean(message) for message in found if isinstance(message, str) and message]


def rate_limit_wait(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait after a 429.

    `X-RateLimit-Reset` is documented both as a time since 1970 and as seconds to wait: a number above
    1e9 is the former. The wait is capped, so that a wrong header can't stop the work.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    for name in ("x-ratelimit-reset", "retry-after"):
        try:
            value = float(lower[name])
        except (KeyError, ValueError):
            continue
        if math.isfinite(value):
            wait = value - now if value > 1e9 else value
            return min(max(wait, 1.0), MAX_WAIT)
    return 5.0


def rate_limit_room(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """How many more calls are taken, and out of how many; None if that is not told."""
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        return int(lower["x-ratelimit-remaining"]), int(lower["x-ratelimit-limit"])
    except (KeyError, ValueError):
        return None


def read_json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _int(value: Any) -> int | None:
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= LARGEST_COUNT else None


def _str(value: Any) -> str | None:
    return _clean(value) if isinstance(value, str) and value else None


def _clean(text: str) -> str:
    """JSON may hold half a character (a lone surrogate), which no database takes."""
    return text.encode("utf-8", "replace").decode()
