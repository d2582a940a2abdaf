"""Filling in a modal as a person does, with what Slack's own client refuses to send."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from .blocks import controls, label
from .limits_elements import all_options
from .model import Json, View

LONGEST = 3000

STATE_KEYS = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
}
"""Under which key each control tells its value. https://docs.slack.dev/reference/views#state"""

Field = tuple[Json, Json]
"""A block, and the control in it."""


def filled_in(view: View, values: Mapping[str, str]) -> Json:
    """The `state.values` of a modal into which a person put `values`.

    A key is a `block_id`, an `action_id` or the label on the screen; several values of one control are
    separated by commas. What isn't named keeps what it held. LookupError where there is no such control or
    option, ValueError where Slack would not let the person submit.
    """
    fields = list(_fields(view))
    typed = {id(_named(fields, key)[1]): value for key, value in values.items()}
    held = [
        _chosen(element, typed[id(element)]) if id(element) in typed else _before(view, block, element)
        for block, element in fields
    ]
    state: Json = {}
    for (block, element), value in zip(fields, held, strict=True):
        _check(block, element, value)
        told = {"type": element["type"], STATE_KEYS[element["type"]]: value}
        state.setdefault(block["block_id"], {})[element["action_id"]] = told
    return state


def _fields(view: View) -> Iterator[Field]:
    for block, element in controls(view.view["blocks"]):
        if element["type"] in STATE_KEYS:
            yield block, element


def _named(fields: list[Field], key: str) -> Field:
    for name in (_block_id, _action_id, _label):
        for field in fields:
            if name(*field) == key:
                return field
    there = ", ".join(repr(_label(*field) or _action_id(*field)) for field in fields) or "no inputs"
    raise LookupError(f"no input {key!r} in this modal; there are: {there}")


def _block_id(block: Json, _: Json) -> str:
    return str(block["block_id"])


def _action_id(_: Json, element: Json) -> str:
    return str(element["action_id"])


def _label(block: Json, _: Json) -> str:
    return label(block, "label")


def _chosen(element: Json, given: str) -> Any:
    match STATE_KEYS[element["type"]]:
        case "selected_option":
            return option_named(element, given) if given else None
        case "selected_options":
            return [option_named(element, name.strip()) for name in given.split(",") if name.strip()]
        case "selected_users":
            return [name.strip() for name in given.split(",") if name.strip()]
        case "selected_date_time":
            return int(given) if given else None
        case _:
            return given or None


def option_named(element: Json, given: str) -> Json:
    """The option with this value or visible text; LookupError where there is none."""
    for option in all_options(element):
        if given in (option["value"], label(option)):
            return option
    there = ", ".join(repr(label(option)) for option in all_options(element))
    raise LookupError(f"no option {given!r} here; there are: {there}")


def _before(view: View, block: Json, element: Json) -> Any:
    """What the control held: what was typed earlier, or what the bot put there."""
    key = STATE_KEYS[element["type"]]
    earlier = view.state.get(block["block_id"], {}).get(element["action_id"])
    if earlier is not None and earlier["type"] == element["type"]:
        return earlier[key]
    initial = element.get("initial_" + key.removeprefix("selected_"))
    return [] if initial is None and key.endswith("s") else initial


def _check(block: Json, element: Json, value: Any) -> None:
    name = _label(block, element) or element["action_id"]
    if value is None or value == []:
        if block["type"] == "input" and not block.get("optional"):
            raise ValueError(f"{name!r} must be filled in")
    elif element["type"] == "number_input":
        _check_number(name, element, str(value))
    elif element["type"] == "plain_text_input":
        most, least = element.get("max_length") or LONGEST, element.get("min_length") or 0
        if not least <= len(value) <= most:
            raise ValueError(f"{name!r} takes {least} to {most} characters, and got {len(value)}")


def _check_number(name: str, element: Json, value: str) -> None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{name!r} takes a number, not {value!r}") from None
    if not element["is_decimal_allowed"] and number != number.to_integral_value():
        raise ValueError(f"{name!r} takes a whole number, not {value}")
    least, most = element.get("min_value"), element.get("max_value")
    if (least is not None and number < Decimal(least)) or (most is not None and number > Decimal(most)):
        raise ValueError(f"{name!r} takes a number from {least} to {most}, not {value}")
