"""The names of subusers: as calls carry them, and which of them were meant."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from creditbot.domain.markup import literal


def path_segment(name: str) -> str:
    """A name as one segment of a path: everything but letters, digits and `_.-~` is percent-encoded."""
    if name in {"", ".", ".."}:
        raise ValueError(f"{name!r} can't be a segment of a path")
    return quote(name, safe="")


def subuser_header(name: str) -> str:
    """A subuser's name as `on-behalf-of` has it: one that would mean a customer account there is refused."""
    if name.lower().startswith("account-id"):
        raise ValueError(f"{name!r} would mean a customer account")
    return name


def no_subuser(name: str, near: Iterable[str] = ()) -> str:
    """What is said of a name that SendGrid does not know, with those that may have been meant."""
    meant = " or ".join(map(literal, near))
    question = f" Did you mean {meant}?" if meant else ""
    return f"SendGrid has no subuser {literal(name)}.{question} Type the username as SendGrid spells it."


ALIKE = 60.0
"""Of 100: the share of letters, in their order, that two names must have in common to look alike."""


def near_matches(name: str, known: Iterable[str], most: int) -> list[str]:
    """The known names closest to `name`, never `name` itself.

    First those that differ in nothing but case, padding of numbers and separators (`Brand 7`: brand-07), then
    those that look alike, then those that begin so.
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - a hundredth of a start, and seldom needed

    by_key: dict[str, list[str]] = {}
    for candidate in sorted(set(known) - {name}):
        by_key.setdefault(_key(candidate), []).append(candidate)
    wanted = _key(name)
    close = [
        key
        for key, *_ in process.extract(
            wanted, by_key.keys(), scorer=fuzz.ratio, limit=most, score_cutoff=ALIKE
        )
    ]
    begins = sorted(key for key in by_key if key.startswith(wanted))
    keys = dict.fromkeys([wanted, *close, *begins])
    return [candidate for key in keys for candidate in by_key.get(key, [])][:most]


def _key(name: str) -> str:
    """What people take for the same name: `Brand_007` and `brand-7`."""
    return re.sub(
        r"[-_. ]+", "-", re.sub(r"\d+", lambda digits: digits[0].lstrip("0") or "0", name.casefold())
    )
