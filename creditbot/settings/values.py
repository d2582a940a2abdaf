"""Settings that are no secrets, each read from its text.

Each reader raises ValueError with what is wrong, and never with the value: it may be a secret in a wrong
place.
"""

import re
from math import nan


def command(value: str) -> str:
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", value):
        raise ValueError(
            "is not a slash command, which looks like /credits: a slash, then at most 31 lower-case letters, "
            "digits, hyphens and underscores"
        )
    return value


def channel_id(value: str) -> str:
    if not re.fullmatch(r"[CGD][A-Za-z0-9_-]+", value):
        raise ValueError(
            "is not a channel's ID, which looks like C0123ABCD; find it at the end of the channel's About tab"
        )
    return value


def approvers(value: str) -> tuple[str, ...]:
    identifiers = [part.strip() for part in value.split(",") if part.strip()]
    for place, identifier in enumerate(identifiers, 1):
        if not re.fullmatch(r"[UWS][A-Za-z0-9_-]+", identifier):
            raise ValueError(
                f"entry {place} is not a Slack ID; list user IDs (U0123ABCD) and user-group IDs "
                "(S0123ABCD), separated by commas"
            )
    return tuple(dict.fromkeys(identifiers))


def http_url(value: str) -> str:
    found = re.fullmatch(r"https?://[^\s/?#:@]+(?::(?P<port>\d{1,5}))?(/[^\s?#]*)?", value)
    if found is None or int(found["port"] or 0) > 65535:
        raise ValueError("is not an address that begins with https:// (or http://)")
    return value


def api_url(value: str) -> str:
    """It ends in a slash."""
    value = http_url(value)
    return value if value.endswith("/") else f"{value}/"


def log_level(value: str) -> str:
    if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return value.upper()


def sendgrid_region(value: str) -> str:
    if value not in {"global", "eu"}:
        raise ValueError("must be global or eu")
    return value


def timeout(value: str) -> float:
    """Seconds."""
    return _number(value, 1, 60, "seconds")


def posts_per_second(value: str) -> float:
    return _number(value, 0.1, 1000, "messages")


def _number(value: str, least: float, most: float, unit: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = nan
    if not least <= number <= most:
        raise ValueError(f"must be a number of {unit} from {least} to {most}")
    return number


def port(value: str) -> int:
    if re.fullmatch("[0-9]{1,9}", value) is None or int(value) > 65535:
        raise ValueError("must be a whole number from 0 to 65535")
    return int(value)
