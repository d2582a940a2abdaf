"""Slack's notation for people, channels and links in what was typed, undone."""

import re

_REFERENCE = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def plain(text: str) -> str:
    """Undo what Slack does to typed text: `<@U1|bo>` -> @bo, `<mailto:a@b.c|a@b.c>` -> a@b.c, `&amp;` -> &.

    A command with `should_escape` delivers people, channels and links in this notation, and a subuser
    may well be called `john@example.com`.
    Source: docs.slack.dev/interactivity/implementing-slash-commands and .../messaging/formatting-message-text
    """
    text = _REFERENCE.sub(_spelled_out, text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _spelled_out(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target[:1] == "@":
        return f"@{label or target[1:]}"
    if target[:1] == "#":
        return f"#{label or target[1:]}"
    if target[:1] == "!":
        return label or f"@{target[1:].partition('^')[0]}"
    return label or target.removeprefix("mailto:")
