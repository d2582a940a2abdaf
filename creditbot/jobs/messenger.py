"""The port through which jobs show requests and tell people; Slack stands behind it."""

from datetime import timedelta
from typing import Protocol

from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison
from creditbot.domain.place import Place
from creditbot.domain.requests import CreditRequest

LEASE = timedelta(seconds=12)
"""How long one process has a message to itself: longer than a call to Slack may take."""


class DeliveryProblem(Exception):
    """A message could not be posted or changed.

    `wait` is the seconds that Slack asked for, `gone` is true if the message to change no longer exists.
    `not_done` is true if nothing can have been posted, since Slack said no or could not be reached. Otherwise
    it may stand there all the same.
    """

    def __init__(
        self, detail: str, *, wait: float | None = None, gone: bool = False, not_done: bool = False
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.wait = wait
        self.gone = gone
        self.not_done = not_done


class Messenger(Protocol):
    """Each method raises DeliveryProblem if it can't do it now.

    A card with `copy_above` says that an earlier copy of it may stand there, too.
    """

    async def post_card(self, channel: str, request: CreditRequest, *, copy_above: bool) -> tuple[str, str]:
        """Post a request's card; return the channel and ts of the message."""

    async def update_card(self, channel: str, ts: str, request: CreditRequest, *, copy_above: bool) -> None:
        """Make a message show the request as it stands."""

    async def send_notice(self, person: str, kind: str, request: CreditRequest, card: Place | None) -> None:
        """Tell a person by direct message that a request has come to `kind`; `card` is where its card is."""

    async def post_bulletin(self, channel: str, bulletin: Digest | Comparison) -> None:
        """Post what the clock calls for."""
