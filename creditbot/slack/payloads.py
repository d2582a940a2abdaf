"""What Slack delivers, read into typed values before anything acts on it.

Shapes: docs.slack.dev/interactivity/implementing-slash-commands and
docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from creditbot.domain import shown
from creditbot.domain.shown import Shown


class UnreadablePayload(Exception):
    """A payload lacks what Slack always sends; it is answered with 400."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did something.

    `team` is the workspace that they belong to, or in which they typed; None if Slack did not say.
    `installed_in` is where the app is, as far as the payload tells; None if it does not tell at all.
    """

    user: str
    team: str | None = None
    installed_in: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """Someone typed `/credits …`; `command` is that first word, `text` what follows it."""

    command: str
    sender: Sender
    channel: str
    text: str
    trigger_id: str | None
    response_url: str | None

    @property
    def user(self) -> str:
        return self.sender.user

    @property
    def delivery_id(self) -> str | None:
        """The same each time that Slack delivers this; None if Slack gave it no name."""
        return f"command:{self.trigger_id}" if self.trigger_id else None


@dataclass(frozen=True, slots=True)
class Click:
    """Someone pressed a button; `ts` is None where the message can't be changed (an ephemeral one)."""

    sender: Sender
    channel: str
    ts: str | None
    action_id: str
    value: str
    trigger_id: str | None
    response_url: str | None

    @property
    def user(self) -> str:
        return self.sender.user

    @property
    def delivery_id(self) -> str | None:
        return f"click:{self.trigger_id}" if self.trigger_id else None

    @property
    def card(self) -> Shown:
        """What the card showed whose button it is."""
        return shown.read(self.value)


@dataclass(frozen=True, slots=True)
class Submission:
    """Someone sent a form; `values` has what was filled in, by the block's ID."""

    sender: Sender
    callback_id: str
    view_id: str
    private_metadata: str
    values: Mapping[str, str]

    @property
    def user(self) -> str:
        return self.sender.user

    @property
    def card(self) -> Shown:
        """What the card showed from which the form was opened."""
        return shown.read(self.private_metadata.partition(" ")[0])

    @property
    def word(self) -> str:
        """What else the form carries."""
        return self.private_metadata.partition(" ")[2]

    @property
    def delivery_id(self) -> str:
        """A form is taken once, so its view names it."""
        return f"form:{self.view_id}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """Slack asks whether this is the address for what happens; the answer is `challenge`."""

    challenge: str


Interaction = SlashCommand | Click | Submission | Challenge


class UnknownPayload(UnreadablePayload):
    """A payload of a kind that creditbot has nothing for; it is answered with 404."""


def check_envelope(message: Mapping[str, Any]) -> None:
    """Raise UnreadablePayload if a payload in Socket Mode comes without what is needed to ack it."""
    _text(message, "type")
    _text(message, "envelope_id")
    _inside(message, "payload")


def read(body: Mapping[str, Any]) -> Interaction:
    """Read a payload, once, by its kind. Nothing else looks into one.

    Raises:
        UnreadablePayload: a part is missing or of a wrong type.
        UnknownPayload: it is of a kind that creditbot has no reader for.
    """
    if "command" in body:
        return read_command(body)
    kind = body.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise UnknownPayload("of an unknown type")
    return reader(body)


def read_command(body: Mapping[str, Any]) -> SlashCommand:
    return SlashCommand(
        command=_text(body, "command"),
        # A command can be typed only where the app is installed, so by itself the workspace says nothing.
        sender=Sender(_text(body, "user_id"), _optional(body, "team_id")),
        channel=_text(body, "channel_id"),
        text=_optional(body, "text") or "",
        trigger_id=_optional(body, "trigger_id"),
        response_url=_optional(body, "response_url"),
    )


def read_click(body: Mapping[str, Any]) -> Click:
    container, action = _container(body), _action(body)
    changeable = container.get("type") == "message" and not container.get("is_ephemeral")
    return Click(
        sender=_sender(body),
        channel=_optional(container, "channel_id") or "",
        ts=_optional(container, "message_ts") if changeable else None,
        action_id=_text(action, "action_id"),
        value=_optional(action, "value") or "",
        trigger_id=_optional(body, "trigger_id"),
        response_url=_optional(body, "response_url"),
    )


def read_submission(body: Mapping[str, Any]) -> Submission:
    view = _inside(body, "view")
    filled_in = _inside(_inside(view, "state"), "values")
    return Submission(
        sender=_sender(body, _optional(view, "app_installed_team_id")),
        callback_id=_text(view, "callback_id"),
        view_id=_text(view, "id"),
        private_metadata=_optional(view, "private_metadata") or "",
        values={
            block_id: next((_filled_in(element) for element in elements.values()), "")
            for block_id, elements in filled_in.items()
            if isinstance(elements, Mapping)
        },
    )


def read_challenge(body: Mapping[str, Any]) -> Challenge:
    return Challenge(_text(body, "challenge"))


READERS: Mapping[str, Callable[[Mapping[str, Any]], Interaction]] = {
    "block_actions": read_click,
    "view_submission": read_submission,
    "url_verification": read_challenge,
}
"""By a payload's type; a slash command has none."""


def _container(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the button is; older payloads say it with `channel` and `message` only."""
    if isinstance(body.get("container"), Mapping):
        return _inside(body, "container")
    channel, message = _inside(body, "channel"), _inside(body, "message")
    return {"type": "message", "channel_id": channel.get("id"), "message_ts": message.get("ts")}


def _action(body: Mapping[str, Any]) -> Mapping[str, Any]:
    actions = body.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], Mapping):
        raise UnreadablePayload("no actions")
    return actions[0]


def _sender(body: Mapping[str, Any], installed_in: str | None = None) -> Sender:
    """Who clicked, or sent a form.

    Where a form was opened in another workspace, `team` is that one, and only the view says where the app
    is; slack_bolt reads it so, too (request/internals.py: extract_team_id).
    """
    user = _inside(body, "user")
    places = [body.get("team"), body.get("enterprise")]
    named = {_optional(place, "id") for place in places if isinstance(place, Mapping)}
    installed = {installed_in} if installed_in else named
    return Sender(_text(user, "id"), _optional(user, "team_id"), frozenset(filter(None, installed)))


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
