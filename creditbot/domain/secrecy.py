"""What may not be written down, since the ledger keeps it for ever: tokens, keys and passwords."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import CommandError

TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:xox[a-z]-[A-Za-z0-9-]{6,}|xapp-[0-9]+-[A-Za-z0-9-]{6,}|SG\.[\w-]{8,}\.[\w-]{6,})"
)
"""How Slack's tokens and SendGrid's keys look, also if the end is missing."""

SHORTEST = 8
"""Characters of a secret that is looked for in texts; a shorter one would be found in ordinary words."""

TAKEN_OUT = "[redacted]"


def check(text: str, field: str) -> None:
    """Raise CommandError, which does not repeat it, if there seems to be a token in what was typed."""
    if TOKEN.search(text):
        raise refusal(field)


def refusal(field: str) -> CommandError:
    what = {"subuser": "The subuser's name", "by": "The name"}.get(field, "The reason")
    return CommandError(
        f"{what} seems to contain a token, an API key or a password, which nobody else should read. Take it "
        "out. If it is a real one, have it replaced.",
        field,
    )


def by_themselves(passwords: Iterable[str]) -> list[str]:
    """Those that can be looked for without what stands around them: not words that every line may have."""
    return [password for password in passwords if not (password.isalpha() and len(password) < 12)]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of this very process, to be kept out of what is written down."""

    own: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Iterable[str]) -> "Secrets":
        long = [value for value in values if len(value) >= SHORTEST]
        # The longest first, since one may be the beginning of another.
        return cls(tuple(sorted(long, key=len, reverse=True)))

    def check(self, text: str, field: str) -> None:
        """Raise CommandError, which does not repeat it, if one of them is in what was typed."""
        if any(secret in text for secret in self.own):
            raise refusal(field)

    def taken_out(self, text: str) -> str:
        """The text without them, and without whatever looks like a token."""
        for secret in self.own:
            text = text.replace(secret, TAKEN_OUT)
        return TOKEN.sub(TAKEN_OUT, text)
