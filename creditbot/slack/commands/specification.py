"""What a command is, and what its handler is given."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from creditbot.domain.who import Actor
from creditbot.operations import Decisions, Delivery, Queries, Requests
from creditbot.slack.cards.card import Links
from creditbot.slack.message import Message, View
from creditbot.slack.pages import Pages

T = TypeVar("T")


class Typed(Protocol):
    """One command that somebody typed. Its handler uses one of the three ways to answer it, once."""

    actor: Actor
    delivery: Delivery
    response_url: str | None

    async def answer(self, message: Message) -> None:
        """Ack with the answer, after what was asked for is committed; Slack waits for three seconds.

        Of a message that has plainer blocks, these are said.
        """

    async def later(self, look_up: Callable[[], Awaitable[Message]]) -> None:
        """Ack now, and look up the answer after that, once for each delivery."""

    async def open(self, view: Callable[[], Awaitable[View]], instead: str) -> None:
        """Ack now, and open a form; if Slack doesn't, tell them what to do `instead`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What commands are answered with."""

    requests: Requests
    decisions: Decisions
    queries: Queries
    pages: Pages
    links: Links
    commands: "Iterable[Specification[Any]]"


@dataclass(frozen=True, slots=True)
class Specification(Generic[T]):
    """A word that can be typed after `/credits`, with all there is to it.

    `parse` turns what follows it into a value, or raises CommandError; `handle` answers. `purpose` is what
    the help says that it is for, and `place` where the help has it.
    """

    name: str
    purpose: str
    parse: Callable[[str], T]
    handle: Callable[[T, Typed, Parts], Awaitable[None]]
    arguments: str = ""
    place: int = 0

    @property
    def usage(self) -> str:
        return usage(self.name, self.arguments)


def usage(name: str, arguments: str = "") -> str:
    """What to type."""
    return f"/credits {name} {arguments}".strip()
