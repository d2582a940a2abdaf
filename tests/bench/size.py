"""How much is measured: all, or in about a minute what shows the same roughly."""

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """`commands`: how many the row about memory takes, if that was said."""

    quick: bool
    commands: int | None = None

    def of(self, quick: T, full: T) -> T:
        return quick if self.quick else full
