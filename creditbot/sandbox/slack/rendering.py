"""What a person reads on the screen, and who is notified by it."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

UNSEEN = frozenset({"confirm", "alt_text", "private_metadata", "options", "option_groups"})
"""Parts that are on the screen only after a click, or never."""

MARKUP_MENTION = re.compile(
    r"<@([UW]\w+)(?:\|[^>]*)?>|<!subteam\^(S\w+)(?:\|[^>]*)?>|<!(here|channel|everyone)(?:\|[^>]*)?>"
)
BARE_MENTION = re.compile(r"(?<![\w<!])@(here|channel|everyone)\b")


def visible_text(blocks: list[dict[str, Any]], fallback: str = "") -> str:
    """The texts of all blocks, a line each; `fallback` where there are no blocks.

    The entities for `&`, `<` and `>` are shown as those characters; Slack's own markup (`*bold*`,
    `<@U1>`) stays as it was sent.
    """
    found = [text for block in blocks for text in texts(block)] if blocks else [fallback]
    return html.unescape("\n".join(found))


def texts(part: Any) -> Iterator[str]:
    """Each text in a part of a message, as it was sent."""
    if isinstance(part, list):
        for item in part:
            yield from texts(item)
    elif isinstance(part, dict):
        yield from READERS.get(str(part.get("type")), _inner_texts)(part)


def _inner_texts(part: dict[str, Any]) -> Iterator[str]:
    for key, value in part.items():
        if key not in UNSEEN:
            yield from texts(value)


def _own_text(part: dict[str, Any]) -> Iterator[str]:
    yield str(part.get("text", ""))


def _number(part: dict[str, Any]) -> Iterator[str]:
    yield str(part.get("text") or part.get("value", ""))


def _line(part: dict[str, Any]) -> Iterator[str]:
    yield "".join(_inline(item) for item in part.get("elements", []))


def _options(part: dict[str, Any]) -> Iterator[str]:
    yield from texts(part.get("options"))


def _chart_title(part: dict[str, Any]) -> Iterator[str]:
    yield str(part.get("title", ""))


def _section(part: dict[str, Any]) -> Iterator[str]:
    """In the order in which they are on the screen, whatever the order in which they were sent."""
    for key in ("text", "fields", "accessory"):
        yield from texts(part.get(key))


def _captioned(table: dict[str, Any]) -> Iterator[str]:
    yield str(table.get("caption", ""))
    yield from _rows(table)


def _rows(table: dict[str, Any]) -> Iterator[str]:
    for row in table.get("rows", []):
        yield "\t".join(" ".join(texts(cell)) for cell in row)


def _inline(element: dict[str, Any]) -> str:
    match element.get("type"):
        case "user":
            return f"<@{element.get('user_id')}>"
        case "usergroup":
            return f"<!subteam^{element.get('usergroup_id')}>"
        case "channel":
            return f"<#{element.get('channel_id')}>"
        case "broadcast":
            return f"<!{element.get('range')}>"
        case "emoji":
            return f":{element.get('name')}:"
        case _:
            return str(element.get("text") or element.get("url") or "")


READERS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "plain_text": _own_text,
    "mrkdwn": _own_text,
    "raw_text": _own_text,
    "markdown": _own_text,
    "raw_number": _number,
    "rich_text_section": _line,
    "rich_text_preformatted": _line,
    "rich_text_quote": _line,
    "radio_buttons": _options,
    "checkboxes": _options,
    "section": _section,
    "table": _rows,
    "data_table": _captioned,
    "data_visualization": _chart_title,
}


def mentions(blocks: list[dict[str, Any]], fallback: str = "") -> set[str]:
    """Whom a message notifies.

    In a mrkdwn text object a bare `@here` notifies too, unless the object says `verbatim`; a plain_text
    object notifies nobody. In a message's own text only the written-out `<!here>` does.
    https://docs.slack.dev/messaging/formatting-message-text#automatic-parsing
    """
    if not blocks:
        return _marked(fallback)
    return {name for block in blocks for name in _mentions(block)}


def _mentions(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _mentions(item)
    elif isinstance(part, dict):
        text = part.get("text")
        if part.get("type") == "mrkdwn" and isinstance(text, str):
            yield from _marked(text)
            if not part.get("verbatim"):
                yield from BARE_MENTION.findall(text)
        elif str(part.get("type")) in {"user", "usergroup", "broadcast"}:
            yield from _marked(_inline(part))
        else:
            for value in part.values():
                yield from _mentions(value)


def _marked(text: str) -> set[str]:
    return {name for found in MARKUP_MENTION.findall(text) for name in found if name}
