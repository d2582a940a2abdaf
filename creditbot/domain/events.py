"""What has happened to a request, as the ledger has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a request; its detail is empty if it can't be read."""

    kind: str
    at: datetime
    actor: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
