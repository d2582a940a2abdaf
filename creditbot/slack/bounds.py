"""How much Slack takes, and how what is longer is cut: visibly, and never within what only counts whole.

https://docs.slack.dev/reference/block-kit, .../methods/chat.postMessage#truncating
"""

import re
from collections.abc import Iterator
from typing import Any

RENAMED = 100
"""Kept free in mrkdwn, in which the command may get a longer name on its way out."""

HEADER = 150
PLAIN_SECTION, SECTION = 3000, 3000 - RENAMED
FIELD = 2000 - RENAMED
FIELDS = 10
CONTEXTS = 10
BUTTON = 75
CONFIRM_TITLE, CONFIRM, CONFIRM_BUTTON = 100, 300, 30
MODAL_TITLE = 24
LABEL = 2000
PLACEHOLDER = 150
OPTION = 75
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
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


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


def _beginning(parts: list[str] | str, room: int) -> str:
    """As many of the parts as fit, without what hangs on to the next one."""
    kept = []
    for part in parts:
        room -= length(part)
        if room < 0:
            break
        kept.append(part)
    return "".join(kept).rstrip().rstrip(_JOINERS)


def fitting(blocks: list[Json]) -> list[Json]:
    """No more blocks and characters than one message may have: what comes last is cut. Buttons stay."""
    if len(blocks) > BLOCKS:
        left_out = {"type": "section", "text": {"type": "plain_text", "text": MORE, "emoji": False}}
        blocks = [*blocks[: BLOCKS - 1], left_out]
    room = ALL_BLOCKS - sum(map(_length_of_rich_text, blocks))
    for text in _texts(blocks):
        # A part of an address would be shown for the whole; and a rich text may have a space of its own.
        if text["type"] != "link" and not (text["type"] == "text" and length(text["text"]) <= room):
            shorten = cut if text["type"] == "mrkdwn" else cut_plain
            text["text"] = shorten(text["text"], max(room, 1))
        room -= length(text["text"])
    return blocks


def _length_of_rich_text(block: Json) -> int:
    """What people typed with links in it: short, and not to be cut within one."""
    if block["type"] != "rich_text":
        return 0
    return sum(length(part["text"]) for line in block["elements"] for part in line["elements"])


def _texts(part: Any) -> Iterator[Json]:
    """The texts of blocks from top to bottom, but for those of buttons and the like."""
    if isinstance(part, list):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, dict):
        if part.get("type") in {"mrkdwn", "plain_text", "text", "link"}:
            yield part
        elif part.get("type") in {"header", "section", "context", "rich_text", "rich_text_section"}:
            for key in ("text", "fields", "elements"):
                yield from _texts(part.get(key))
