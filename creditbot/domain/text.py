"""How numbers, lengths of time and counts are written for people, everywhere the same."""

import unicodedata
from datetime import timedelta


def number(value: int) -> str:
    """1234567 -> 1,234,567, and a balance below zero -> −5"""
    return f"{value:,}".replace("-", "\u2212")


def signed(value: int) -> str:
    """A change always carries its sign: 5000 -> +5,000 and -5000 -> −5,000, with a minus sign."""
    return f"{value:+,}".replace("-", "\u2212")


def credits_(value: int) -> str:
    """A change with its unit: +1 credit, −5,000 credits"""
    return f"{signed(value)} credit" if abs(value) == 1 else f"{signed(value)} credits"


def count(value: int, noun: str) -> str:
    """1 approval, 2 approvals"""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"


SPANS = (("day", 86_400, 172_800), ("hour", 3600, 7200), ("minute", 60, 60), ("second", 1, 0))
"""Units of time, their seconds, and from how many seconds on one is used: hours tell enough of a morning."""


def span(duration: timedelta) -> str:
    """How long it was, to be put after "the": 12 seconds, minute, 41 minutes, 3 hours, 2 days"""
    seconds = max(1, int(duration.total_seconds()))
    unit, length = next((unit, length) for unit, length, least in SPANS if seconds >= least)
    value = seconds // length
    return unit if value == 1 else count(value, unit)


def length(duration: timedelta) -> str:
    """The same, to be put after "after" or "in": 1 minute, 41 minutes"""
    text = span(duration)
    return text if text[0].isdigit() else f"1 {text}"


def when(lower: timedelta, upper: timedelta | None) -> str:
    """A moment after so long at least and at most: in 2 to 4 days, in about 6 hours, within 5 hours

    None has no end: in 9 days or later. It is told to the hour within two days, and to the day beyond.
    """
    least, unit = _rounded(lower)
    if upper is None:
        return f"in {count(least, unit)} or later" if least else "at any time"
    most, units = _rounded(upper)
    if not most:
        return "within an hour"
    if not least:
        return f"within {count(most, units)}" if most > 1 else "within an hour"
    if (least, unit) == (most, units):
        return f"in about {count(most, units)}"
    from_ = f"{least}" if unit == units else count(least, unit)
    return f"in {from_} to {count(most, units)}"


def _rounded(duration: timedelta) -> tuple[int, str]:
    hours = max(round(duration.total_seconds() / 3600), 0)
    return (hours, "hour") if hours < 48 else (round(duration.total_seconds() / 86_400), "day")


BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and a Braille pattern by their category, which nevertheless show nothing."""


def unseen(character: str) -> bool:
    """Whether a character shows nothing, and is not white space either."""
    return character in BLANKS or unicodedata.category(character).startswith("C")


def boxed(text: str) -> str:
    """The text in which a box stands for each character that can't be seen."""
    return "".join("□" if unseen(char) else char for char in text)
