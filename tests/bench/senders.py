"""Made-up senders of mail: what they would send hour by hour, their balances, and what is read of them.

Everything follows from a seed. What would have been sent goes on while a balance is empty, so when it would
have run out is known at any moment, whatever was done about it later.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from random import Random

from creditbot.domain.drift import Landed, SentChange, Snapshot
from creditbot.domain.evidence import Reading
from creditbot.domain.forecast import HORIZON, Reset

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""

HOUR = timedelta(hours=1)
DAY, WEEK, MONTH = 24, 168, 720
"""In hours, in which all is counted here."""

DAYS = 60
AFTERWARDS = HORIZON // timedelta(days=1)
"""Days in which nothing is read any more, so that what was said of them can be judged."""

Shape = Callable[[int, Random], float]
"""How many times the usual is sent in an hour, which is counted from the start."""


def steady(hour: int, random: Random) -> float:
    return 1


def weekdays(hour: int, random: Random) -> float:
    return 1.4 * (hour % WEEK < 5 * DAY)


def office(hour: int, random: Random) -> float:
    return 3.7 * (hour % WEEK < 5 * DAY and 8 <= hour % DAY < 17)


def office_elsewhere(hour: int, random: Random) -> float:
    """Eight hours west, where a day of work goes past midnight in UTC."""
    return office(hour - 8, random)


def nightly(hour: int, random: Random) -> float:
    return 24 * (hour % DAY == 2)


def newsletter(hour: int, random: Random) -> float:
    return 0.3 + 39 * (34 <= hour % WEEK < 37)


def bursts(hour: int, random: Random) -> float:
    """Three days' mail in an hour, every twenty days, nobody knows when."""
    return 80 if random.random() < 1 / (20 * DAY) else 1


def campaigns(hour: int, random: Random) -> float:
    """Three a week, on whatever day and hour."""
    return 36 if 8 <= hour % DAY < 18 and random.random() < 3 / 70 else 0.1


def growing(hour: int, random: Random) -> float:
    return math.pow(1.025, min(hour / DAY, 70)) * 0.4


def falling(hour: int, random: Random) -> float:
    return math.pow(0.975, hour / DAY) * 2


def rising_once(hour: int, random: Random) -> float:
    return 0.5 if hour < 30 * DAY else 2


def stopping(hour: int, random: Random) -> float:
    return 1 if hour < 25 * DAY else 0


def expected(shape: str, hour: int) -> float:
    """What is sent in an hour on average."""
    if shape == bursts.__name__:
        return 1 + 79 / (20 * DAY)
    if shape == campaigns.__name__:
        return 0.1 + (35.9 * 3 / 70 if 8 <= hour % DAY < 18 else 0)
    return SHAPES[shape](hour, Random())


SHAPES: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (
        *(steady, weekdays, office, office_elsewhere, nightly, newsletter),
        *(bursts, campaigns, growing, falling, rising_once, stopping),
    )
}


