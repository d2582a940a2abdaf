"""Finding one's way in the blocks of a message or a view."""

import copy
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]

CONTROLS = frozenset(
    [
        "button",
        "icon_button",
        "workflow_button",
        "feedback_buttons",
        "overflow",
        "checkboxes",
        "radio_buttons",
        "static_select",
        "external_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "multi_static_select",
        "multi_external_select",
        "multi_users_select",
        "multi_conversations_select",
        "multi_channels_select",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "plain_text_input",
        "number_input",
        "email_text_input",
        "url_text_input",
        "rich_text_input",
        "file_input",
    ]
)
"""The elements that a person can do something with."""


def with_ids(blocks: Iterable[Json]) -> list[Json]:
    """A copy in which every block has a `block_id` and every control an `action_id`, as Slack sees to."""
    filled = copy.deepcopy(list(blocks))
    for block in filled:
        _fill_block(block)
    return filled


def _fill_block(block: Json) -> None:
    block.setdefault("block_id", secrets.token_urlsafe(4))
    for child in block.get("child_blocks", []):
        _fill_block(child)
    for _, element in controls([block]):
        element.setdefault("action_id", secrets.token_urlsafe(4))


def controls(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Each control with the block that holds it, from top to bottom."""
    for block in blocks:
        yield from _controls(block, block)


def _controls(part: Any, block: Json) -> Iterator[tuple[Json, Json]]:
    if isinstance(part, list):
        for item in part:
            yield from _controls(item, block)
    elif isinstance(part, dict):
        if str(part.get("type")) in CONTROLS:
            yield block, part
            return
        inner = part if "block_id" in part else block
        for value in part.values():
            yield from _controls(value, inner)


def button_named(blocks: Iterable[Json], name: str, block_id: str | None = None) -> tuple[Json, Json]:
    """The first button with this visible text or `action_id`, and its block; LookupError for none.

    With `block_id` it is looked for in that block only.
    """
    buttons = [
        (block, element)
        for block, element in controls(blocks)
        if element["type"].endswith("button") and block_id in (None, block["block_id"])
    ]
    for block, button in buttons:
        if label(button) == name:
            return block, button
    for block, button in buttons:
        if button.get("action_id") == name:
            return block, button
    there = ", ".join(repr(label(button)) for _, button in buttons) or "no buttons"
    raise LookupError(f"no button {name!r} here; there are: {there}")


def choice_named(blocks: Iterable[Json], name: str, block_id: str | None = None) -> tuple[Json, Json]:
    """The first select or menu with this `action_id` or placeholder, and its block; LookupError for none.

    With `block_id` it is looked for in that block only.
    """
    for block, element in controls(blocks):
        has_options = "options" in element or "option_groups" in element
        in_sight = has_options and block_id in (None, block["block_id"])
        if in_sight and name in (element["action_id"], label(element, "placeholder")):
            return block, element
    raise LookupError(f"no select or menu {name!r} here")


def label(part: Json, key: str = "text") -> str:
    """The characters of a text object inside `part`, or nothing."""
    text = part.get(key)
    return str(text.get("text", "")) if isinstance(text, dict) else ""
