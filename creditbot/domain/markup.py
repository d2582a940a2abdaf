"""The notation of sentences: who or what is meant, what was typed, and how to read it without markup.

Rules make sentences from `person`, `channel` and `literal`, and need not know how those are written. It is as
Slack writes them, here and nowhere else in the domain: sentences are kept with requests, and in events whose
hashes vouch for every character, so that one notation must be read for as long as the ledger is.
"""

import re
from collections.abc import Iterable

from .operators import OPERATOR, is_operator
from .text import boxed


def person(identifier: str) -> str:
    """A person or a user group, from its ID; an operator's name as it was given."""
    if is_operator(identifier):
        name = identifier.removeprefix(OPERATOR).removeprefix(":")
        return f"{literal(name)} (command line)" if name else "whoever runs creditbot"
    return f"<!subteam^{identifier}>" if identifier.startswith("S") else f"<@{identifier}>"


def channel(identifier: str) -> str:
    """A channel, from its ID."""
    return f"<#{identifier}>"


def people(identifiers: Iterable[str]) -> str:
    """Several people or user groups, in the order given."""
    return ", ".join(person(identifier) for identifier in identifiers)


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


def quoted(text: str) -> str:
    """What a person typed, short enough to be quoted back; what can't be seen is shown as a box."""
    seen = boxed(text)
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
