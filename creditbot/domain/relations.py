"""That one request follows another, and why."""

from dataclasses import dataclass
from enum import StrEnum


class RelationKind(StrEnum):
    """Why one request follows another. A request has at most one follower of a kind."""

    AGAIN = "again"  # it asks once more for what failed


@dataclass(frozen=True, slots=True)
class Relation:
    """The request `request_id` follows `of_request`."""

    request_id: int
    kind: RelationKind
    of_request: int
