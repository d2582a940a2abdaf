"""What a person does on the page, as an act in the sandbox."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import Delivery, Message, SlackSandbox, View

from .switches import Switchboard

Json = dict[str, Any]


class BadAct(Exception):
    """The page asked for something that a person could not do; the text tells why."""


class Acts:
    """One method for each act; each takes the JSON that the page sent, and raises BadAct or LookupError."""

    def __init__(
        self,
        slack: SlackSandbox,
        sendgrid: SendGridSandbox,
        switchboard: Switchboard,
        commands: frozenset[str],
    ) -> None:
        self._slack = slack
        self._sendgrid = sendgrid
        self._switchboard = switchboard
        self._commands = commands
        self._rates: dict[str, float] = {}
        self.named: Mapping[str, Callable[[Json], Awaitable[Json]]] = {
            "say": self._say,
            "click": self._click,
            "choose": self._choose,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "switch": self._switch,
            "mail": self._mail,
        }

    async def _say(self, act: Json) -> Json:
        user, channel, text = _string(act, "user"), _string(act, "channel"), _string(act, "text").strip()
        if not text:
            raise BadAct("Type a message or a command first.")
        if not text.startswith("/"):
            self._slack.say(user, text, channel=channel, thread_ts=act.get("thread_ts"))
            return {}
        if act.get("thread_ts"):
            raise BadAct("Slash commands don't work in threads.")
        word = text.split()[0]
        if word not in self._commands:
            raise BadAct(f"There is no command {word} here. Try {', '.join(sorted(self._commands))}.")
        return _told(await self._slack.command(user, text, channel=channel))

    async def _click(self, act: Json) -> Json:
        """A click, also on a button that was drawn anew while its "are you sure?" was open."""
        user, on = _string(act, "user"), self._acted_on(act)
        action_id, block_id = _string(act, "action_id"), _string(act, "block_id")
        if isinstance(on, Message) and not on.deleted and not _has_button(on, action_id, block_id):
            done = await self._slack.click_raw(
                user, message=on, action_id=action_id, value=_string(act, "value"), block_id=block_id
            )
        else:
            done = await self._slack.click(user, on, action_id, block_id=block_id)
        return _told(done)

    async def _choose(self, act: Json) -> Json:
        done = await self._slack.choose(
            _string(act, "user"),
            self._acted_on(act),
            _string(act, "action_id"),
            _string(act, "value"),
            block_id=_string(act, "block_id"),
        )
        return _told(done)

    async def _submit(self, act: Json) -> Json:
        values = act.get("values")
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise BadAct("A form's values are strings.")
        try:
            return _told(await self._slack.submit(_string(act, "user"), self._view(act), values))
        except ValueError as error:
            raise BadAct(str(error)) from error

    async def _close(self, act: Json) -> Json:
        return _told(await self._slack.close_view(_string(act, "user"), self._view(act)))

    async def _home(self, act: Json) -> Json:
        return _told(await self._slack.open_home(_string(act, "user")))

    async def _switch(self, act: Json) -> Json:
        self._switchboard.turn(_string(act, "name"), on=act.get("on") is True)
        return {}

    async def _mail(self, act: Json) -> Json:
        """Stop the mail, or let it flow again as it did."""
        rates = self._sendgrid.account.burn_rates
        self._rates = dict(rates) or self._rates
        rates.clear()
        if act.get("on") is True:
            rates.update(self._rates)
        return {}

    def _acted_on(self, act: Json) -> Message | View:
        if "view" in act:
            return self._view(act)
        place = (_string(act, "channel"), _string(act, "ts"))
        for message in reversed(self._slack.workspace.messages):
            if (message.channel, message.ts) == place:
                return message
        raise LookupError("This message is gone.")

    def _view(self, act: Json) -> View:
        found = self._slack.workspace.views.get(_string(act, "view"))
        if found is None:
            raise LookupError("This form is closed.")
        return found


def _has_button(message: Message, action_id: str, block_id: str) -> bool:
    return any(
        element.get("action_id") == action_id
        for block in message.blocks
        if block.get("block_id") == block_id
        for element in [*block.get("elements", []), block.get("accessory") or {}]
    )


def _string(act: Json, name: str) -> str:
    value = act.get(name)
    if not isinstance(value, str):
        raise BadAct(f"{name} must be a string.")
    return value


def _told(delivery: Delivery) -> Json:
    return {"acked": delivery.acked or not delivery.sent, "error": delivery.error}
