"""What Slack refuses in strings, text objects and lists; every function yields the faults that it finds.

A fault is worded and located as Slack does: `must be more than 0 characters [json-pointer:/blocks/0/text]`.
https://docs.slack.dev/reference/block-kit/composition-objects/text-object
"""

from collections.abc import Collection, Iterator
from typing import Any

Faults = Iterator[str]

PLAIN = frozenset({"plain_text"})
ANY_TEXT = frozenset({"plain_text", "mrkdwn"})
TEXT_KEYS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}


def fault(what: str, at: str) -> str:
    """A fault with the place where it is."""
    return f"{what} [json-pointer:{at}]"


def kind_of(value: Any) -> str:
    """The `type` of an object, or nothing where it has none."""
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def listed(value: Any) -> list[Any]:
    """A list to go through, empty where something else was sent."""
    return value if isinstance(value, list) else []


def string(value: Any, at: str, *, most: int, least: int = 1) -> Faults:
    """A string of `least` to `most` characters."""
    if not isinstance(value, str):
        yield fault("must provide a string", at)
    elif len(value) < least:
        yield fault(f"must be more than {least - 1} characters", at)
    elif len(value) > most:
        yield fault(f"must be less than {most + 1} characters", at)


def optional_string(holder: dict[str, Any], key: str, at: str, *, most: int, least: int = 1) -> Faults:
    """A string that may be missing."""
    if holder.get(key) is not None:
        yield from string(holder[key], f"{at}/{key}", most=most, least=least)


def text_object(value: Any, at: str, *, most: int, kinds: Collection[str] = ANY_TEXT) -> Faults:
    """A text object of one of the `kinds`, not empty, at most `most` characters long."""
    if not isinstance(value, dict):
        yield fault("must provide an object", at)
        return
    kind = kind_of(value)
    if kind not in kinds:
        wanted = " or ".join(sorted(kinds))
        yield fault(f"unsupported type: {kind}, must be {wanted}", f"{at}/type")
        return
    yield from unknown_keys(value, TEXT_KEYS[kind], at)
    yield from string(value.get("text"), f"{at}/text", most=most)


def optional_text(
    holder: dict[str, Any], key: str, at: str, *, most: int, kinds: Collection[str] = ANY_TEXT
) -> Faults:
    """A text object that may be missing."""
    if holder.get(key) is not None:
        yield from text_object(holder[key], f"{at}/{key}", most=most, kinds=kinds)


def required_text(
    holder: dict[str, Any], key: str, at: str, *, most: int, kinds: Collection[str] = ANY_TEXT
) -> Faults:
    """A text object that must be there."""
    if holder.get(key) is None:
        yield fault(f"missing required field: {key}", at)
    else:
        yield from text_object(holder[key], f"{at}/{key}", most=most, kinds=kinds)


def items(value: Any, at: str, *, most: int, least: int = 1) -> Faults:
    """A list of `least` to `most` items."""
    if not isinstance(value, list):
        yield fault("must provide an array", at)
    elif len(value) < least:
        yield fault(f"no less than {least} items allowed", at)
    elif len(value) > most:
        yield fault(f"no more than {most} items allowed", at)


def unknown_keys(value: dict[str, Any], known: Collection[str], at: str) -> Faults:
    """Keys that Slack doesn't know in this object, which it refuses rather than ignores."""
    for key in value:
        if key not in known:
            yield fault(f"invalid additional property: {key}", at)
