"""The port through which jobs show requests and tell people; Slack stands behind it."""

from datetime import timedelta
from typing import Protocol

from creditbot.domain.requests import CreditRequest

LEASE = timedelta(seconds=12)
"""How long one process has a message to itself: longer than a call to Slack may take."""


class DeliveryProblem(Exception):
    """A message could not be posted or changed.

    `wait` is the seconds that Slack asked for, `gone` is true if the message to change no longer exists.
    """

    def __init__(self, detail: str, *, wait: float | None = None, gone: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.wait = wait
        self.gone = gone


class Messenger(Protocol):
    """Each method raises DeliveryProblem if it can't do it now."""

    async def post_card(self, channel: str, request: CreditRequest) -> tuple[str, str]:
        """Post a request's card; return the channel and ts of the message."""

    async def update_card(self, channel: str, ts: str, request: CreditRequest) -> None:
        """Make a message show the request as it stands."""

    async def send_notice(self, person: str, kind: str, request: CreditRequest) -> None:
        """Tell a person by direct message that a request has come to `kind`."""
