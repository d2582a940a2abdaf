"""Settings that are no secrets, each read from its text."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator


def _command(value: str) -> str:
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", value):
        raise ValueError(
            "is not a slash command, which looks like /credits: a slash, then at most 31 lower-case letters, "
            "digits, hyphens and underscores"
        )
    return value


def _channel(value: str) -> str:
    if not re.fullmatch(r"[CGD][A-Za-z0-9_-]+", value):
        raise ValueError(
            "is not a channel's ID, which looks like C0123ABCD; find it at the end of the channel's About tab"
        )
    return value


def _approvers(value: object) -> object:
    if not isinstance(value, str):
        return value
    identifiers = [part.strip() for part in value.split(",") if part.strip()]
    for place, identifier in enumerate(identifiers, 1):
        if not re.fullmatch(r"[UWS][A-Za-z0-9_-]+", identifier):
            raise ValueError(
                f"entry {place} is not a Slack ID; list user IDs (U0123ABCD) and user-group IDs "
                "(S0123ABCD), separated by commas"
            )
    return tuple(dict.fromkeys(identifiers))


def _http_url(value: str) -> str:
    found = re.fullmatch(r"https?://[^\s/?#:@]+(?::(?P<port>\d{1,5}))?(/[^\s?#]*)?", value)
    if found is None or int(found["port"] or 0) > 65535:
        raise ValueError("is not an address that begins with https:// (or http://)")
    return value


def _api_url(value: str) -> str:
    value = _http_url(value)
    return value if value.endswith("/") else f"{value}/"


Command = Annotated[str, AfterValidator(_command)]
ChannelId = Annotated[str, AfterValidator(_channel)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
ApiUrl = Annotated[str, AfterValidator(_api_url)]
"""It ends in a slash."""

Approvers = Annotated[tuple[str, ...], BeforeValidator(_approvers)]
