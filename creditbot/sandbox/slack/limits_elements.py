"""What Slack refuses in the elements of blocks: buttons, selects, inputs.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Callable
from typing import Any

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
    string,
    unknown_keys,
)

Element = dict[str, Any]

SELECTS = frozenset(
    ["static_select", "external_select", "users_select", "conversations_select", "channels_select"]
)
MULTI_SELECTS = frozenset("multi_" + name for name in SELECTS)
CHOICES = SELECTS | MULTI_SELECTS | {"checkboxes", "radio_buttons", "datepicker", "timepicker"}

IN_SECTION = CHOICES | {"button", "overflow", "workflow_button", "image"}
IN_ACTIONS = CHOICES | {"button", "overflow", "workflow_button", "datetimepicker"}
IN_CONTEXT_ACTIONS = frozenset({"feedback_buttons", "icon_button"})
TYPED = frozenset(
    {"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"}
)
IN_INPUT = CHOICES | TYPED | {"datetimepicker", "file_input"}

LONGEST_ACTION_ID = 255
LONGEST_INPUT = 3000

BUTTON_KEYS = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
OPTION_KEYS = {"text", "value", "description", "url"}
CONFIRM_KEYS = {"title", "text", "confirm", "deny", "style"}
PLAIN_INPUT_KEYS = {
    "type",
    "action_id",
    "initial_value",
    "multiline",
    "min_length",
    "max_length",
    "dispatch_action_config",
    "focus_on_load",
    "placeholder",
}
STYLES = (None, "primary", "danger")


def element(value: Any, at: str, allowed: frozenset[str]) -> Faults:
    """An element of one of the `allowed` types."""
    if not isinstance(value, dict):
        yield fault("must provide an object", at)
        return
    kind = kind_of(value)
    if kind not in allowed:
        yield fault(f"unsupported type: {kind}", f"{at}/type")
        return
    if kind != "image":
        yield from optional_string(value, "action_id", at, most=LONGEST_ACTION_ID)
    yield from optional_text(value, "placeholder", at, most=150, kinds=PLAIN)
    if value.get("confirm") is not None:
        yield from confirm(value["confirm"], f"{at}/confirm")
    yield from CHECKS.get(kind, _nothing)(value, at)


def confirm(value: Any, at: str) -> Faults:
    """The dialogue that asks "are you sure?". https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object"""
    if not isinstance(value, dict):
        yield fault("must provide an object", at)
        return
    yield from unknown_keys(value, CONFIRM_KEYS, at)
    yield from required_text(value, "title", at, most=100, kinds=PLAIN)
    yield from required_text(value, "text", at, most=300)
    yield from required_text(value, "confirm", at, most=30, kinds=PLAIN)
    yield from required_text(value, "deny", at, most=30, kinds=PLAIN)
    if value.get("style") not in STYLES:
        yield fault("must be one of primary, danger", f"{at}/style")


def _nothing(_: Element, __: str) -> Faults:
    yield from ()


def _button(value: Element, at: str) -> Faults:
    yield from unknown_keys(value, BUTTON_KEYS, at)
    yield from required_text(value, "text", at, most=75, kinds=PLAIN)
    yield from optional_string(value, "value", at, most=2000)
    yield from optional_string(value, "url", at, most=3000)
    yield from optional_string(value, "accessibility_label", at, most=75)
    if value.get("style") not in STYLES:
        yield fault("must be one of primary, danger", f"{at}/style")


def _image(value: Element, at: str) -> Faults:
    if not (value.get("image_url") or value.get("slack_file")):
        yield fault("missing required field: image_url", at)
    yield from string(value.get("alt_text"), f"{at}/alt_text", most=2000)


def _plain_text_input(value: Element, at: str) -> Faults:
    yield from unknown_keys(value, PLAIN_INPUT_KEYS, at)
    most = value.get("max_length")
    if most is not None and not (isinstance(most, int) and 1 <= most <= LONGEST_INPUT):
        yield fault(f"must be between 1 and {LONGEST_INPUT}", f"{at}/max_length")
        return
    least = value.get("min_length")
    if least is not None and not (isinstance(least, int) and 0 <= least <= (most or LONGEST_INPUT)):
        yield fault(f"must be between 0 and {most or LONGEST_INPUT}", f"{at}/min_length")
    yield from optional_string(value, "initial_value", at, most=most or LONGEST_INPUT, least=0)


def _number_input(value: Element, at: str) -> Faults:
    if not isinstance(value.get("is_decimal_allowed"), bool):
        yield fault("missing required field: is_decimal_allowed", at)
    for key in ("initial_value", "min_value", "max_value"):
        # Numbers travel as strings here; JSON numbers are refused.
        yield from optional_string(value, key, at, most=100)


def _static_select(value: Element, at: str) -> Faults:
    options, groups = value.get("options"), value.get("option_groups")
    if (options is None) == (groups is None):
        yield fault("must provide either options or option_groups", at)
    elif groups is None:
        yield from _options(options, f"{at}/options", most=100, kinds=PLAIN)
    else:
        yield from items(groups, f"{at}/option_groups", most=100)
        for n, group in enumerate(listed(groups)):
            inside = f"{at}/option_groups/{n}"
            if not isinstance(group, dict):
                yield fault("must provide an object", inside)
                continue
            yield from required_text(group, "label", inside, most=75, kinds=PLAIN)
            yield from _options(group.get("options"), f"{inside}/options", most=100, kinds=PLAIN)
    yield from _initial(value, at)


def _checked_list(value: Element, at: str) -> Faults:
    yield from _options(value.get("options"), f"{at}/options", most=10)
    yield from _initial(value, at)


def _overflow(value: Element, at: str) -> Faults:
    yield from _options(value.get("options"), f"{at}/options", most=5, kinds=PLAIN)


def _options(
    value: Any, at: str, *, most: int, kinds: frozenset[str] = frozenset({"plain_text", "mrkdwn"})
) -> Faults:
    yield from items(value, at, most=most)
    for n, option in enumerate(listed(value)):
        inside = f"{at}/{n}"
        if not isinstance(option, dict):
            yield fault("must provide an object", inside)
            continue
        yield from unknown_keys(option, OPTION_KEYS, inside)
        yield from required_text(option, "text", inside, most=75, kinds=kinds)
        yield from string(option.get("value"), f"{inside}/value", most=150)
        yield from optional_text(option, "description", inside, most=75, kinds=kinds)


def all_options(value: Element) -> list[Element]:
    """The options of a select, those inside groups too."""
    groups = value.get("option_groups") or [{"options": value.get("options")}]
    return [
        option
        for group in listed(groups)
        if isinstance(group, dict)
        for option in listed(group.get("options"))
    ]


def _initial(value: Element, at: str) -> Faults:
    for option in [*listed(value.get("initial_options")), value.get("initial_option")]:
        if option is not None and option not in all_options(value):
            yield fault("must be one of the provided options", f"{at}/initial_option")


CHECKS: dict[str, Callable[[Element, str], Faults]] = {
    "button": _button,
    "image": _image,
    "plain_text_input": _plain_text_input,
    "number_input": _number_input,
    "static_select": _static_select,
    "multi_static_select": _static_select,
    "radio_buttons": _checked_list,
    "checkboxes": _checked_list,
    "overflow": _overflow,
}
