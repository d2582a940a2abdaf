"""What `creditbot audit` is told: days, and a head."""

import re
from datetime import date, timedelta

from creditbot.days import day, midnight
from creditbot.store.types import to_millis

Days = tuple[int | None, int | None]
"""From when on, and before when, in milliseconds."""


def head_of(text: str) -> str:
    """A head as someone copied it, perhaps with blanks or the digest's backticks around it.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    head = text.strip(" \t\r\n`'\"").lower()
    if re.fullmatch("[0-9a-f]{64}", head) is None:
        raise ValueError(
            "--head is not a head, which has 64 digits (0 to 9, a to f). Copy all of it from a daily "
            "digest, or from the output of `creditbot audit verify`."
        )
    return head


def days_of(first: str | None, last: str | None) -> Days:
    """Days in UTC, both included, as moments.

    Raises:
        ValueError: one of them is no date; the text says what to write.
    """
    start = None if first is None else day("--from", first)
    end = None if last is None else day("--to", last)
    if start is not None and end is not None and end < start:
        raise ValueError("--to is before --from; change one of them.")
    return (
        None if start is None else to_millis(midnight(start)),
        None if end is None or end == date.max else to_millis(midnight(end + timedelta(days=1))),
    )
