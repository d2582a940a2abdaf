"""`/credits …`: each word that can follow is one module of this package, with all there is to it.

A module that has `COMMANDS` declares them; nothing else has to be told of a new one.
"""

from collections.abc import Iterable
from typing import Any

from creditbot.domain.errors import CommandError
from creditbot.registry import declared, named

from . import grammar
from .specification import Specification

Specifications = dict[str, Specification[Any]]


def find() -> Specifications:
    """The commands of all modules by their names, in the order in which the help lists them."""
    modules: list[Iterable[Specification[Any]]] = declared(__name__, __path__, "COMMANDS")
    found = (command for commands in modules for command in commands)
    return named((command.name, command) for command in sorted(found, key=lambda command: command.place))


COMMANDS = find()

USAGE = {name: command.usage for name, command in COMMANDS.items()}
"""What to type, by command."""

ALONE = COMMANDS["balance"]
"""What `/credits` with nothing after it means."""


def parse(text: str) -> tuple[Specification[Any], Any]:
    """Which command Slack delivers as a slash command's text, and what follows it, as that command reads it.

    Raises:
        CommandError: the text can't be read; the sentence says what to type instead.
    """
    name, rest = grammar.split(text)
    command = COMMANDS.get(name) if name else ALONE
    if command is None:
        raise CommandError(grammar.unknown(name, USAGE))
    return command, command.parse(rest)
