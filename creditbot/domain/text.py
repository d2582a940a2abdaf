"""How numbers, people and typed text are written for people, everywhere the same.

Sentences are in Slack's mrkdwn; `without_markup` makes plain text of one for a terminal, `for_a_field` for a
form.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta


def number(value: int) -> str:
    """1234567 -> 1,234,567, and a balance below zero -> −5"""
    return f"{value:,}".replace("-", "\u2212")


def signed(value: int) -> str:
    """A change always carries its sign: 5000 -> +5,000 and -5000 -> −5,000, with a minus sign."""
    return f"{value:+,}".replace("-", "\u2212")


def credits_(value: int) -> str:
    """A change with its unit: +1 credit, −5,000 credits"""
    return f"{signed(value)} credit" if abs(value) == 1 else f"{signed(value)} credits"


OPERATOR = "operator"
"""Who acts from the command line, where Slack vouches for nobody; a colon and a name may follow."""


def operator(name: str) -> str:
    """Who acts from the command line, by the name that they give: alice -> operator:alice"""
    return f"{OPERATOR}:{name}"


def is_operator(identifier: str) -> bool:
    return identifier == OPERATOR or identifier.startswith(f"{OPERATOR}:")


def person(identifier: str) -> str:
    """Slack's own notation for a person or a user group, from its ID; an operator's name as it was given."""
    if is_operator(identifier):
        name = identifier.removeprefix(OPERATOR).removeprefix(":")
        return f"{literal(name)} (command line)" if name else "whoever runs creditbot"
    return f"<!subteam^{identifier}>" if identifier.startswith("S") else f"<@{identifier}>"


def people(identifiers: Iterable[str]) -> str:
    """Several people or user groups, in the order given."""
    return ", ".join(person(identifier) for identifier in identifiers)


def count(value: int, noun: str) -> str:
    """1 approval, 2 approvals"""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"


SPANS = (("day", 86_400, 172_800), ("hour", 3600, 7200), ("minute", 60, 60), ("second", 1, 0))
"""Units of time, their seconds, and from how many seconds on one is used: hours tell enough of a morning."""


def span(duration: timedelta) -> str:
    """How long it was, to be put after "the": 12 seconds, minute, 41 minutes, 3 hours, 2 days"""
    seconds = max(1, int(duration.total_seconds()))
    unit, length = next((unit, length) for unit, length, least in SPANS if seconds >= least)
    value = seconds // length
    return unit if value == 1 else count(value, unit)


def length(duration: timedelta) -> str:
    """The same, to be put after "after" or "in": 1 minute, 41 minutes"""
    text = span(duration)
    return text if text[0].isdigit() else f"1 {text}"


COMMAND = "/credits"
"""The command in texts of our own; `named` puts in what it is called in a workspace."""

WORD_JOINER = "\u2060"
"""Shows nothing, and keeps what it stands in from being taken for a mention, an address or our command."""

TAKEN_FOR_MORE = re.compile(rf"@(?=here|channel|everyone)|:(?=//)|/(?={COMMAND[1:]})", re.IGNORECASE)


def escape(text: str) -> str:
    """Foreign text for a mrkdwn sentence: it can't link, mention a person or a group, or call a channel.

    `@here` and `https://` need more than the three entities, since Slack may take them as they stand, and a
    lone backtick would make code of what follows. It can still format, so what people type goes through
    `literal`.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")
    return TAKEN_FOR_MORE.sub(rf"\g<0>{WORD_JOINER}", text)


_OURS = re.compile(rf"(?<![\w/]){COMMAND}(?![\w/-])")
"""Not a path that ends in the same word, and not what `escape` has marked as typed."""


def named(text: str, command: str) -> str:
    """A text of ours in which the command has the name that it has in a workspace."""
    return _OURS.sub(command, text)


def literal(text: str) -> str:
    """Typed text as a code span, in which Slack formats nothing and draws no emoji."""
    return f"`{escape(text)}`"


BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and a Braille pattern by their category, which nevertheless show nothing."""


def unseen(character: str) -> bool:
    """Whether a character shows nothing, and is not white space either."""
    return character in BLANKS or unicodedata.category(character).startswith("C")


def quoted(text: str) -> str:
    """What a person typed, short enough to be quoted back; what can't be seen is shown as a box."""
    seen = "".join("□" if unseen(char) else char for char in text)
    return literal(seen if len(seen) <= 40 else f"{seen[:40]}…")


_REFERENCE = re.compile(r"<(?:@|#|!subteam\^|!date\^)(?P<id>[^|>]*)(?:\|(?P<label>[^>]*))?>")


def without_markup(sentence: str) -> str:
    """A mrkdwn sentence as plain text: no code spans, no bold, no entities, IDs for people."""
    return for_a_field(sentence).replace(WORD_JOINER, "")


def for_a_field(sentence: str) -> str:
    """The same for a field of Slack's, which still has to tell typed text from our own.

    What stands in a code span was typed by a person or is to be typed, so its asterisks stay.
    """
    parts = sentence.split("`")
    parts[::2] = [part.replace("*", "") for part in parts[::2]]
    parts[::2] = [_REFERENCE.sub(lambda found: found["label"] or found["id"], part) for part in parts[::2]]
    return "".join(parts).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
