"""A balance over time as a line of block characters, with scale, dates and our own changes; and in words."""

from collections.abc import Sequence
from datetime import datetime

from creditbot.domain.markup import literal
from creditbot.domain.text import boxed, count, number, signed
from creditbot.domain.timeline import DAY, Slots, Timeline, cut, day_of

from .columns import left, shortened, width
from .tables import PHONE, compact

LEVELS = "▁▂▃▄▅▆▇█"
GAP = "·"
ADDED, REMOVED, BOTH = "▲", "▼", "±"

MOST = 31
"""Slots of a line: the days that 30 days ago and today are apart, and both of these."""

FRESH = DAY + DAY / 4
"""How old the newest reading may be to be what is left now; balances are read once a day."""


def drawn(timeline: Timeline) -> list[str]:
    """The line, what was changed below it, its first and last date, and what its lowest and highest mean.

    It begins at the first reading; without one there is a sentence in its place.
    """
    if not timeline.known:
        return [f"No readings since {day_of(timeline.since)}."]
    slots = cut([timeline], MOST)
    values = slots.last_of_each(timeline.known)
    shown = [value for value in values if value is not None]
    bottom, top = min(0, *shown), max(0, *shown)
    nets = slots.net_of_each(timeline.changes)
    marks = "".join(" " if net is None else sign(net) for net in nets).rstrip()
    return [
        "".join(GAP if value is None else _level(value, bottom, top) for value in values),
        *([marks] if marks else []),
        _ends(slots),
        *_legend(values, marks, bottom, top),
    ]


def words(timeline: Timeline) -> str:
    """The same in a sentence.

    `acme`: 12,400 now; 30 days ago 50,000; lowest 1,200 on 12 Nov; 2 changes by creditbot, +15,000 together
    """
    parts = _balances(timeline) if timeline.known else [f"no readings since {day_of(timeline.since)}"]
    if timeline.changes:
        together = sum(change.allocation_update for change in timeline.changes)
        made = f"{count(len(timeline.changes), 'change')} by creditbot, {signed(together)}"
        parts.append(made if len(timeline.changes) == 1 else f"{made} together")
    return f"{literal(boxed(timeline.subuser))}: {'; '.join(parts)}"


def _balances(timeline: Timeline) -> list[str]:
    """The newest, the first and the lowest, as far as they are not the same."""
    known = timeline.known
    (first, began_with), (last, remain) = known[0], known[-1]
    lowest_at, lowest = min(known, key=lambda entry: entry[1])
    fresh = timeline.until - last <= FRESH
    parts = [f"{number(remain)} {'now' if fresh else f'on {day_of(last)}'}"]
    if len(known) == 1:
        return [*parts, "no other reading since then"]
    parts.append(f"{_ago(timeline, first)} {number(began_with)}")
    if len(known) > 2:
        now = fresh and lowest_at == last
        parts.append("lowest now" if now else f"lowest {number(lowest)} on {day_of(lowest_at)}")
    return parts


def titled(timeline: Timeline) -> list[str]:
    """The line below the subuser's name and what it has now, for one of several."""
    name = shortened(boxed(timeline.subuser), PHONE - 12)
    last = compact(timeline.known[-1][1]) if timeline.known else ""
    return [f"{left(name, width(name))}  {last}".rstrip(), *drawn(timeline)]


def sign(net: int) -> str:
    """Of changes that add up to this."""
    return ADDED if net > 0 else REMOVED if net < 0 else BOTH


def _level(value: int, bottom: int, top: int) -> str:
    """The block that comes nearest: the lowest stands for the lowest value, the highest for the highest."""
    if top == bottom:
        return LEVELS[0]
    share = (value - bottom) / (top - bottom)
    return LEVELS[min(int(share * (len(LEVELS) - 1) + 0.5), len(LEVELS) - 1)]


def _ends(slots: Slots) -> str:
    """The first date and the last, at the ends of the line."""
    labels = slots.labels
    last = labels[-1] + (" UTC" if slots.length < DAY else "")
    room = max(len(labels) - width(labels[0]) - width(last), 1)
    return last if len(labels) == 1 else f"{labels[0]}{' ' * room}{last}"


def _legend(values: Sequence[int | None], marks: str, bottom: int, top: int) -> list[str]:
    scale = f"{LEVELS[0]} {compact(bottom)}" + (f"  {LEVELS[-1]} {compact(top)}" if top > bottom else "")
    signs = [f"{GAP} not read"] if None in values else []
    kinds = [sign for sign in (ADDED, REMOVED, BOTH) if sign in marks]
    if kinds:
        signs.append(f"{' '.join(kinds)} by creditbot")
    return [scale, *(["  ".join(signs)] if signs else [])]


def _ago(timeline: Timeline, at: datetime) -> str:
    """When the first reading was, beside the beginning of what is shown."""
    days = (timeline.until - timeline.since) // DAY
    if at - timeline.since <= DAY and days > 1:
        return f"{days} days ago"
    return f"on {day_of(at)}"
