"""What Slack delivers, read into typed values before anything acts on it.

Shapes: docs.slack.dev/interactivity/implementing-slash-commands and
docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Mapping
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
    """Someone typed `/credits …`."""

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


class UnknownPayload(UnreadablePayload):
    """A payload of a kind that creditbot has nothing for; it is answered with 404."""


def check_envelope(message: Mapping[str, Any]) -> None:
    """Raise UnreadablePayload if a payload in Socket Mode comes without what is needed to ack it."""
    _text(message, "type")
    _text(message, "envelope_id")
    _inside(message, "payload")


def reduce(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a payload that creditbot uses, in their right types, for Bolt to hand to a listener.

    Bolt takes much on trust that a signed body may lack, and answers 500 where it stumbles. So both ways
    into the bot pass what they got through here first.

    Raises:
        UnreadablePayload: a part is missing or of a wrong type.
        UnknownPayload: it is no payload that creditbot has a listener for.
    """
    if "command" in body:
        _text(body, "command")
        return {name: value for name, value in body.items() if isinstance(value, str)}
    match body.get("type"):
        case "block_actions":
            return _common(body) | {"container": _container(body), "actions": [_action(body)]}
        case "view_submission":
            return _common(body) | {"view": _view(body)}
        case "url_verification":
            return {"type": "url_verification", "challenge": _text(body, "challenge")}
        case _:
            raise UnknownPayload("of an unknown type")


def _common(body: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: _optional(body, name) for name in ("type", "trigger_id", "response_url")}
    user = _inside(body, "user")
    given: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
    given["user"] = {"id": _text(user, "id"), "team_id": _optional(user, "team_id")}
    for name in ("team", "enterprise"):
        if isinstance(body.get(name), Mapping):
            given[name] = {"id": _optional(_inside(body, name), "id")}
    return given


def _container(body: Mapping[str, Any]) -> dict[str, Any]:
    """Where the button is; older payloads say it with `channel` and `message` only."""
    if isinstance(body.get("container"), Mapping):
        return dict(_inside(body, "container"))
    channel, message = _inside(body, "channel"), _inside(body, "message")
    return {"type": "message", "channel_id": channel.get("id"), "message_ts": message.get("ts")}


def _action(body: Mapping[str, Any]) -> dict[str, Any]:
    actions = body.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], Mapping):
        raise UnreadablePayload("no actions")
    action = actions[0]
    return {
        "type": "button",
        "action_id": _text(action, "action_id"),
        "block_id": _optional(action, "block_id") or "",
        "value": _optional(action, "value") or "",
    }


def _view(body: Mapping[str, Any]) -> dict[str, Any]:
    view = _inside(body, "view")
    return {
        "type": "modal",
        "id": _text(view, "id"),
        "callback_id": _text(view, "callback_id"),
        "app_installed_team_id": _optional(view, "app_installed_team_id"),
        "private_metadata": _optional(view, "private_metadata") or "",
        "state": {"values": dict(_inside(_inside(view, "state"), "values"))},
    }


def _sender(body: Mapping[str, Any]) -> Sender:
    """Who clicked, or sent a form.

    Where a form was opened in another workspace, `team` is that one, and only the view says where the app
    is; slack_bolt reads it so, too (request/internals.py: extract_team_id).
    """
    user, view = _inside(body, "user"), body.get("view")
    named = [body.get("team"), body.get("enterprise")]
    installed = {_optional(place, "id") for place in named if isinstance(place, Mapping)}
    if isinstance(view, Mapping) and (told := _optional(view, "app_installed_team_id")):
        installed = {told}
    return Sender(_text(user, "id"), _optional(user, "team_id"), frozenset(filter(None, installed)))


def read_command(body: Mapping[str, Any]) -> SlashCommand:
    return SlashCommand(
        # A command can be typed only where the app is installed, so by itself the workspace says nothing.
        sender=Sender(_text(body, "user_id"), _optional(body, "team_id")),
        channel=_text(body, "channel_id"),
        text=_optional(body, "text") or "",
        trigger_id=_optional(body, "trigger_id"),
        response_url=_optional(body, "response_url"),
    )


def read_click(body: Mapping[str, Any]) -> Click:
    container = _container(body)
    action = _action(body)
    changeable = container.get("type") == "message" and not container.get("is_ephemeral")
    return Click(
        sender=_sender(body),
        channel=_optional(container, "channel_id") or "",
        ts=_optional(container, "message_ts") if changeable else None,
        action_id=action["action_id"],
        value=action["value"],
        trigger_id=_optional(body, "trigger_id"),
        response_url=_optional(body, "response_url"),
    )


def read_submission(body: Mapping[str, Any]) -> Submission:
    view = _view(body)
    values: dict[str, str] = {}
    for block_id, elements in view["state"]["values"].items():
        if isinstance(elements, Mapping):
            values[block_id] = next((_filled_in(element) for element in elements.values()), "")
    return Submission(
        sender=_sender(body),
        view_id=view["id"],
        private_metadata=view["private_metadata"],
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
