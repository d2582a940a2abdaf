"""`/credits show`: everything about one request."""

from creditbot.domain.fields import request_id
from creditbot.slack import answers
from creditbot.slack.message import Message

from . import grammar
from .specification import Parts, Specification, Typed, usage


def _parse(rest: str) -> int:
    return request_id(grammar.one(rest, "a request's ID", usage("show", "ID")))


async def _handle(number: int, typed: Typed, parts: Parts) -> None:
    async def look_up() -> Message:
        return answers.show(await parts.queries.show(number, typed.actor))

    await typed.later(look_up)


COMMANDS = (Specification("show", "everything about one request", _parse, _handle, "ID", place=70),)
