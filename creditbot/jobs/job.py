"""What a job is, and the parts that one may be built from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Table

from creditbot.domain.policy import Policy
from creditbot.domain.who import Directory
from creditbot.sendgrid.client import SendGrid
from creditbot.store.database import Database
from creditbot.store.work import Work

from .messenger import Messenger
from .outgoing import Kinds
from .rates import Rates

MARGIN = timedelta(seconds=5)
"""How far past the request timeout an attempt counts as over, and SendGrid as done with it."""

Run = Callable[[int], Awaitable[None]]
"""Does what a row calls for, by its key: it reads the state first, so it may run twice, or late."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`channel` is where requests are approved, unless the policy says otherwise."""

    database: Database
    sendgrid: SendGrid
    messenger: Messenger
    kinds: Kinds
    rates: Rates
    policy: Policy
    directory: Directory
    channel: str
    clock: Callable[[], datetime]

    @property
    def lapse(self) -> timedelta:
        """How long SendGrid may be at work on a change."""
        return timedelta(seconds=self.sendgrid.timeout) + MARGIN


class GiveUp(Protocol):
    """Ends what a job can't get on with, unless its row has got somewhere since so many `runs`."""

    async def __call__(self, key: int, runs: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class End:
    """What becomes of a row when its job fails again and again for a reason that nobody foresaw.

    The runs are counted in the row, in `runs` and `run_after` of its table.
    """

    table: Table
    build: Callable[[Parts], GiveUp]


@dataclass(frozen=True, slots=True)
class Job:
    """How one kind of work is done. A job without an `end` ends by itself, whatever it meets.

    `mends`: whether a damaged row is mended first, so that it can be shown.
    """

    work: Work
    build: Callable[[Parts], Run]
    end: End | None = None
    mends: bool = False
