"""How an auditor reads a time of the ledger."""

from creditbot.store.types import from_millis


def iso(millis: object) -> object:
    """ISO 8601 in UTC; what is no time stays as it is, since it must be shown too."""
    if not isinstance(millis, int):
        return millis
    try:
        at = from_millis(millis)
    except (ValueError, OverflowError, OSError):
        return millis
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
