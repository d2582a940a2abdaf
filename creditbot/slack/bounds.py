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
TABLE_ROWS, TABLE_COLUMNS, TABLE_CHARACTERS = 100, 20, 10_000
"""Of a data table: rows below its header, columns, and the characters of all cells of a message together.

Slack's page said so at first; by September 2026 it takes twice as many rows and characters.
"""
CHART_TITLE, CHART_LABEL, CHARTS = 50, 20, 2
"""Of a chart; as many stand in one message. Its labels are those of categories and of series."""
AXIS, SERIES, CATEGORIES = 50, 6, 20
"""Of a chart. Of series, too, it takes twice as many by now."""

TEXT = 4000
"""Of a message's own text; Slack advises this, and takes ten times as many."""

BLOCKS = 50
"""In a message. A form may have more, but shows what a message says."""

ALL_BLOCKS = 12_000
"""Characters of all blocks of a message together. Slack documents the error, not the number: it was measured
at about 13,200; the labels of buttons are not counted here.
"""

HOME_BLOCKS, ALL_HOME_BLOCKS = 100, 30_000
"""The same for a Home tab. Slack takes 250 KB of it, where a character is six bytes at most; and no number of
characters is known. docs.slack.dev/reference/methods/views.publish#errors
"""

MORE = "…"

Json = dict[str, Any]

FENCE = "```"

_WHOLE = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|`{3}|.", re.DOTALL)
"""Mentions, dates, links, escapes and fences mean something else, or nothing, once a part of them is gone."""

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
    # A block of code, a code span and bold text that end here have to be closed.
    if FENCE in text:
        kept = _beginning(_WHOLE.findall(text), most - length(MORE + FENCE))
        return f"{kept}{MORE}{FENCE * (kept.count(FENCE) % 2)}"
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


def fitting(blocks: Sequence[Json], most: int = BLOCKS, room: int = ALL_BLOCKS) -> list[Json]:
    """No more blocks and characters than one message may have: what comes last is cut. Buttons stay."""
    found = _few_figures(blocks)
    if len(found) > most:
        found[most - 1 :] = [LEFT_OUT]
    room -= sum(length(text) for block in found for text in _in_figures(block))
    if sum(length(text["text"]) for text in _texts(found)) <= room:
        return found
    shorter: list[Json] = _copy(found)
    # What people typed with links in it is short, and comes first: a part of an address would be shown for
    # the whole.
    for text in _texts(sorted(shorter, key=lambda block: block["type"] != "rich_text")):
        if text["type"] != "link" and length(text["text"]) > room:
            shorten = cut if text["type"] == "mrkdwn" else cut_plain
            text["text"] = shorten(text["text"], max(room, 1))
        room -= length(text["text"])
    return shorter


LEFT_OUT: Json = {"type": "section", "text": {"type": "plain_text", "text": MORE, "emoji": False}}
"""Stands for blocks that there is no room for."""


def _few_figures(blocks: Sequence[Json]) -> list[Json]:
    """The blocks, with as many charts, and as much in tables, as one message may have."""
    found, charts, characters = list(blocks), 0, 0
    for place, block in enumerate(found):
        if block["type"] == "data_visualization":
            charts += 1
        elif block["type"] == "data_table":
            characters += sum(map(length, _in_figures(block)))
        else:
            continue
        if charts > CHARTS or characters > TABLE_CHARACTERS:
            found[place] = LEFT_OUT
    return found


def _in_figures(block: Json) -> Iterator[str]:
    """What can be read in a table or a chart, all of which stays as it is."""
    if block["type"] == "data_table":
        yield from (cell["text"] for row in block["rows"] for cell in row)
    elif block["type"] == "data_visualization":
        yield block["title"]


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
