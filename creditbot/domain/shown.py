"""What a button carries, which tells exactly what the person who pressed it was shown.

The number of a request is no proof of that: a new database gives it out again, a restored one too, and two
creditbots count each for itself. So a button's value is `ID.TOKEN`. The token begins with a random part that
is kept with the request, and ends in a digest of the terms that the card showed.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from .fields import MAX_REQUEST_ID
from .policy import Policy
from .requests import CreditRequest

VALUE = re.compile(r"(?P<id>[0-9]{1,10})(?:\.(?P<token>[0-9a-f]{32})(?P<terms>[0-9a-f]{16}))?")
"""Older versions wrote the number alone, which is read, but shows no request."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The request that a card was about, and the terms on it; as text, the value of its buttons."""

    request_id: int
    token: str = field(default="", repr=False)
    terms: str = ""

    def __str__(self) -> str:
        return f"{self.request_id}.{self.token}{self.terms}"

    def is_of(self, request: CreditRequest) -> bool:
        """Whether the card was about this very request, and not about another with its number."""
        same = hmac.compare_digest(self.token.encode(), request.token.encode())
        return same and self.request_id == request.id and request.token != ""


def shown(request: CreditRequest, policy: Policy, now: datetime) -> Shown:
    """What a card that is drawn now shows."""
    return Shown(request.id, request.token, terms(request, policy, now))


def read(value: str) -> Shown:
    """The other way round; what no card of ours carries shows the request 0, which there never is."""
    found = VALUE.fullmatch(value)
    if found is None or int(found["id"]) > MAX_REQUEST_ID:
        return Shown(0)
    return Shown(int(found["id"]), found["token"] or "", found["terms"] or "")


def terms(request: CreditRequest, policy: Policy, now: datetime) -> str:
    """A digest of all on a card that matters to a decision: the change, by whose rules, which figures.

    Who has agreed so far, and how long it waits, may change under an open card without harm.
    """
    content = [
        request.subuser,
        request.allocation_update,
        request.reason,
        request.requested_by,
        None if request.check is None else request.check.at.isoformat(),
        request.overtaken_by,
        policy.terms_of(request, now),
        # A decision about one leaves this out: what its card carries is then as it always was.
        *sorted([other.subuser, other.allocation_update] for other in request.decided_with),
    ]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
