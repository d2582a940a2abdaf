"""Rate limit headers, as SendGrid sends them with each answer.

https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
"""

from collections.abc import Callable

WINDOW = 60
LIMIT = 600


class RateWindow:
    """Counts down, but never refuses: a refusal is a fault to be set, not an accident of a busy test.

    So `Remaining` stays above zero too, or a careful client would stop by itself.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends = 0
        self._seen = 0

    def headers(self) -> dict[str, str]:
        """Counts one answer. `X-RateLimit-Reset` is the second since 1970 at which the window ends."""
        now = int(self._clock())
        if now >= self._ends:
            self._ends, self._seen = now - now % WINDOW + WINDOW, 0
        self._seen += 1
        return {
            "X-RateLimit-Limit": str(LIMIT),
            "X-RateLimit-Remaining": str(max(LIMIT - self._seen, 1)),
            "X-RateLimit-Reset": str(self._ends),
        }
