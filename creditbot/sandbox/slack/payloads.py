"""The payloads that Slack sends to a bot.

https://docs.slack.dev/reference/interaction-payloads and
https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling
"""

import secrets
from collections.abc import Callable

from .model import Channel, Json, Message, Person, View
from .workspace import Workspace

VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105 - Slack's deprecated field, which protects nothing

TOLD_OF_CONTROLS = ("text", "value", "style", "url", "confirm", "placeholder")


class Payloads:
    """Builds the payloads of one workspace."""

    def __init__(self, workspace: Workspace, clock: Callable[[], float]) -> None:
        self._workspace = workspace
        self._clock = clock

    def slash_command(
        self, person: Person, channel: Channel, typed: str, *, trigger_id: str, response_url: str
    ) -> Json:
        """A slash command, all fields being strings."""
        command, _, text = typed.strip().partition(" ")
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": person.team or self._workspace.team_id,
            "team_domain": self._workspace.team_domain,
            "channel_id": channel.id,
            "channel_name": channel.name,
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": self._workspace.directory().escape(text.strip()),
            "api_app_id": self._workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger_id,
        }

    def message_click(
        self,
        person: Person,
        channel: Channel,
        message: Message | None,
        action: Json,
        *,
        trigger_id: str,
        response_url: str,
    ) -> Json:
        """A click on a control in a message; without `message` it is one that Slack no longer has."""
        ts = message.ts if message else f"{int(self._clock())}.000000"
        ephemeral = message is not None and message.visible_to is not None
        payload: Json = {
            **self._interaction("block_actions", person),
            "container": {
                "type": "message",
                "message_ts": ts,
                "channel_id": channel.id,
                "is_ephemeral": ephemeral,
            },
            "trigger_id": trigger_id,
            "channel": {"id": channel.id, "name": channel.name},
            "state": {"values": {}},
            "response_url": response_url,
            "actions": [{**action, "action_ts": self._workspace.stamp()}],
        }
        if message is not None and not ephemeral:
            # Slack leaves the message out where only one person sees it.
            payload["message"] = self.message(message)
        return payload

    def view_click(self, person: Person, view: View, action: Json, *, trigger_id: str) -> Json:
        """A click on a control in a modal or the Home tab."""
        return {
            **self._interaction("block_actions", person),
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": trigger_id,
            "view": self.view(view),
            "actions": [{**action, "action_ts": self._workspace.stamp()}],
        }

    def view_submission(self, person: Person, view: View, *, trigger_id: str) -> Json:
        """A submitted modal."""
        return {
            **self._in_a_view("view_submission", person),
            "trigger_id": trigger_id,
            "view": self.view(view),
            "response_urls": [],
        }

    def view_closed(self, person: Person, view: View, *, is_cleared: bool) -> Json:
        """A modal that was closed without being submitted."""
        return {
            **self._in_a_view("view_closed", person),
            "view": self.view(view),
            "is_cleared": is_cleared,
        }

    def event(self, event: Json) -> Json:
        """An event with its envelope. https://docs.slack.dev/apis/events-api#callback-field"""
        now = self._clock()
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": self._workspace.team_id,
            "api_app_id": self._workspace.app_id,
            "event": {**event, "event_ts": self._workspace.stamp()},
            "type": "event_callback",
            "event_id": "Ev" + secrets.token_hex(5).upper(),
            "event_time": int(now),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self._workspace.team_id,
                    "user_id": self._workspace.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }

    def message(self, message: Message) -> Json:
        """A message as Slack tells of it."""
        told: Json = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "team": self._workspace.team_id,
        }
        if message.user == self._workspace.bot_user_id:
            told |= {"bot_id": self._workspace.bot_id, "app_id": self._workspace.app_id}
        if message.blocks:
            told["blocks"] = message.blocks
        if message.thread_ts:
            told["thread_ts"] = message.thread_ts
        if message.edited:
            told["edited"] = {"user": message.user, "ts": message.ts}
        return told

    def view(self, view: View) -> Json:
        """A view as Slack tells of it."""
        given = view.view
        return {
            "id": view.id,
            "team_id": self._workspace.team_id,
            "type": given["type"],
            "blocks": given["blocks"],
            "private_metadata": given.get("private_metadata") or "",
            "callback_id": given.get("callback_id") or "",
            "state": {"values": view.state},
            "hash": view.hash,
            "title": given.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(given.get("clear_on_close")),
            "notify_on_close": bool(given.get("notify_on_close")),
            "close": given.get("close"),
            "submit": given.get("submit"),
            "previous_view_id": view.previous_view_id,
            "root_view_id": view.root_view_id,
            "app_id": self._workspace.app_id,
            "external_id": given.get("external_id") or "",
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": self._workspace.bot_id,
        }

    def _in_a_view(self, kind: str, person: Person) -> Json:
        """People of another workspace see a modal in their own, so that its `team` is theirs.

        Only the view's `app_installed_team_id` names this one: see slack_bolt's request/internals.py.
        """
        told = self._interaction(kind, person)
        return told | {"team": told["team"] | {"id": person.team or self._workspace.team_id}}

    def _interaction(self, kind: str, person: Person) -> Json:
        team = {"id": self._workspace.team_id, "domain": self._workspace.team_domain}
        return {
            "type": kind,
            "user": {
                "id": person.id,
                "username": person.name,
                "name": person.name,
                "team_id": person.team or self._workspace.team_id,
            },
            "api_app_id": self._workspace.app_id,
            "token": VERIFICATION_TOKEN,
            "team": team,
            "enterprise": None,
            "is_enterprise_install": False,
        }


def control_action(block: Json, element: Json) -> Json:
    """What an act on a control says of the control."""
    action: Json = {"action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"]}
    return action | {key: element[key] for key in TOLD_OF_CONTROLS if key in element}
