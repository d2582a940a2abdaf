"""What is said in the place of a daily message that came to nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "undone"


@dataclass(frozen=True, slots=True)
class Undone:
    """`kind` names the message that could not be worked out, or not be drawn; `problem` is a sentence."""

    kind: str
    problem: str

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {KEY: self.problem}

    @classmethod
    def read(cls, kind: str, document: Mapping[str, Any]) -> "Undone | None":
        return cls(kind, document[KEY]) if KEY in document else None
