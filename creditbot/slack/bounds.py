"""How much Slack takes, and how what is longer is cut: visibly, and never within what only counts whole.

https://docs.slack.dev/reference/block-kit, .../methods/chat.postMessage#truncating
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

RENAMED = 100
"""Kept free in mrkdwn, in which the command may get a longer name on its way out."""

HEADER = 150
PLAIN_SECTION, SECTION = 3000, 3000 - RENAMED
FIELD = 2000 - RENAMED
FIELDS = 10
CONTEXTS = 10
BUTTON, BUTTONS = 75, 25
VALUE = 2000
ID = 255
CONFIRM_TITLE, CONFIRM, CONFIRM_BUTTON = 100, 300, 30
MODAL_TITLE = 24
LABEL = 2000
PLACEHOLDER = 150
OPTION, OPTIONS = 75, 100
PRIVATE_METADATA = 3000

TEXT = 4000
"""Of a message's own text; Slack advises this, and takes ten times as many."""

BLOCKS = 50
"""In a message. A form may have more, but shows what a message says."""

ALL_BLOCKS = 12_000
"""Characters of all blocks of a message together. Slack documents the error, not the number: it was measured
at about 13,200; the labels of buttons are not counted here.
"""

MORE = "…"

Json = dict[str, Any]

_WHOLE = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)
"""Mentions, dates, links and escapes mean something else, or nothing, once a part of them is gone."""

_JOINERS = "\u200d\ufe0f"
"""What joins a character to the next one, or draws it as an emoji."""


def length(text: str) -> int:
    """As JavaScript counts, in which an emoji is two or more: whichever way Slack counts, it is not more."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """A mrkdwn text of at most so many characters; where it ends early, it ends in `…`."""
    if not text.strip():
        return MORE  # Slack refuses what is empty
    if length(text) <= most:
        return text
    # A code span and bold text that end here have to be closed.
    kept = _beginning(_WHOLE.findall(text), most - 3)
    outside = "".join(kept.split("`")[::2])
    code, bold = "`" * (kept.count("`") % 2), "*" * (outside.count("*") % 2)
    return f"{kept}{MORE}{code}{bold}"


def cut_plain(text: str, most: int) -> str:
    """The same for plain text, in which everything stands for itself."""
    if not text.strip():
        return MORE
    return text if length(text) <= most else _beginning(text, most - 1) + MORE


def whole(text: str, most: int) -> str:
    """A text of our own that means nothing in part.

    Raises:
        ValueError: it is longer than it may be, or empty.
    """
    if not 0 < length(text) <= most:
        raise ValueError(f"{length(text)} characters, where Slack takes 1 to {most}")
    return text


def _beginning(parts: list[str] | str, room: int) -> str:
    """As many of the parts as fit, without what hangs on to the next one."""
    kept = []
    for part in parts:
        room -= length(part)
        if room < 0:
            break
        kept.append(part)
    return "".join(kept).rstrip().rstrip(_JOINERS)


def fitting(blocks: Sequence[Json]) -> list[Json]:
    """No more blocks and characters than one message may have: what comes last is cut. Buttons stay."""
    found = list(blocks)
    if len(found) > BLOCKS:
        left_out = {"type": "section", "text": {"type": "plain_text", "text": MORE, "emoji": False}}
        found[BLOCKS - 1 :] = [left_out]
    if sum(length(text["text"]) for text in _texts(found)) <= ALL_BLOCKS:
        return found
    shorter: list[Json] = _copy(found)
    room = ALL_BLOCKS
    # What people typed with links in it is short, and comes first: a part of an address would be shown for
    # the whole.
    for text in _texts(sorted(shorter, key=lambda block: block["type"] != "rich_text")):
        if text["type"] != "link" and length(text["text"]) > room:
            shorten = cut if text["type"] == "mrkdwn" else cut_plain
            text["text"] = shorten(text["text"], max(room, 1))
        room -= length(text["text"])
    return shorter


def _copy(part: Any) -> Any:
    """A copy in which nothing is shared, so that what stands twice is cut at each place by itself."""
    if isinstance(part, dict):
        return {name: _copy(value) for name, value in part.items()}
    return [_copy(item) for item in part] if isinstance(part, list) else part


def _texts(parts: Iterable[Json]) -> Iterator[Json]:
    """The texts of blocks from top to bottom, but for those of buttons and the like."""
    for part in parts:
        match part["type"]:
            case "mrkdwn" | "plain_text" | "text" | "link":
                yield part
            case "header" | "section" if "text" in part:
                yield part["text"]
            case "section":
                yield from part["fields"]
            case "context" | "rich_text" | "rich_text_section":
                yield from _texts(part["elements"])
