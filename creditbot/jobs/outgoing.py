"""What the delivery has to be told of each kind of message: see `creditbot.slack.outgoing`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import structlog

from creditbot.domain.place import Place
from creditbot.store import outbox
from creditbot.store.connection import AsyncConnection
from creditbot.store.database import Transaction
from creditbot.store.outbox import Outgoing

from .messenger import DeliveryProblem, Drawing
from .retries import TOLD, Patience

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What is to be shown as it stands now; `drawing` is None if nobody needs that any more.

    `version` is what the message shows then, and `about` what else its kind has looked up.
    """

    drawing: Drawing | None
    about: T
    version: int = 1
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failure(Generic[T]):
    """A message could not be shown at that moment; `found` is None if it could not even be looked up."""

    row: Outgoing
    found: Found[T] | None
    problem: DeliveryProblem
    at: datetime

    @property
    def since(self) -> datetime:
        """Of the failures in a row, when the first was."""
        return self.row.failing_since or self.at


class Undeliverable(Exception):
    """It can't be shown, now or later; the text goes to the log and to its row."""


class Kind(ABC, Generic[T]):
    """One kind of message: what it shows, for how long that is tried, and what follows if it can't be."""

    patience: Patience = TOLD
    """For how long it is tried, by what is wrong."""

    @abstractmethod
    async def look(self, connection: AsyncConnection, row: Outgoing, now: datetime) -> Found[T] | None:
        """What is to be shown now; None if there is nothing.

        Raises:
            DeliveryProblem: it can't be told what; that is tried again, like showing it.
            Undeliverable: and it will never be.
        """

    async def record(
        self,
        transaction: Transaction,
        row: Outgoing,
        found: Found[T],
        place: Place,
        *,
        lease: datetime | None,
        at: datetime,
    ) -> bool:
        """Write down that it was shown; False if someone else has shown it meanwhile.

        A post was ours until `lease`. A message that was changed was nobody's.
        """
        del place, lease
        await outbox.shown(transaction, row, found.version, at)
        return True

    async def shown_twice(self, transaction: Transaction, row: Outgoing, place: Place, at: datetime) -> None:
        """Of two that have shown it at once nobody knows which came last."""
        del transaction, row, place, at

    def is_over(self, failure: Failure[T]) -> bool:
        """Whether it is not tried any more."""
        return failure.at >= failure.since + self.patience[failure.problem.fault]

    def log(self, failure: Failure[T], *, over: bool) -> None:
        """Say in the log that it could not be shown."""
        row = failure.row
        about = {"kind": row.kind, "recipient": row.recipient, "error": failure.problem.detail}
        if over:
            log.error("A message could not be shown; it will not be tried again", **about)
        else:
            log.warning("A message could not be shown; it will be tried again", **about)

    async def failed(self, transaction: Transaction, failure: Failure[T], *, over: bool) -> bool:
        """Do what else a failure calls for; True if the row needs no further try, and no giving up."""
        del transaction, failure, over
        return False

    async def given_up(self, transaction: Transaction, failure: Failure[T]) -> None:
        """Have others told instead."""
        del transaction, failure


class Kinds(Protocol):
    """All kinds there are."""

    def of(self, row: Outgoing) -> Kind[Any]: ...
