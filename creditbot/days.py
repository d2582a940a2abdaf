"""Days as the command line's options name them: in UTC, such as 2026-01-31."""

from datetime import UTC, date, datetime, time


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
