"""What a forecast would have told of made-up senders, and when, beside what really came."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf

from creditbot.domain import forecast as subject
from creditbot.domain.use import LOOK_BACK

from .senders import DAY, DAYS, HOUR, START, Sender

LINE = 3 * DAY
"""Told is who has three days left, as `/credits watch acme 3d` will."""

RECOVERED = 1.5
"""So many times the line must be left before it is told again."""

AHEAD = DAY
"""How long before a run-out it is of use to be told."""

SHORTEST = 2 * DAY
"""What lasted no longer than that is not counted: there was no time to tell it."""

FALSE = 2
"""It was no use to be told of what came later than so many times the line, or never."""

EVERY = 12
"""Hours between the forecasts of those that are watched."""


@dataclass(frozen=True, slots=True)
class Said:
    """When it runs out: hours from the start, inf where that is not told.

    `alarm` is what is compared with the line. Of a method that names no range, it is not `known`.
    """

    alarm: float = inf
    earliest: float = inf
    latest: float = inf
    known: bool = True


Method = Callable[[Sender, int], Said]
"""What is said at one of a sender's readings, of that and those before."""


@dataclass
class Score:
    """How a method did.

    `held` counts what it said of when that was so, `of_said` all that it said.
    """

    subusers: int = 0
    run_outs: int = 0
    told_ahead: int = 0
    alarms: int = 0
    false_alarms: int = 0
    said: int = 0
    held: int = 0

    @property
    def share_told(self) -> float:
        return self.told_ahead / self.run_outs

    @property
    def false_monthly(self) -> float:
        """False alarms of a subuser in 30 days."""
        return self.false_alarms / self.subusers / DAYS * 30

    @property
    def share_held(self) -> float:
        return self.held / self.said


def ours(sender: Sender, index: int) -> Said:
    hour = sender.read_at[index]
    now = START + hour * HOUR
    known = forecast_at(sender, index, now)
    ends = known.runs_out
    if ends is None:
        return Said(known=known.pace is not None)
    return Said(
        _hour(subject.watched_moment(known)), _hour(ends.earliest), _hour(ends.latest), known.pace is not None
    )


def forecast_at(sender: Sender, index: int, now: datetime) -> subject.Forecast:
    per_day = DAY if sender.watched else 1
    first = max(index - per_day * (LOOK_BACK // timedelta(days=1)), 0)
    changes = [change for change in sender.changes if change.since < now]
    reset = sender.reset(sender.read_at[index])
    return subject.forecast(sender.snapshots[first : index + 1], changes, now, reset)


def _hour(moment: datetime | None) -> float:
    return inf if moment is None else (moment - START) / HOUR


def plain(sender: Sender, index: int) -> Said:
    """What anyone would try first: what is left, by the average of the falls of the last seven days."""
    hour = sender.read_at[index]
    first = bisect_right(sender.read_at, hour - 7 * DAY - 1)
    balances = [snapshot.reading.remain or 0 for snapshot in sender.snapshots[first : index + 1]]
    used = sum(max(before - after, 0) for before, after in pairwise(balances))
    hours = hour - sender.read_at[first]
    if not used or hours < DAY:
        return Said(known=False)
    ends, reset = hour + balances[-1] * hours / used, sender.next_reset(hour)
    return Said(ends, known=False) if reset is None or ends < reset else Said(known=False)


def knowing(sender: Sender, index: int) -> Said:
    """What could be said by one who knows how each sender is made, and misses only what falls by chance."""
    remain = sender.snapshots[index].reading.remain or 0
    return Said(sender.was_to_run_out(sender.read_at[index], remain), known=False)


def back_test(senders: Iterable[Sender], method: Method) -> Score:
    score = Score()
    for sender in senders:
        score.subusers += 1
        _judge(sender, method, score)
    return score


def _judge(sender: Sender, method: Method, score: Score) -> None:
    """Go through a sender's readings as they came. An alarm lasts until it has recovered, or was filled."""
    alarmed: dict[int, bool] = {}
    open_, filled = False, 0
    for index, hour in enumerate(sender.read_at):
        if sender.watched and hour % EVERY:
            continue
        remain = sender.snapshots[index].reading.remain or 0
        said, truth = method(sender, index), sender.would_run_out(hour, remain)
        if said.known and remain:
            score.said += 1
            score.held += said.earliest <= truth <= said.latest if said.earliest < inf else truth == inf
        fills = bisect_right(sender.fills, hour)
        open_, filled = open_ and fills == filled, fills
        left = said.alarm - hour
        if not open_ and left <= LINE and remain:
            open_ = True
            score.alarms += 1
            score.false_alarms += truth - hour > FALSE * LINE
        open_ = open_ and left <= RECOVERED * LINE
        alarmed[hour] = open_
    for hour in sender.ran_out:
        since = max((fill for fill in sender.fills if fill <= hour), default=0)
        if hour - since >= SHORTEST:
            before = [alarm for read, alarm in alarmed.items() if since <= read <= hour + 1 - AHEAD]
            score.run_outs += 1
            score.told_ahead += bool(before) and before[-1]
