"""The daily digest: what it says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

DIGEST = "digest"
"""What it is called in the ledger, and where it is sent."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened between two moments, in milliseconds, what is open, and the ledger's head by then.

    Of what was `asked`, `to_add` and `to_remove` are the credits, and `granted` is how many requests were
    approved. `ends` counts requests by the state in which they ended; `net` is what was applied to each
    subuser. `compared` is how many balances were last compared with the ledger (None: no comparison was
    made), `drifted` how many of them were not as it tells, and `unread` how many could not be read.
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
    compared: int | None = None
    drifted: int = 0
    unread: int = 0
    to_add: int = 0
    to_remove: int = 0
    granted: int = 0

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Digest":
        return cls(**{**document, "in_doubt": tuple(document["in_doubt"])})
