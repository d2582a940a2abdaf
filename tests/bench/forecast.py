"""Rows about forecasts: a back-test of made-up senders, and what it costs to look at all subusers."""

import time
from datetime import timedelta

from creditbot.domain import forecast as subject
from creditbot.domain.drift import Snapshot

from .back_test import LINE, Score, back_test, knowing, ours, plain
from .figures import Figure, milliseconds
from .senders import DAY, DAYS, HOUR, START, Sender, played, senders
from .size import Size

TOLD = 0.9
"""Who knew all but chance would tell 94 of 100; the others are bursts, which nobody can see coming."""

FALSE_MONTHLY = 0.33
"""One in three months for each subuser, about as many as an average of seven days makes."""

HELD = 0.8
"""A range is meant to hold in four cases of five."""

SUBUSERS, WATCHED = 1000, 100

CPU = 1.0
"""Seconds for all of them: a poll of so many takes SendGrid minutes."""


async def forecast(size: Size) -> list[Figure]:
    """How often it was told in time that credits run out, how often without need, and how often it held."""
    of_each = size.of(4, 16)
    made_up = list(senders(of_each))
    found, average, knower = (back_test(made_up, method) for method in (ours, plain, knowing))
    beside = "beside {} by an average of seven days, and {} by one who knows all but chance"
    return [
        Figure(
            f"run-outs told a day before or earlier (line: 3 days), {found.subusers} senders, {DAYS} days",
            f"at least {TOLD:.0%}",
            f"{_told(found)}, {beside.format(_told(average), _told(knower))}",
            found.share_told >= TOLD,
        ),
        Figure(
            f"false alarms: told, and not run out within {LINE * 2 // DAY} days",
            f"at most {FALSE_MONTHLY} for a subuser in a month",
            f"{_false(found)}, {beside.format(_false(average), _false(knower))}",
            found.false_monthly <= FALSE_MONTHLY,
        ),
        Figure(
            "what was said of when credits run out (in 2 to 4 days) and came true",
            f"at least {HELD:.0%}",
            f"{found.share_held:.0%} of {found.said:,}",
            found.share_held >= HELD,
        ),
        _cost(),
    ]


def _false(score: Score) -> str:
    return f"{score.false_monthly:.2f}"


def _told(score: Score) -> str:
    return f"{score.share_told:.0%} ({score.told_ahead:,} of {score.run_outs:,})"


def _cost() -> Figure:
    """One forecast of each: a hundred are read every five minutes, of which 14 days are kept so and the
    rest hourly, and the others once a day.
    """
    daily = played("office", "cost", watched=False, every=None)
    hourly = played("office", "cost", watched=True, every=None)
    now = START + DAYS * DAY * HOUR
    often = _every_five_minutes(hourly)
    started = time.process_time()
    for number in range(SUBUSERS):
        sender, history = (hourly, often) if number < WATCHED else (daily, daily.snapshots[-30:])
        subject.forecast(history, sender.changes, now)
    spent = time.process_time() - started
    return Figure(
        f"forecasts of {SUBUSERS:,} subusers with 30 days each, {WATCHED} of them read every 5 minutes, CPU",
        f"at most {milliseconds(CPU)}",
        milliseconds(spent),
        spent <= CPU,
    )


def _every_five_minutes(sender: Sender) -> list[Snapshot]:
    hourly = sender.snapshots[-30 * DAY :]
    fine = [
        Snapshot(snapshot.subuser, snapshot.at + timedelta(minutes=minute), snapshot.reading)
        for snapshot in hourly[-14 * DAY :]
        for minute in range(0, 60, 5)
    ]
    return [*hourly[: -14 * DAY], *fine]