@dataclass
class Sender:
    """One subuser, which is read every hour if it is `watched`, and else once a day, now and then not.

    `every` is after how many hours a reset sets the balance to `total`. `would` is what would have been sent
    until each hour. `fills` are the hours in which credits came, and `ran_out` those in which the last went.
    """

    shape: str
    watched: bool
    every: int | None
    would: list[int]
    total: int
    snapshots: list[Snapshot] = field(default_factory=list)
    read_at: list[int] = field(default_factory=list)
    changes: list[SentChange] = field(default_factory=list)
    fills: list[int] = field(default_factory=list)
    ran_out: list[int] = field(default_factory=list)

    @property
    def daily(self) -> int:
        return self.would[DAYS * DAY] // DAYS

    def next_reset(self, hour: int) -> int | None:
        return None if self.every is None else (hour // self.every + 1) * self.every

    def reset(self, hour: int) -> Reset | None:
        """What SendGrid says of the next one."""
        coming = self.next_reset(hour)
        return None if coming is None else Reset(_date(coming), self.total)

    def would_run_out(self, hour: int, remain: int) -> float:
        """The hour in which what remains would have been used, if nothing came but resets; inf if never."""
        return self._ends(self.would, hour, remain)

    def was_to_run_out(self, hour: int, remain: int) -> float:
        """The same without chance, as one would expect it who knows what all senders of a shape do."""
        expected_ = _expected(self.shape)
        usual = self.would[-1] / expected_[-1]
        return self._ends(expected_, hour, remain / usual)

    def _ends(self, used: Sequence[float], hour: int, remain: float) -> float:
        if remain <= 0:
            return hour
        until = bisect_left(used, used[hour] + remain)
        reset = self.next_reset(hour)
        if until == len(used) or (reset is not None and until > reset):
            return math.inf
        before, after = used[until - 1 : until + 1]
        return until - 1 + (used[hour] + remain - before) / (after - before)


@cache
def _expected(shape: str) -> list[float]:
    return [0.0, *accumulate(expected(shape, hour) for hour in range((DAYS + AFTERWARDS) * DAY))]


def senders(of_each: int) -> Iterator[Sender]:
    """So many of each shape, half of them watched; of four, two have no resets."""
    for shape in SHAPES:
        for number in range(of_each):
            every = {2: MONTH, 3: WEEK}.get(number // 2 % 4)
            yield played(shape, f"{shape} {number}", watched=number % 2 == 0, every=every)


def played(shape: str, seed: str, *, watched: bool, every: int | None) -> Sender:
    random = Random(seed)
    would = [0, *accumulate(_demand(SHAPES[shape], random))]
    usual = would[DAYS * DAY] // DAYS
    total = usual * every // DAY if every else 10 * usual
    sender = Sender(shape, watched, every, would, int(total * random.uniform(0.75, 1.4)))
    _Life(sender, random).live()
    return sender


def _demand(shape: Shape, random: Random) -> Iterator[int]:
    """What is sent in each hour: 30 credits a day or up to 100,000, with days and hours that differ."""
    hourly = 10 ** random.uniform(1.5, 5) / DAY
    for day in range(DAYS + AFTERWARDS):
        of_day = hourly * random.lognormvariate(0, 0.25)
        for hour in range(day * DAY, (day + 1) * DAY):
            yield int(of_day * shape(hour, random) * random.lognormvariate(0, 0.4) + random.random())


class _Life:
    """What happens to a balance: mail, resets, changes by the ledger and by others, and readings."""

    def __init__(self, sender: Sender, random: Random) -> None:
        self._of, self._random = sender, random
        self._remain, self._last_reset = sender.total, 0
        self._filled_again: int | None = None

    def live(self) -> None:
        for hour in range(DAYS * DAY):
            if self._of.every and hour and hour % self._of.every == 0:
                self._remain, self._last_reset = self._of.total, hour
                self._of.fills.append(hour)
            if self._of.watched or self._is_read(hour):
                self._read(hour)
            if self._filled_again == hour or self._happens(every_days=14):
                self._fill(hour)
            if self._happens(every_days=60):
                self._remain -= self._remain // 4
            self._send(hour)

    def _happens(self, *, every_days: int) -> bool:
        return self._filled_again is None and self._random.random() < 1 / (every_days * DAY)

    def _is_read(self, hour: int) -> bool:
        """Once a day at six, seven or eight."""
        return hour % DAY == 6 + hour // DAY * 7 % 3 and self._random.random() > 0.03

    def _read(self, hour: int) -> None:
        if self._of.every is None:
            reading = Reading("nonrecurring", self._remain, None)
        else:
            reading = Reading("recurring", self._remain, _date(self._last_reset))
        self._of.snapshots.append(Snapshot("acme", START + hour * HOUR, reading))
        self._of.read_at.append(hour)

    def _fill(self, hour: int) -> None:
        """Enough for some days; of four, one is made elsewhere."""
        added = max(int(self._of.daily * self._random.uniform(2, 10)), 1)
        if self._random.random() < 0.75:
            at = START + (hour + 0.5) * HOUR
            done = at + timedelta(seconds=1)
            self._of.changes.append(SentChange(1, "acme", added, at, done, Landed.YES))
        self._remain += added
        self._filled_again = None
        self._of.fills.append(hour + 1)

    def _send(self, hour: int) -> None:
        wanted = self._of.would[hour + 1] - self._of.would[hour]
        sent = min(self._remain, wanted)
        if sent and sent == self._remain:
            self._of.ran_out.append(hour)
            self._filled_again = hour + 1 + int(self._random.uniform(2, 30))
        self._remain -= sent


def _date(hour: int) -> str:
    return f"{START + hour * HOUR:%Y-%m-%d}"
