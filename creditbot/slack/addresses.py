"""The web addresses in what people typed, such as a ticket's.

Only what can be read to the letter becomes a link: letters that look like others (a Cyrillic `a`), or a name
before an `@` that looks like the host, stay plain text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CANDIDATE = re.compile(r"(?<![^\s(\[\"'])https?://\S+", re.IGNORECASE)
_ADDRESS = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:[/?#][a-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `address` says whether it is one."""

    text: str
    address: bool = False


def parts(text: str) -> Iterator[Part]:
    """The pieces of a text in their order, which together are the text."""
    end = 0
    for found in _CANDIDATE.finditer(text):
        address = _without_punctuation(found[0])
        if _ADDRESS.fullmatch(address):
            if found.start() > end:
                yield Part(text[end : found.start()])
            yield Part(address, address=True)
            end = found.start() + len(address)
    if end < len(text):
        yield Part(text[end:])


def _without_punctuation(run: str) -> str:
    """What a sentence puts behind an address is not a part of it."""
    while run[-1] in ".,;:!?'\"*_~" or _closes_more_than_opens(run):
        run = run[:-1]
    return run


def _closes_more_than_opens(run: str) -> bool:
    opening = {")": "(", "]": "["}.get(run[-1])
    return opening is not None and run.count(run[-1]) > run.count(opening)
