"""What Slack refuses in rich text. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""

from typing import Any

from .limits_text import Faults, fault, items, kind_of, listed, string, unknown_keys

RICH_PARTS = frozenset({"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"})
INLINES = {
    "text": ("text",),
    "link": ("url", "text", "unsafe"),
    "user": ("user_id",),
    "usergroup": ("usergroup_id",),
    "channel": ("channel_id",),
    "broadcast": ("range",),
    "emoji": ("name",),
    "date": (),
    "color": (),
}
"""What a rich text is made of; the first key of each is required."""


def rich_text(value: dict[str, Any], at: str) -> Faults:
    """A rich text, as a block or in a cell."""
    parts = value.get("elements")
    yield from items(parts, f"{at}/elements", most=100, least=0)
    for n, part in enumerate(listed(parts)):
        inside = f"{at}/elements/{n}"
        if kind_of(part) not in RICH_PARTS:
            yield fault(f"unsupported type: {kind_of(part)}", f"{inside}/type")
        elif kind_of(part) != "rich_text_list":
            yield from items(part.get("elements"), f"{inside}/elements", most=100, least=0)
            for m, inline in enumerate(listed(part.get("elements"))):
                yield from _inline(inline, f"{inside}/elements/{m}")


def _inline(value: Any, at: str) -> Faults:
    kind = kind_of(value)
    if kind not in INLINES:
        yield fault(f"unsupported type: {kind}", f"{at}/type")
        return
    if kind in {"text", "link"}:
        yield from unknown_keys(value, {"type", "style", *INLINES[kind]}, at)
    for key in INLINES[kind][:1]:
        yield from string(value.get(key), f"{at}/{key}", most=3000)
