"""The ways in which Slack's own side can fail, set by a test or a demo."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ErrorAnswer:
    """`ok: false` with this error, and nothing done."""

    error: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpAnswer:
    """A bare HTTP status, and nothing done."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """The call waits this long, and is then carried out, whether its caller is still there or not."""

    seconds: float


@dataclass(frozen=True)
class DropAfter:
    """The call is carried out, and then the connection is closed without an answer."""


Fault = ErrorAnswer | HttpAnswer | Hang | DropAfter


class SlackFaults:
    """Faults to come, a queue for each Web API method; `response_url` counts as a method too."""

    def __init__(self) -> None:
        self.down = False
        """Every call is answered with 503."""
        self.hanging = 0
        """How many calls have arrived and wait."""
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._lifted = asyncio.Event()

    def fail(self, method: str, *, error: str, times: int = 1, **extra: Any) -> None:
        """Answer the next calls of `method` with this error."""
        self._queues[method].extend([ErrorAnswer(error, extra)] * times)

    def http(
        self, method: str, *, status: int, headers: dict[str, str] | None = None, times: int = 1
    ) -> None:
        """Answer the next calls of `method` with this HTTP status."""
        self._queues[method].extend([HttpAnswer(status, headers or {})] * times)

    def hang(self, method: str, seconds: float, times: int = 1) -> None:
        """Let the next calls of `method` wait before they are carried out."""
        self._queues[method].extend([Hang(seconds)] * times)

    def after(self, method: str, times: int = 1) -> None:
        """Carry out the next calls of `method`, then drop the connection instead of answering."""
        self._queues[method].extend([DropAfter()] * times)

    def clear(self) -> None:
        """Slack is well again; calls that hang go on at once."""
        self.down = False
        self._queues.clear()
        self._lifted.set()
        self._lifted = asyncio.Event()

    def take(self, method: str) -> Fault | None:
        """The fault that the next call of `method` meets."""
        if self.down:
            return HttpAnswer(503)
        queue = self._queues[method]
        return queue.popleft() if queue else None

    async def wait_out(self, hang: Hang) -> None:
        """Wait as long as the fault says, or until the faults are cleared."""
        self.hanging += 1
        try:
            await asyncio.wait_for(self._lifted.wait(), hang.seconds)
        except TimeoutError:
            return
        finally:
            self.hanging -= 1
