"""Names of time zones, as far as this machine knows them."""

from zoneinfo import ZoneInfo


def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True
