"""Who means to do what to which request."""

from dataclasses import dataclass

from creditbot.domain import rules
from creditbot.domain.errors import Refusal, UnknownRequest
from creditbot.domain.requests import CreditRequest
from creditbot.domain.shown import Shown
from creditbot.store import requests
from creditbot.store.connection import AsyncConnection

About = int | Shown
"""Which request: the number that a person typed, or what the card showed that they clicked on."""


@dataclass(frozen=True, slots=True)
class Action:
    """What someone means to do (`name`: approve, deny, ...), and what they saw when they did it."""

    about: About
    name: str
    actor: str

    @property
    def request_id(self) -> int:
        return self.about.request_id if isinstance(self.about, Shown) else self.about

    @property
    def shown(self) -> Shown | None:
        return self.about if isinstance(self.about, Shown) else None

    async def request(self, connection: AsyncConnection) -> CreditRequest | None:
        """The request that is meant; None if there is none, also where a card shows another one."""
        found = await requests.get(connection, self.request_id)
        return found if found is not None and self.is_about(found) else None

    def is_about(self, found: CreditRequest) -> bool:
        """Whether the request with its number is the one that was meant: a card may show another one."""
        return self.shown is None or self.shown.is_of(found)

    def is_about_nothing(self) -> Refusal:
        """What its actor is told if there is no such request."""
        return UnknownRequest(self.request_id) if self.shown is None else rules.unknown_card()
