"""Typer's help and errors, in plain words."""

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


class CommandGroup(TyperGroup):
    """All commands; whatever they refuse to read comes through here."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = in_plain_words(error.message)
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each command with the first paragraph of its help, which Typer would cut off."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(command.help)) for name, command in self.commands.items()])


def _summary(text: str | None) -> str:
    return " ".join((text or "").partition("\n\n")[0].split())


def in_plain_words(message: str) -> str:
    """What is wrong with an argument; Typer hands on what pydantic says."""
    for pattern, words in PLAIN:
        if found := pattern.fullmatch(message):
            return found.expand(words)
    return message
