"""The faults that can be set: what goes wrong, for which request, and how often."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack, get_args

from creditbot.sandbox.sendgrid.calls import Call

Kind = Literal[
    "drop_before",
    "drop_after",
    "hang_before",
    "hang_after",
    "status_before",
    "status_after",
    "garbage_before",
    "garbage_after",
    "rate_limit",
    "truncate_after",
    "slow",
    "reset_connection",
    "refuse",
]
HeaderCase = Literal["documented", "lower", "upper"]


class FaultOptions(TypedDict, total=False):
    """What a fault may be given besides its kind; see `OPTIONS` for which kind takes which."""

    seconds: float
    until: asyncio.Event
    status: int
    body: object
    reset: int | None
    header_case: HeaderCase
    applied: bool


OPTIONS: dict[Kind, frozenset[str]] = {
    "drop_before": frozenset(),
    "drop_after": frozenset(),
    "hang_before": frozenset({"seconds"}),
    "hang_after": frozenset({"seconds"}),
    "status_before": frozenset({"status", "body"}),
    "status_after": frozenset({"status", "body"}),
    "garbage_before": frozenset({"body"}),
    "garbage_after": frozenset({"body"}),
    "rate_limit": frozenset({"reset", "header_case"}),
    "truncate_after": frozenset(),
    "slow": frozenset({"seconds", "until"}),
    "reset_connection": frozenset({"applied"}),
    "refuse": frozenset({"seconds"}),
}


@dataclass(eq=False)
class Fault:
    """A fault in the queue. `method` and `username` of None match any request; `times` counts down."""

    kind: Kind
    method: str | None
    username: str | None
    times: int
    options: FaultOptions = field(default_factory=FaultOptions)

    def matches(self, call: Call) -> bool:
        return self.method in {None, call.method} and self.username in {
            None,
            call.username,
            call.on_behalf_of,
        }


class Faults:
    """A queue of faults: each request meets the first one that matches it, and uses it up by one.

    `down` answers 503 to everything, without using up faults.

    A fault on GET may be met twice by one call of a client, as HTTP clients repeat a GET by themselves when
    a kept-open connection closes under it.
    """

    def __init__(self, refuse: Callable[[float], None], accept: Callable[[], None]) -> None:
        self.down = False
        self.pending: list[Fault] = []
        self._refuse = refuse
        self._accept = accept

    def add(
        self,
        kind: Kind,
        *,
        method: str | None = "PATCH",
        username: str | None = None,
        times: int = 1,
        **options: Unpack[FaultOptions],
    ) -> None:
        """Queues a fault. "Applied" means that the change of credits takes place and is in the ledger.

        drop_before, drop_after: closes the connection without an answer; not applied, applied.
        hang_before, hang_after: no answer until the client leaves, or closes after `seconds` (30).
        status_before, status_after: answers `status` (500) with `body` (an error); not applied, applied.
        garbage_before, garbage_after: answers 200 with `body` (half of an object) as if it were JSON.
        rate_limit: 429, not applied; `reset` is sent as it is (epoch or seconds; None leaves the header out;
            not given, the end of the next minute), header names in `header_case` (documented, lower, upper).
        truncate_after: applied; the headers and half of the body arrive, then the connection closes.
        slow: waits `seconds` (1), or until an event is set, then applies and answers, even if the client has
            left by then.
        reset_connection: TCP reset instead of an answer; applied only with `applied=True`.
        refuse: at once, and for `seconds` (1), no new connections; idle ones are closed. It concerns
            connections, so `method`, `username` and `times` mean nothing here.
        """
        if kind not in get_args(Kind):
            raise ValueError(f"there is no fault {kind!r}")
        if unknown := options.keys() - OPTIONS[kind]:
            raise ValueError(f"the fault {kind} takes no {', '.join(sorted(unknown))}")
        if kind == "refuse":
            self._refuse(options.get("seconds", 1.0))
        else:
            self.pending.append(Fault(kind, method, username, times, options))

    def clear(self) -> None:
        """Ends every fault: the queue, `down`, and a refusal of connections."""
        self.pending.clear()
        self.down = False
        self._accept()

    def take(self, call: Call) -> Fault | None:
        """The fault that `call` meets, used up by one."""
        for fault in self.pending:
            if fault.matches(call):
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
                return fault
        return None
