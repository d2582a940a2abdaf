"""`/credits cancel`: withdrawing one's own request."""

from creditbot.domain.fields import request_id
from creditbot.slack import answers

from . import grammar
from .specification import Parts, Specification, Typed, usage


def _parse(rest: str) -> int:
    return request_id(grammar.one(rest, "a request's ID", usage("cancel", "ID")))


async def _handle(number: int, typed: Typed, parts: Parts) -> None:
    request = await parts.decisions.cancel(number, typed.actor.id, typed.delivery)
    await typed.answer(answers.cancelled(request))


COMMANDS = (
    Specification(
        "cancel",
        "withdraw your own request, as long as it has not been sent",
        _parse,
        _handle,
        "ID",
        place=80,
    ),
)
