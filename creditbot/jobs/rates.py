"""How fast Slack lets messages be posted and changed."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from creditbot.store.outbox import Outgoing
from creditbot.store.paces import BELIEVED, Line, Pace

TURN_LASTS = timedelta(seconds=10)
"""After that a turn that was not used is lost: many would be used at once after an outage."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a call uses, and at what pace."""

    name: str
    pace: Pace


@dataclass(frozen=True, slots=True)
class Rates:
    """Posts are limited in each channel, changes over all of them."""

    posts: Pace
    changes: Pace

    def limit_of(self, row: Outgoing) -> Limit:
        """What it takes to show this message."""
        if row.place is None:
            return Limit(f"chat.postMessage {row.recipient}", self.posts)
        return Limit("chat.update", self.changes)


def rates(posts_per_second: float = 1.0) -> Rates:
    """So many posts a second in each channel, and changes in the same proportion to what Slack documents.

    That is one post a second, and short bursts; and 50 changes a minute.
    docs.slack.dev/apis/web-api/rate-limits
    """
    return Rates(
        posts=Pace(timedelta(seconds=1 / posts_per_second), burst=3),
        changes=Pace(timedelta(seconds=1.2 / posts_per_second), burst=20),
    )


def has_turn(row: Outgoing, line: Line | None, now: datetime) -> bool:
    """Whether its turn has come for which it has waited."""
    if row.turn_at is None or (line is not None and line.is_paused(now)):
        return False
    return row.turn_at <= now < row.turn_at + TURN_LASTS


class InFlight:
    """What this process has sent without a place in the lines that all processes share."""

    def __init__(self) -> None:
        self._taken_until: dict[str, datetime] = {}
        self._to_note: Counter[str] = Counter()

    def takes(self, limit: Limit, line: Line | None, now: datetime) -> bool:
        """Whether a call may be made at once; if so, it is."""
        known = [line.taken_until] if line is not None else []
        taken_until = max([now, self._taken_until.get(limit.name, now), *known])
        paused_until = None if line is None else line.paused_until
        if not Line(taken_until, paused_until).is_free(limit.pace, now):
            return False
        self._taken_until[limit.name] = taken_until + limit.pace.interval
        self._to_note[limit.name] += 1
        return True

    def free_at(self, limit: Limit, now: datetime) -> datetime:
        """From when on a call may be made, for all that this process knows."""
        free = self._taken_until.get(limit.name, now) - limit.pace.ahead
        return free if now < free <= now + BELIEVED else now

    def to_note(self, limit: Limit) -> int:
        """How many calls are yet to be noted in the line, which whoever asks does."""
        return self._to_note.pop(limit.name, 0)
