"""What Slack delivers, read into typed values before anything acts on it.

Shapes: docs.slack.dev/interactivity/implementing-slash-commands and
docs.slack.dev/reference/interaction-payloads
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from creditbot.domain.errors import DomainError


class UnreadablePayload(Exception):
    """A payload lacks what Slack always sends; it is answered with 400."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """Someone typed `/credits …`."""

    user: str
    channel: str
    text: str
    trigger_id: str
    response_url: str


@dataclass(frozen=True, slots=True)
class Click:
    """Someone pressed a button; `ts` is None where the message can't be changed (an ephemeral one)."""

    user: str
    channel: str
    ts: str | None
    value: str
    trigger_id: str
    response_url: str | None

    @property
    def request_id(self) -> int:
        """The request that the button is about.

        Raises:
            DomainError: the button carries something else.
        """
        if not re.fullmatch(r"[0-9]{1,18}", self.value):
            raise DomainError(
                "This button is not for a request that creditbot knows. "
                "`/credits pending` lists those that wait."
            )
        return int(self.value)


@dataclass(frozen=True, slots=True)
class Submission:
    """Someone sent a form; `values` has what was filled in, by the block's ID."""

    user: str
    view_id: str
    private_metadata: str
    values: Mapping[str, str]


def read_command(body: Mapping[str, Any]) -> SlashCommand:
    return SlashCommand(
        user=_text(body, "user_id"),
        channel=_text(body, "channel_id"),
        text=_optional(body, "text") or "",
        trigger_id=_text(body, "trigger_id"),
        response_url=_text(body, "response_url"),
    )


def read_click(body: Mapping[str, Any]) -> Click:
    container = _inside(body, "container")
    actions = body.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], Mapping):
        raise UnreadablePayload("no actions")
    changeable = container.get("type") == "message" and not container.get("is_ephemeral")
    return Click(
        user=_text(_inside(body, "user"), "id"),
        channel=_optional(container, "channel_id") or "",
        ts=_optional(container, "message_ts") if changeable else None,
        value=_optional(actions[0], "value") or "",
        trigger_id=_text(body, "trigger_id"),
        response_url=_optional(body, "response_url"),
    )


def read_submission(body: Mapping[str, Any]) -> Submission:
    view = _inside(body, "view")
    values: dict[str, str] = {}
    for block_id, elements in _inside(_inside(view, "state"), "values").items():
        if isinstance(elements, Mapping):
            values[block_id] = next((_filled_in(element) for element in elements.values()), "")
    return Submission(
        user=_text(_inside(body, "user"), "id"),
        view_id=_text(view, "id"),
        private_metadata=_optional(view, "private_metadata") or "",
        values=values,
    )


def _filled_in(element: Any) -> str:
    """The value of a text input, or of the option that was selected."""
    if not isinstance(element, Mapping):
        return ""
    option = element.get("selected_option")
    value = option.get("value") if isinstance(option, Mapping) else element.get("value")
    return value if isinstance(value, str) else ""


def _inside(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = body.get(key)
    if not isinstance(found, Mapping):
        raise UnreadablePayload(f"no {key}")
    return found


def _text(body: Mapping[str, Any], key: str) -> str:
    found = body.get(key)
    if not isinstance(found, str) or not found:
        raise UnreadablePayload(f"no {key}")
    return found


def _optional(body: Mapping[str, Any], key: str) -> str | None:
    found = body.get(key)
    return found if isinstance(found, str) and found else None
