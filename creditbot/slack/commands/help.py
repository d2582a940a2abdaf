"""`/credits help`: what can be typed."""

from collections.abc import Iterable
from typing import Any

from creditbot.slack.message import Message, context, section

from . import grammar
from .specification import Parts, Specification, Typed, usage


def _parse(rest: str) -> None:
    grammar.nothing(rest, usage("help"))


async def _handle(_: None, typed: Typed, parts: Parts) -> None:
    await typed.answer(message(parts.commands))


def message(commands: Iterable[Specification[Any]]) -> Message:
    """The list of these commands."""
    lines = [f"`{command.usage}`: {command.purpose}" for command in commands]
    text = "*Commands*\n" + "\n".join(["`/credits`: the parent account's balance", *lines])
    note = "A change is sent to SendGrid only after someone else has approved it. Only you see these answers."
    return Message(f"{text}\n{note}", [section(text), context(note)])


COMMANDS = (Specification("help", "this list", _parse, _handle, place=1000),)
