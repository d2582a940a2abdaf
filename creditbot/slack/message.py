"""A message as Slack takes it: blocks to look at, and a text for notifications and screen readers."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
    TextObject,
)

from creditbot.domain.text import escape

HEADER_MAX = 150
SECTION_MAX = 3000


@dataclass(frozen=True, slots=True)
class Message:
    """`text` says all that matters by itself; `blocks` may be empty."""

    text: str
    blocks: Sequence[Block] = ()

    def payload(self) -> dict[str, Any]:
        """The arguments that every way of sending a message shares."""
        payload: dict[str, Any] = {"text": self.text}
        if self.blocks:
            payload["blocks"] = [block.to_dict() for block in self.blocks]
        return payload


def sentence(text: str) -> Message:
    """A plain answer, in mrkdwn of our own making."""
    return Message(text, [section(text)])


def mrkdwn(text: str) -> MarkdownTextObject:
    """Our own markup. `verbatim` keeps Slack from making links and mentions of what people typed."""
    return MarkdownTextObject(text=_cut(text, SECTION_MAX), verbatim=True)


def plain(text: str) -> PlainTextObject:
    """Text that people typed, shown as it is: nothing in it formats, links or mentions."""
    return PlainTextObject(text=_cut(text, SECTION_MAX), emoji=False)


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=_cut(text, HEADER_MAX), emoji=False))


def section(text: str) -> SectionBlock:
    return SectionBlock(text=mrkdwn(text))


def typed(text: str) -> SectionBlock:
    return SectionBlock(text=plain(text))


def facts(rows: Iterable[tuple[str, str]]) -> SectionBlock:
    """Name and value pairs, in two columns on a wide screen; Slack takes ten of them at most."""
    fields: list[str | TextObject] = [mrkdwn(f"*{name}*\n{value}") for name, value in rows]
    return SectionBlock(fields=fields)


def context(*texts: str | PlainTextObject) -> ContextBlock:
    return ContextBlock(elements=[mrkdwn(text) if isinstance(text, str) else text for text in texts])


def moment(at: datetime) -> str:
    """A time in the reader's own time zone; where Slack can't, in UTC."""
    return f"<!date^{int(at.timestamp())}^{{date_short}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def day_or_moment(text: str) -> str:
    """SendGrid's date. A day stays the day that SendGrid means; a time is shown in the reader's zone."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return escape(text)
        if at.tzinfo is not None:
            return moment(at)
    return escape(text)


def linked(words: str, url: str | None) -> str:
    """Our own words as a link in mrkdwn, or as they are if there is nowhere to link to."""
    return words if url is None else f"<{url}|{words}>"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
