"""A message or a form as Slack takes it.

Every block, element and text object is made here, so that each keeps Slack's bounds whatever is in it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from creditbot.domain.markup import escape, people
from creditbot.domain.text import count

from . import addresses, bounds
from .bounds import Json, cut, cut_plain, fitting, length, whole
from .new_blocks import PLAINER

NAMED = 20
"""People that are named in one place: a card mentions each of them."""

Text = Json
Block = Json
Button = Json
Confirmation = Json
View = Json
"""As Slack takes them; built by the functions here and changed by nobody."""


@dataclass(frozen=True, slots=True)
class Message:
    """`text` says all that matters by itself; `blocks` may be empty.

    `plainer` blocks say the same without those that a workspace may not take yet.
    """

    text: str
    blocks: Sequence[Block] = ()
    plainer: Sequence[Block] = ()

    def payload(self) -> Json:
        """The arguments that every way of sending a message shares, and the plainer blocks for the sender."""
        payload: Json = {"text": cut(self.text, bounds.TEXT)}
        if self.blocks:
            payload["blocks"] = fitting(self.blocks)
        if self.blocks and self.plainer:
            payload[PLAINER] = fitting(self.plainer)
        return payload


def sentence(text: str) -> Message:
    """A plain answer, in mrkdwn of our own making."""
    return Message(text, [section(text)])


def mrkdwn(text: str, most: int = bounds.SECTION) -> Text:
    """Our own markup. `verbatim` keeps Slack from making links and mentions of what people typed."""
    return {"type": "mrkdwn", "text": cut(text, most), "verbatim": True}


def plain(text: str, most: int = bounds.PLAIN_SECTION) -> Text:
    """Text that people typed, shown as it is: nothing in it formats, links or mentions."""
    return {"type": "plain_text", "text": cut_plain(text, most), "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, bounds.HEADER)}


def section(text: str, *, accessory: Button | None = None) -> Block:
    """`accessory` stands beside it on a wide screen."""
    return {"type": "section", "text": mrkdwn(text)} | _given(accessory=accessory)


def typed(text: str) -> Block:
    """What people typed, with its web addresses as links: each is shown as it is, so none can be disguised.

    Nothing in a rich text is read as markup either; its links are elements of their own.
    """
    parts = list(addresses.parts(cut_plain(text, bounds.PLAIN_SECTION)))
    if not any(part.address for part in parts):
        return {"type": "section", "text": plain(text)}
    elements = [
        {"type": "link", "url": part.text, "text": part.text}
        if part.address
        else {"type": "text", "text": part.text}
        for part in parts
    ]
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def code_block(lines: Iterable[str]) -> Block:
    """Lines in which each character has the same width. What does not fit is left out, and seen to be."""
    room = bounds.SECTION - 2 * len(bounds.FENCE) - 2
    kept = []
    for line in map(escape, lines):
        room -= length(line) + 1
        if room < 0:
            kept.append(bounds.MORE)
            break
        kept.append(line)
    return section(bounds.FENCE + "\n".join(kept) + bounds.FENCE)


def facts(rows: Iterable[tuple[str, str]]) -> Block:
    """Name and value pairs, ten at most, in two columns on a wide screen."""
    fields = [mrkdwn(f"*{name}*\n{value}", bounds.FIELD) for name, value in rows]
    return {"type": "section", "fields": fields[: bounds.FIELDS]}


def context(*texts: str | Text) -> Block:
    """Small print: ten texts at most."""
    elements = [mrkdwn(text) if isinstance(text, str) else text for text in texts]
    return {"type": "context", "elements": elements[: bounds.CONTEXTS]}


def button(
    label: str,
    action_id: str,
    value: str,
    *,
    style: str | None = None,
    confirm: Confirmation | None = None,
    spoken: str | None = None,
) -> Button:
    """`spoken` is what screen readers say where the label alone does not tell what it is about."""
    return {
        "type": "button",
        "text": plain(label, bounds.BUTTON),
        "action_id": whole(action_id, bounds.ID),
        "value": whole(value, bounds.VALUE),
    } | _given(
        style=style,
        confirm=confirm,
        accessibility_label=cut_plain(spoken, bounds.BUTTON) if spoken else None,
    )


def confirmation(title: str, *texts: str, yes: str, no: str) -> Confirmation:
    """What a button asks before it counts.

    `texts` say the same, each in fewer words: the first that fits is shown, so that what is decided is there
    to the letter.
    """
    fitting_text = next((text for text in texts if length(text) <= bounds.CONFIRM), texts[-1])
    return {
        "title": plain(title, bounds.CONFIRM_TITLE),
        "text": plain(fitting_text, bounds.CONFIRM),
        "confirm": plain(yes, bounds.CONFIRM_BUTTON),
        "deny": plain(no, bounds.CONFIRM_BUTTON),
    }


def actions(block_id: str, *buttons: Button) -> Block:
    return {
        "type": "actions",
        "block_id": whole(block_id, bounds.ID),
        "elements": list(buttons[: bounds.BUTTONS]),
    }


def modal(
    callback_id: str,
    title: str,
    blocks: Sequence[Block],
    *,
    close: str,
    submit: str | None = None,
    private_metadata: str | None = None,
) -> View:
    """A form. A part of its `private_metadata` means nothing, so what is too long is left out."""
    too_long = private_metadata is not None and length(private_metadata) > bounds.PRIVATE_METADATA
    return {
        "type": "modal",
        "callback_id": whole(callback_id, bounds.ID),
        "title": plain(title, bounds.MODAL_TITLE),
        "close": plain(close, bounds.MODAL_TITLE),
        "blocks": fitting(blocks),
    } | _given(
        submit=plain(submit, bounds.MODAL_TITLE) if submit else None,
        private_metadata=None if too_long else private_metadata or None,
    )


def home(callback_id: str, blocks: Sequence[Block], plainer: Sequence[Block] = ()) -> View:
    """What the Home tab of one person shows; it takes tables, but no charts.

    https://docs.slack.dev/reference/views/home-tab-views
    """
    return {
        "type": "home",
        "callback_id": whole(callback_id, bounds.ID),
        "blocks": _for_home(blocks),
    } | _given(**{PLAINER: _for_home(plainer) if plainer else None})


def _for_home(blocks: Sequence[Block]) -> list[Block]:
    return fitting(blocks, bounds.HOME_BLOCKS, bounds.ALL_HOME_BLOCKS)


def text_input(
    name: str,
    label: str,
    *,
    longest: int,
    hint: str,
    value: str = "",
    example: str | None = None,
    multiline: bool = False,
) -> Block:
    """A field to type in; its block's and action's ID are its name."""
    element = {"type": "plain_text_input", "action_id": name, "max_length": longest} | _given(
        initial_value=value[:longest] or None,
        multiline=multiline or None,
        placeholder=plain(f"e.g. {example}", bounds.PLACEHOLDER) if example else None,
    )
    return _field(name, label, element) | {"hint": plain(hint, bounds.LABEL)}


def choice(name: str, label: str, options: Sequence[tuple[str, str]], *, chosen: str) -> Block:
    """A field to choose in, from values and their labels."""
    offered = {
        value: {"value": whole(value, bounds.OPTION), "text": plain(shown, bounds.OPTION)}
        for value, shown in options[: bounds.OPTIONS]
    }
    element = {
        "type": "static_select",
        "action_id": name,
        "options": [*offered.values()],
        "initial_option": offered[chosen],
    }
    return _field(name, label, element)


def _field(name: str, label: str, element: Json) -> Block:
    return {
        "type": "input",
        "block_id": whole(name, bounds.ID),
        "label": plain(label, bounds.LABEL),
        "element": element,
    }


def _given(**optional: object) -> Json:
    """What Slack takes for absent only if it is not there at all."""
    return {name: value for name, value in optional.items() if value is not None}


def several(identifiers: Sequence[str]) -> str:
    """The first of several people and groups, and how many more there are."""
    more = len(identifiers) - NAMED
    return people(identifiers[:NAMED]) + (f" and {count(more, 'other')}" if more > 0 else "")


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
