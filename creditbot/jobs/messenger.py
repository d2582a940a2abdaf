"""The port through which jobs show things and tell people; Slack stands behind it."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Protocol

from creditbot.domain.place import Place

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


class Drawing(Protocol):
    """What a message is to show."""

    async def draw(self) -> Mapping[str, Any]:
        """As the methods of Slack take it: its blocks, and the same as a text."""


class Messenger(Protocol):
    """Each method raises DeliveryProblem if it can't do it now."""

    async def post(self, to: str, drawing: Drawing) -> Place:
        """Post a message to a channel or a person; return where it is."""

    async def change(self, place: Place, drawing: Drawing) -> None:
        """Make a message show something else."""
