"""Days as the command line's options name them: in UTC, such as 2026-01-31."""

from datetime import UTC, date, datetime, time, timedelta

from creditbot.ledger.export import Days
from creditbot.store.types import to_millis


def day(option: str, text: str) -> date:
    """The day that an option names.

    Raises:
        ValueError: it is no date; the text says what to write.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{option} is not a date such as 2026-01-31.") from None


def midnight(day: date) -> datetime:
    """When the day begins."""
    return datetime.combine(day, time(), UTC)


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
