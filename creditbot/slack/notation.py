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
    if label is None or label in _short_for(target):
        return label or target.removeprefix("mailto:")
    # Whoever reads it must see where it leads.
    return f"{label} ({target})"


def _short_for(target: str) -> set[str]:
    """The labels under which Slack itself delivers an address: as it was typed."""
    bare = re.sub(r"^(?:https?://|mailto:|tel:)", "", target)
    return {target, target.removesuffix("/"), bare, bare.removesuffix("/")}
