"""Tokens and keys, refused where they can't be what Slack, SendGrid or openssl gave out."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError


def _filled_in(secret: SecretStr) -> SecretStr:
    """Refuse what the README shows in a token's place; a process would ask with it for ever."""
    if secret.get_secret_value().endswith("..."):
        raise PydanticCustomError("placeholder", "is a placeholder")
    return secret


QUOTES = ('"', "'", "`", "\u00b4", "\u00ab", "\u00bb", *map(chr, range(0x2018, 0x2020)), "\u2039", "\u203a")
"""A `.env` file is read without the quotes around a value; many other ways into an environment keep them."""


def _unquoted(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.startswith(QUOTES) or value.endswith(QUOTES):
        raise ValueError("has quotation marks around it; write it without them")
    return secret


def _in_one_piece(secret: SecretStr) -> SecretStr:
    if any(character.isspace() for character in secret.get_secret_value()):
        raise ValueError("has a space or a line break in it; copy it again, without anything around it")
    return secret


def _printable(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable()):
        raise ValueError("has characters that no key has; copy it again in full")
    return secret


def _of_tokens_characters(secret: SecretStr) -> SecretStr:
    if re.fullmatch(r"[A-Za-z0-9._-]+", secret.get_secret_value()) is None:
        raise ValueError("has characters that no token has; copy it again in full")
    return secret


Secret = Annotated[
    SecretStr, AfterValidator(_unquoted), AfterValidator(_in_one_piece), AfterValidator(_printable)
]
Token = Annotated[
    SecretStr,
    AfterValidator(_unquoted),
    AfterValidator(_in_one_piece),
    AfterValidator(_filled_in),
    AfterValidator(_of_tokens_characters),
]
"""What Slack and SendGrid give out: letters, digits, dots, hyphens and underscores."""


def _prefixed(prefix: str, where: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().startswith(prefix):
            raise ValueError(f"does not begin with {prefix}; {where}")
        return secret

    return AfterValidator(check)


BotToken = Annotated[Token, _prefixed("xoxb-", "copy the token from OAuth & Permissions in your Slack app")]
AppToken = Annotated[
    Token, _prefixed("xapp-", "copy the token from Basic Information, App-Level Tokens, in your Slack app")
]
SendGridKey = Annotated[
    Token, _prefixed("SG.", "create an API key for the parent account in SendGrid, under Settings, API Keys")
]


def _ledger_keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if any(len(key) < 32 for key in keys):
        raise ValueError("is too short to be safe; create a key with: openssl rand -hex 32")
    return keys


LedgerKeys = Annotated[tuple[Secret, ...], BeforeValidator(_ledger_keys)]
