"""`/credits pending` and `history`: requests, a page at a time."""

from creditbot.domain.fields import subuser_name
from creditbot.domain.paging import History, Pending
from creditbot.slack.message import Message

from . import grammar
from .specification import Parts, Specification, Typed, usage

SUBUSER = "[SUBUSER]"


def _parse_pending(rest: str) -> Pending:
    grammar.nothing(rest, usage("pending"))
    return Pending()


def _parse_history(rest: str) -> History:
    if not rest:
        return History(None)
    return History(subuser_name(grammar.one(rest, "one subuser, or none", usage("history", SUBUSER))))


async def _handle(wanted: Pending | History, typed: Typed, parts: Parts) -> None:
    async def look_up() -> Message:
        return await parts.pages.page(wanted, typed.actor)

    await typed.later(look_up)


COMMANDS: tuple[Specification[Pending] | Specification[History], ...] = (
    Specification(
        "pending",
        "open requests: those that wait for you, your own, then the others",
        _parse_pending,
        _handle,
        place=50,
    ),
    Specification(
        "history",
        "all requests, or those of one subuser, latest first",
        _parse_history,
        _handle,
        SUBUSER,
        place=60,
    ),
)
