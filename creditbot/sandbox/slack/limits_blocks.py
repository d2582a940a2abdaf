"""What Slack refuses in single blocks. https://docs.slack.dev/reference/block-kit/blocks"""

from collections.abc import Callable
from typing import Any

from .limits_elements import IN_ACTIONS, IN_CONTEXT_ACTIONS, IN_INPUT, IN_SECTION, element
from .limits_figures import data_table, data_visualization, table
from .limits_rich_text import rich_text
from .limits_text import (
    ANY_TEXT,
    PLAIN,
    Faults,
    fault,
    items,
    kind_of,
    listed,
    optional_string,
    optional_text,
    required_text,
    string,
    text_object,
    unknown_keys,
)

Block = dict[str, Any]

MESSAGE, MODAL, HOME = "message", "modal", "home"
EVERYWHERE = frozenset({MESSAGE, MODAL, HOME})
IN_MESSAGES = frozenset({MESSAGE})

SURFACES = {
    "section": EVERYWHERE,
    "divider": EVERYWHERE,
    "header": EVERYWHERE,
    "context": EVERYWHERE,
    "actions": EVERYWHERE,
    "image": EVERYWHERE,
    "input": EVERYWHERE,
    "rich_text": EVERYWHERE,
    "video": EVERYWHERE,
    "alert": frozenset({MODAL}),
    "call": IN_MESSAGES,
    "card": IN_MESSAGES,
    "carousel": IN_MESSAGES,
    "container": IN_MESSAGES,
    "context_actions": IN_MESSAGES,
    "data_table": frozenset({MESSAGE, HOME}),
    "data_visualization": IN_MESSAGES,
    "file": IN_MESSAGES,
    "markdown": IN_MESSAGES,
    "plan": IN_MESSAGES,
    "table": IN_MESSAGES,
    "task_card": IN_MESSAGES,
}
"""Where each block may stand."""

KEYS = {
    "section": {"text", "fields", "accessory", "expand"},
    "divider": set[str](),
    "header": {"text", "level"},
    "context": {"elements"},
    "actions": {"elements"},
    "input": {"label", "element", "dispatch_action", "hint", "optional"},
    "alert": {"text", "level"},
    "markdown": {"text"},
    "table": {"rows", "column_settings"},
    "data_table": {"rows", "caption", "page_size", "row_header_column_index"},
    "data_visualization": {"title", "chart"},
    "rich_text": {"elements"},
}
"""What a block may hold besides `type` and `block_id`, where that is known for certain."""

ALERT_LEVELS = (None, "default", "info", "warning", "error", "success")


def block(value: Any, at: str, surface: str) -> Faults:
    """A block that stands in a message, a modal or the Home tab."""
    if not isinstance(value, dict):
        yield fault("must provide an object", at)
        return
    kind = kind_of(value)
    if surface not in SURFACES.get(kind, ()):
        yield fault(f"unsupported type: {kind}", f"{at}/type")
        return
    yield from optional_string(value, "block_id", at, most=255)
    if kind in KEYS:
        yield from unknown_keys(value, KEYS[kind] | {"type", "block_id"}, at)
    if kind == "container":
        yield from _container(value, at, surface)
    else:
        yield from CHECKS.get(kind, _nothing)(value, at)


def _nothing(_: Block, __: str) -> Faults:
    yield from ()


def _section(value: Block, at: str) -> Faults:
    fields = value.get("fields")
    if value.get("text") is None and fields is None:
        yield fault("missing required field: text or fields", at)
    yield from optional_text(value, "text", at, most=3000)
    if fields is not None:
        yield from items(fields, f"{at}/fields", most=10)
        for n, field in enumerate(listed(fields)):
            yield from text_object(field, f"{at}/fields/{n}", most=2000)
    if value.get("accessory") is not None:
        yield from element(value["accessory"], f"{at}/accessory", IN_SECTION)


def _header(value: Block, at: str) -> Faults:
    yield from required_text(value, "text", at, most=150, kinds=PLAIN)


def _context(value: Block, at: str) -> Faults:
    elements = value.get("elements")
    yield from items(elements, f"{at}/elements", most=10)
    for n, part in enumerate(listed(elements)):
        inside = f"{at}/elements/{n}"
        if kind_of(part) == "image":
            yield from element(part, inside, frozenset({"image"}))
        else:
            yield from text_object(part, inside, most=3000)


def _actions(value: Block, at: str) -> Faults:
    yield from _elements(value, at, IN_ACTIONS, most=25)


def _context_actions(value: Block, at: str) -> Faults:
    yield from _elements(value, at, IN_CONTEXT_ACTIONS, most=5)


def _elements(value: Block, at: str, allowed: frozenset[str], *, most: int) -> Faults:
    elements = value.get("elements")
    yield from items(elements, f"{at}/elements", most=most)
    seen = set[str]()
    for n, part in enumerate(listed(elements)):
        inside = f"{at}/elements/{n}"
        yield from element(part, inside, allowed)
        action_id = part.get("action_id") if isinstance(part, dict) else None
        if isinstance(action_id, str):
            if action_id in seen:
                yield fault(
                    f"action_id `{action_id}` already exists for another action", f"{inside}/action_id"
                )
            seen.add(action_id)


def _input(value: Block, at: str) -> Faults:
    yield from required_text(value, "label", at, most=2000, kinds=PLAIN)
    yield from optional_text(value, "hint", at, most=2000, kinds=PLAIN)
    if value.get("element") is None:
        yield fault("missing required field: element", at)
    else:
        yield from element(value["element"], f"{at}/element", IN_INPUT)


def _image(value: Block, at: str) -> Faults:
    yield from element({**value, "type": "image"}, at, frozenset({"image"}))
    yield from optional_text(value, "title", at, most=2000, kinds=PLAIN)


def _markdown(value: Block, at: str) -> Faults:
    yield from string(value.get("text"), f"{at}/text", most=12_000)


def _alert(value: Block, at: str) -> Faults:
    yield from required_text(value, "text", at, most=3000)
    if value.get("level") not in ALERT_LEVELS:
        yield fault("must be one of default, info, warning, error, success", f"{at}/level")


def _card(value: Block, at: str) -> Faults:
    if not any(value.get(key) for key in ("hero_image", "title", "actions", "body")):
        yield fault("missing required field: hero_image, title, actions or body", at)
    yield from optional_text(value, "title", at, most=150)
    yield from optional_text(value, "subtitle", at, most=150)
    yield from optional_text(value, "body", at, most=200)
    for n, action in enumerate(listed(value.get("actions"))):
        yield from element(action, f"{at}/actions/{n}", IN_ACTIONS)


def _container(value: Block, at: str, surface: str) -> Faults:
    if value.get("title") is None and value.get("rich_text_title") is None:
        yield fault("missing required field: title or rich_text_title", at)
    yield from optional_text(value, "title", at, most=150, kinds=PLAIN)
    yield from optional_text(value, "subtitle", at, most=150, kinds=ANY_TEXT)
    children = value.get("child_blocks")
    yield from items(children, f"{at}/child_blocks", most=10)
    for n, child in enumerate(listed(children)):
        yield from block(child, f"{at}/child_blocks/{n}", surface)


CHECKS: dict[str, Callable[[Block, str], Faults]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "input": _input,
    "image": _image,
    "markdown": _markdown,
    "alert": _alert,
    "table": table,
    "rich_text": rich_text,
    "card": _card,
    "data_table": data_table,
    "data_visualization": data_visualization,
}
