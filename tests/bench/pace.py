"""A Slack that takes a message a second in a channel, and short bursts, and answers 429 to what is beyond.

https://docs.slack.dev/apis/web-api/rate-limits
"""

import time
from collections.abc import Callable

from creditbot.sandbox.slack import SlackSandbox
from creditbot.sandbox.slack.faults import Fault, HttpAnswer, SlackFaults

BURST = 3.0
"""Messages that are taken at once after a rest; Slack documents no number."""


class Pace(SlackFaults):
    """One bucket, since all that is posted goes to one channel."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._left, self._at = BURST, clock()

    def take(self, method: str) -> Fault | None:
        if method not in {"chat.postMessage", "chat.update"}:
            return super().take(method)
        now = self._clock()
        self._left, self._at = min(BURST, self._left + now - self._at), now
        if self._left < 1:
            return HttpAnswer(429, {"Retry-After": "1"})
        self._left -= 1
        return super().take(method)


def paced(slack: SlackSandbox, clock: Callable[[], float] = time.monotonic) -> None:
    slack._web_api._faults = slack.faults = Pace(clock)
