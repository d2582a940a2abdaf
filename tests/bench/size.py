"""How much is measured: all, or in about a minute what shows the same roughly."""

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    quick: bool

    def of(self, quick: T, full: T) -> T:
        return quick if self.quick else full
