"""What Slack refuses in whole messages and views; each check raises the Refusal of Slack's answer."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from .limits_blocks import HOME, MESSAGE, MODAL, block
from .limits_figures import LONGEST_TABLE, cell_texts
from .limits_text import (
    PLAIN,
    Faults,
    fault,
    items,
    kind_of,
    listed,
    optional_string,
    optional_text,
    required_text,
    unknown_keys,
)
from .model import Json, Refusal
from .rendering import visible_text

LONGEST_TEXT = 40_000
"""https://docs.slack.dev/reference/methods/chat.postMessage#truncating"""
LONGEST_BLOCKS = 13_200
"""All blocks of a message together; measured, since Slack documents the error but not the number."""
MOST_IN_MESSAGE = 50
MOST_IN_VIEW = 100
MOST_CHARTS = 2

MODAL_KEYS = {
    "type",
    "title",
    "blocks",
    "close",
    "submit",
    "private_metadata",
    "callback_id",
    "clear_on_close",
    "notify_on_close",
    "external_id",
    "submit_disabled",
}
HOME_KEYS = {"type", "blocks", "private_metadata", "callback_id", "external_id"}


def check_message(text: str | None, blocks: Any, lacking: Collection[str] = ()) -> None:
    """A message's text and blocks, either of which may be missing.

    `lacking` are kinds of blocks that the workspace does not take yet, as while Slack rolls out a new one.
    """
    if not text and not blocks:
        raise Refusal("no_text")
    if text and len(text) > LONGEST_TEXT:
        raise Refusal("msg_too_long")
    if not blocks:
        return
    faults = list(_blocks(blocks, "/blocks", MESSAGE, most=MOST_IN_MESSAGE))
    faults += _lacking(blocks, "/blocks", lacking)
    if faults:
        raise Refusal("invalid_blocks", faults, errors=faults)
    if len(visible_text(blocks)) > LONGEST_BLOCKS:
        raise Refusal("msg_blocks_too_long")


def check_view(view: Any, kinds: frozenset[str] = frozenset({MODAL}), lacking: Collection[str] = ()) -> None:
    """A modal, or a Home tab where `kinds` says so. https://docs.slack.dev/reference/views"""
    faults = list(_view(view, kinds))
    if isinstance(view, dict):
        faults += _lacking(view.get("blocks"), "/view/blocks", lacking)
    if faults:
        raise Refusal("invalid_arguments", faults)


def _lacking(blocks: Any, at: str, lacking: Collection[str]) -> Faults:
    for n, part in enumerate(listed(blocks)):
        if kind_of(part) in lacking:
            yield fault(f"unsupported type: {kind_of(part)}", f"{at}/{n}/type")


def _view(view: Any, kinds: frozenset[str]) -> Faults:
    if not isinstance(view, dict):
        yield fault("must provide an object", "/view")
    elif kind_of(view) not in kinds:
        yield fault(f"unsupported type: {view.get('type')}", "/view/type")
    else:
        yield from unknown_keys(view, MODAL_KEYS if view["type"] == MODAL else HOME_KEYS, "/view")
        yield from optional_string(view, "private_metadata", "/view", most=3000, least=0)
        yield from optional_string(view, "callback_id", "/view", most=255, least=0)
        yield from optional_string(view, "external_id", "/view", most=255, least=0)
        if view["type"] == MODAL:
            yield from _modal(view)
        yield from _blocks(view.get("blocks"), "/view/blocks", view["type"], most=MOST_IN_VIEW)


def _modal(view: Json) -> Faults:
    yield from required_text(view, "title", "/view", most=24, kinds=PLAIN)
    yield from optional_text(view, "submit", "/view", most=24, kinds=PLAIN)
    yield from optional_text(view, "close", "/view", most=24, kinds=PLAIN)
    has_input = any(kind_of(part) == "input" for part in listed(view.get("blocks")))
    if has_input and not view.get("submit"):
        yield fault("missing required field: submit, since the view holds an input block", "/view")


def _blocks(blocks: Any, at: str, surface: str, *, most: int) -> Faults:
    yield from items(blocks, at, most=most, least=0 if surface == HOME else 1)
    faults = [found for n, part in enumerate(listed(blocks)) for found in block(part, f"{at}/{n}", surface)]
    yield from faults
    if not faults:
        yield from _tables_together(listed(blocks), at)
    yield from _together([part for part in listed(blocks) if isinstance(part, dict)], at)


def _tables_together(blocks: list[Json], at: str) -> Faults:
    tables = [text for part in blocks if kind_of(part) == "data_table" for text in cell_texts(part)]
    if len("".join(tables)) > LONGEST_TABLE:
        yield fault(f"must be less than {LONGEST_TABLE + 1} characters in all data tables together", at)


def _together(blocks: list[Json], at: str) -> Faults:
    kinds = Counter(kind_of(part) for part in blocks)
    if kinds["data_visualization"] > MOST_CHARTS:
        yield fault(f"no more than {MOST_CHARTS} data_visualization blocks allowed", at)
    ids = Counter(str(part["block_id"]) for part in blocks if part.get("block_id") is not None)
    for block_id, times in ids.items():
        if times > 1:
            yield fault(f"block_id `{block_id}` already exists for another block", at)
