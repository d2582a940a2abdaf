"""What Slack has delivered to this process of late, where doing it twice would only be said twice."""

from collections.abc import Callable

from creditbot.elapsed import boottime

KEPT = 3600.0
"""Seconds."""

MOST = 10_000
"""IDs kept; a workspace that types more than this within the hour may be answered twice."""


class RecentDeliveries:
    """In memory on purpose: to read or say a thing twice harms nobody; a commit would cost everyone."""

    def __init__(self, clock: Callable[[], float] = boottime) -> None:
        self._clock = clock
        # In the order in which they came, since none is put in twice.
        self._came_at: dict[str, float] = {}

    def came_before(self, delivery_id: str | None) -> bool:
        """Whether this has come within the hour; from now on it has. What has no ID never has."""
        if delivery_id is None:
            return False
        now = self._clock()
        self._forget_until(now - KEPT)
        if delivery_id in self._came_at:
            return True
        self._came_at[delivery_id] = now
        if len(self._came_at) > MOST:
            del self._came_at[next(iter(self._came_at))]
        return False

    def _forget_until(self, moment: float) -> None:
        while self._came_at:
            oldest, came_at = next(iter(self._came_at.items()))
            if came_at >= moment:
                return
            del self._came_at[oldest]
