"""What is done by the clock, with no request, and when it is due next."""

from collections.abc import Callable, Mapping
from datetime import datetime

from .policy import Policy

DIGEST, COMPARISON = "digest", "comparison"

NEXT: Mapping[str, Callable[[Policy, datetime], datetime | None]] = {
    DIGEST: lambda policy, now: policy.next(policy.digest, now),
    COMPARISON: lambda policy, now: policy.next(policy.drift, now),
}
"""By the name of its timer: the first moment after now at which a policy wants it; None if it does not."""
