"""The port through which jobs show requests and tell people; Slack stands behind it."""

from datetime import timedelta
from enum import Enum
from typing import Protocol

from creditbot.domain.digest import Digest
from creditbot.domain.drift import Comparison
from creditbot.domain.errors import UnreadableRequest
from creditbot.domain.place import Place
from creditbot.domain.requests import CreditRequest
from creditbot.domain.undone import Undone

LEASE = timedelta(seconds=12)
"""How long one process has a message to itself: longer than a call to Slack may take."""


class Fault(Enum):
    """Why something could not be delivered, and so what would help."""

    PASSING = "passing"  # it may work by itself in a while
    CHANNEL = "channel"  # a person must mend the channel, or name another one
    APP = "app"  # a person must mend the app's token, its scopes, or what the workspace lets it do
    PERSON = "person"  # this person can't be told
    GONE = "gone"  # the message that was to be changed can't be changed any more
    OURS = "ours"  # the call is wrong, or the drawing: a fault of creditbot's own

    @property
    def lasting(self) -> bool:
        """Whether it stays until somebody does something."""
        return self not in {Fault.PASSING, Fault.GONE}


class DeliveryProblem(Exception):
    """A message could not be posted or changed.

    `wait` is the seconds that Slack asked for. `not_done` is true if nothing can have been posted, since
    Slack said no or could not be reached. Otherwise it may stand there all the same.
    """

    def __init__(
        self,
        detail: str,
        *,
        fault: Fault = Fault.PASSING,
        wait: float | None = None,
        not_done: bool = False,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fault = fault
        self.wait = wait
        self.not_done = not_done


class Messenger(Protocol):
    """Each method raises DeliveryProblem if it can't do it now.

    A card with `copy_above` says that an earlier copy of it may stand there, too.
    """

    async def post_card(self, channel: str, request: CreditRequest, *, copy_above: bool) -> tuple[str, str]:
        """Post a request's card; return the channel and ts of the message."""

    async def update_card(self, channel: str, ts: str, request: CreditRequest, *, copy_above: bool) -> None:
        """Make a message show the request as it stands."""

    async def point_to_card(self, channel: str, ts: str, request: CreditRequest, card: Place) -> None:
        """Make a message that was a request's card say where that is now."""

    async def send_notice(self, person: str, kind: str, request: CreditRequest, card: Place | None) -> None:
        """Tell a person by direct message that a request has come to `kind`; `card` is where its card is."""

    async def send_unreadable(self, person: str, request: UnreadableRequest) -> None:
        """Tell a person by direct message that there is news of a request that can't be read."""

    async def post_bulletin(
        self, to: str, bulletin: Digest | Comparison | Undone, *, instead_of: str | None = None
    ) -> None:
        """Post what the clock calls for, to a channel, or to a person `instead_of` that channel."""
