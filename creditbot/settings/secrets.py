"""Tokens and keys, refused where they can't be what Slack, SendGrid or openssl gave out.

Each reader raises ValueError with what is wrong, and never with the value.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import PlaceholderError


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows nowhere by itself."""

    value: str = field(repr=False)


QUOTES = ('"', "'", "`", "\u00b4", "\u00ab", "\u00bb", *map(chr, range(0x2018, 0x2020)), "\u2039", "\u203a")
"""A `.env` file is read without the quotes around a value; many other ways into an environment keep them."""


def key(text: str) -> Secret:
    """What openssl and other programs make: printable, without a blank."""
    _check_that_nothing_is_around(text)
    if not (text.isascii() and text.isprintable()):
        raise ValueError("has characters that no key has; copy it again in full")
    return Secret(text)


def token(text: str) -> Secret:
    """What Slack and SendGrid give out: letters, digits, dots, hyphens and underscores."""
    _check_that_nothing_is_around(text)
    if text.endswith("..."):
        raise PlaceholderError
    if re.fullmatch(r"[A-Za-z0-9._-]+", text) is None:
        raise ValueError("has characters that no token has; copy it again in full")
    return Secret(text)


def _check_that_nothing_is_around(text: str) -> None:
    if text.startswith(QUOTES) or text.endswith(QUOTES):
        raise ValueError("has quotation marks around it; write it without them")
    if any(character.isspace() for character in text):
        raise ValueError("has a space or a line break in it; copy it again, without anything around it")


def _beginning_with(prefix: str, where: str) -> Callable[[str], Secret]:
    def read(text: str) -> Secret:
        found = token(text)
        if not text.startswith(prefix):
            raise ValueError(f"does not begin with {prefix}; {where}")
        return found

    return read


bot_token = _beginning_with("xoxb-", "copy the token from OAuth & Permissions in your Slack app")
app_token = _beginning_with(
    "xapp-", "copy the token from Basic Information, App-Level Tokens, in your Slack app"
)
sendgrid_key = _beginning_with(
    "SG.", "create an API key for the parent account in SendGrid, under Settings, API Keys"
)


def ledger_keys(text: str) -> tuple[Secret, ...]:
    """The newest first, separated by commas."""
    keys = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if any(len(key) < 32 for key in keys):
        raise ValueError("is too short to be safe; create a key with: openssl rand -hex 32")
    return tuple(map(key, keys))
