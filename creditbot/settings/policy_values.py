"""Values of `policy.toml`: each is read from what TOML has, or refused with what to write instead."""

import re
from datetime import time, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from creditbot.domain.fields import no_name_fits
from creditbot.domain.who import ANYONE, Who

from .zones import is_zone

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _who(value: object) -> object:
    if value == "anyone":
        return ANYONE
    if isinstance(value, list) and "anyone" in value:  # and those of other workspaces who are listed
        return ANYONE | Who.of(_identifiers([identifier for identifier in value if identifier != "anyone"]))
    return _named(value, 'write "anyone", or list user IDs and user-group IDs')


def _listed(value: object) -> object:
    return _named(value, "list user IDs and user-group IDs, or leave it out, and escalate_after with it")


def _somebody(value: object) -> object:
    return _named(value, "nobody could approve; list user IDs and user-group IDs")


def _named(value: object, instead: str) -> Who:
    """A list that is not empty: an empty one could be taken for everyone."""
    identifiers = _identifiers(value)
    if not identifiers:
        raise ValueError(f"names nobody: {instead}")
    return Who.of(identifiers)


def _identifiers(value: object) -> list[str]:
    if not isinstance(value, list):
        # Not a TypeError: pydantic takes ValueErrors for faults of the file.
        raise ValueError('is not a list of Slack IDs, such as ["U0123ABCD", "S0123ABCD"]')  # noqa: TRY004
    for place, identifier in enumerate(value, 1):
        if not isinstance(identifier, str) or not re.fullmatch(r"[UWS][A-Za-z0-9_-]+", identifier):
            raise ValueError(
                f"entry {place} is not a Slack ID: list user IDs (U0123ABCD) and user-group IDs (S0123ABCD)"
            )
    return value


def _people(value: object) -> object:
    who = _named(value, "list user IDs, or leave the table out")
    if who.groups:
        raise ValueError("names a user group: name the people themselves here, by user IDs (U0123ABCD)")
    return who


def _span(value: object) -> object:
    found = re.fullmatch(r"(\d{1,5})([mhd])", value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError('is not a length of time, such as "30m", "4h" or "2d"')
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _time_of_day(value: object) -> object:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('is not a time of day, such as "09:00"')
    return time(int(found[1]), int(found[2]))


def _time_or_off(value: object) -> object:
    return None if value == "off" else _time_of_day(value)


def _zone(value: object) -> object:
    if not is_zone(str(value)):
        raise ValueError('is not a time zone, such as "Europe/Berlin" or "UTC"')
    return value


def _pattern(value: object) -> object:
    if not isinstance(value, str) or not value.strip() or len(value) > 128:
        raise ValueError('is not a pattern for names, such as "acme" or "acme-*"')
    if no_name_fits(value):
        raise ValueError(
            "is a pattern that matches no subuser: names have no space, slash or invisible character, and "
            "don't begin with @, # or account-id:"
        )
    return value


def _channel(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[CG][A-Za-z0-9_-]+", value):
        raise ValueError("is not a channel's ID, which looks like C0123ABCD")
    return value


Listed = Annotated[Who, BeforeValidator(_listed)]
Somebody = Annotated[Who, BeforeValidator(_somebody)]
Anybody = Annotated[Who, BeforeValidator(_who)]
People = Annotated[Who, BeforeValidator(_people)]
Span = Annotated[timedelta, BeforeValidator(_span)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
TimeOrOff = Annotated[time | None, BeforeValidator(_time_or_off)]
ChannelId = Annotated[str, BeforeValidator(_channel)]
Zone = Annotated[str, BeforeValidator(_zone)]
Patterns = Annotated[tuple[Annotated[str, BeforeValidator(_pattern)], ...], Field(min_length=1)]
Credits = Annotated[int, Field(strict=True, ge=1, le=10**15)]
