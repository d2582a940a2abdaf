"""How the sandbox tells others that something happened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Topic = Literal["call", "answer", "balance", "ledger"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened; `subject` is the object it happened to.

    call, answer: a `Call`, when it arrives and when its fate is settled.
    balance: a `Balance`, `Subuser` included. ledger: a `LedgerEntry`.
    """

    topic: Topic
    subject: object


Listener = Callable[[Change], None]


class Changes:
    """A list of listeners, called in the order in which they subscribed, on the thread of the change."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` on each change until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, topic: Topic, subject: object) -> None:
        for listener in tuple(self._listeners):
            listener(Change(topic, subject))
