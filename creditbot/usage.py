"""What Typer says of a wrong argument, in plain words: it hands on what pydantic says."""

import re
from typing import Any

import typer
from typer.core import TyperGroup

PLAIN = (
    (re.compile(r"Value error, (.*)", re.DOTALL), r"\1"),
    (re.compile(r"Input should be a valid integer.*", re.DOTALL), "it must be a whole number."),
    (re.compile(r"Input should be greater than or equal to (-?\d+)\.?"), r"it must be \1 or more."),
    (re.compile(r"Input should be less than or equal to (-?\d+)\.?"), r"it must be \1 or less."),
)


class PlainUsage(TyperGroup):
    """All commands: whatever they refuse to read comes through here."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = plain(error.message)
            raise


def plain(message: str) -> str:
    for pattern, words in PLAIN:
        if found := pattern.fullmatch(message):
            return found.expand(words)
    return message
