"""What people do in the workspace, each act being a payload that goes to the bot."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

from .answers import Answers
from .blocks import button_named, choice_named
from .delivery import EVENTS, INTERACTIVE, SLASH_COMMANDS, Courier
from .forms import filled_in, option_named
from .model import Channel, Delivery, Json, Message, View
from .payloads import Payloads, control_action
from .tickets import Tickets
from .workspace import Workspace


class Acts:
    """The part of the sandbox that is acted in."""

    def __init__(
        self,
        workspace: Workspace,
        tickets: Tickets,
        courier: Courier,
        payloads: Payloads,
        answer_address: Callable[[str], str],
    ) -> None:
        self.workspace = workspace
        self._tickets = tickets
        self._courier = courier
        self._payloads = payloads
        self._answer_address = answer_address
        self._answers = Answers(workspace)

    async def command(self, user: str, text: str, *, channel: str) -> Delivery:
        """A person types a slash command; `text` is what was typed, with the command in front."""
        person, where = self.workspace.person(user), self._channel(channel)
        payload = self._payloads.slash_command(
            person,
            where,
            text,
            trigger_id=self._tickets.trigger(user).id,
            response_url=self._answer_url(user, where.id),
        )
        return await self._deliver(SLASH_COMMANDS, payload, self._answers.to_command)

    async def click(
        self,
        user: str,
        message: Message | View,
        label_or_action_id: str,
        *,
        confirm: bool = True,
        block_id: str | None = None,
    ) -> Delivery:
        """A person clicks a button of a message, a modal or the Home tab, as it stands now.

        LookupError where there is no such button in sight. Where the button asks "are you sure?", `confirm`
        is the person's answer; without it nothing is sent.
        """
        self._check_sight(user, message)
        block, button = button_named(_blocks(message), label_or_action_id, block_id)
        if button.get("confirm") and not confirm:
            return Delivery(INTERACTIVE, {}, "", sent=False)
        return await self._act(user, message, control_action(block, button))

    async def click_raw(
        self, user: str, *, message: Message | None, action_id: str, value: str, block_id: str = "x"
    ) -> Delivery:
        """A click on a button that may be gone, or never was; without `message` it comes from no message."""
        action = {
            "action_id": action_id,
            "block_id": block_id,
            "type": "button",
            "value": value,
            "text": {"type": "plain_text", "text": action_id, "emoji": True},
        }
        return await self._act(user, message, action)

    async def choose(
        self, user: str, message: Message | View, name: str, option: str, *, block_id: str | None = None
    ) -> Delivery:
        """A person picks an option of a select or menu, which is found by `action_id` or placeholder."""
        self._check_sight(user, message)
        block, element = choice_named(_blocks(message), name, block_id)
        chosen = {"selected_option": option_named(element, option)}
        return await self._act(user, message, control_action(block, element) | chosen)

    async def submit(self, user: str, view: View, values: Mapping[str, str]) -> Delivery:
        """A person fills in a modal and submits it; `forms.filled_in` tells of `values` and refusals."""
        self._check_sight(user, view)
        view.state = filled_in(view, values)
        payload = self._payloads.view_submission(
            self.workspace.person(user), view, trigger_id=self._tickets.trigger(user, view).id
        )
        return await self._deliver(INTERACTIVE, payload, lambda done: self._answers.to_submission(done, view))

    async def close_view(self, user: str, view: View) -> Delivery:
        """A person closes a modal; the bot hears of it only where the view says `notify_on_close`."""
        self._check_sight(user, view)
        cleared = bool(view.view.get("clear_on_close"))
        if cleared:
            self.workspace.close_all(user)
        else:
            self.workspace.close_modal(view)
        if not view.view.get("notify_on_close"):
            return Delivery(INTERACTIVE, {}, "", sent=False)
        payload = self._payloads.view_closed(self.workspace.person(user), view, is_cleared=cleared)
        return await self._deliver(INTERACTIVE, payload)

    async def open_home(self, user: str) -> Delivery:
        """A person opens the app's Home tab. https://docs.slack.dev/reference/events/app_home_opened"""
        channel = self.workspace.direct_message(user)
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": "home"}
        if user in self.workspace.homes:
            event["view"] = self._payloads.view(self.workspace.homes[user])
        return await self._deliver(EVENTS, self._payloads.event(event))

    def say(self, user: str, text: str, *, channel: str, thread_ts: str | None = None) -> Message:
        """A person writes a message; the bot, which subscribes to no messages, doesn't hear of it."""
        typed = self.workspace.directory().escape(text)
        where = self._channel(channel).id
        return self.workspace.post(where, self.workspace.person(user).id, text=typed, thread_ts=thread_ts)

    async def deliver_again(self, delivery: Delivery) -> Delivery:
        """Slack sends the very same payload once more, in the same envelope."""
        if not delivery.sent:
            raise LookupError("this was never sent")
        again = replace(
            delivery,
            acked=False,
            status=None,
            body=None,
            error=None,
            seconds=0.0,
            attempt=delivery.attempt + 1,
        )
        return await self._courier.carry(again)

    def _channel(self, channel: str) -> Channel:
        user = "U" + channel[1:]
        if channel.startswith("D") and user in self.workspace.people:
            return self.workspace.direct_message(user)
        if channel not in self.workspace.channels:
            raise LookupError(f"no channel {channel!r} in this workspace")
        return self.workspace.channels[channel]

    def _check_sight(self, user: str, thing: Message | View) -> None:
        if isinstance(thing, Message):
            gone, owner = thing.deleted, thing.visible_to
        else:
            gone, owner = not thing.open, thing.user
        if gone or owner not in (None, user):
            raise LookupError(f"{user} doesn't see this {type(thing).__name__.lower()}")

    async def _act(self, user: str, on: Message | View | None, action: Json) -> Delivery:
        person = self.workspace.person(user)
        if isinstance(on, View):
            trigger = self._tickets.trigger(user, on if on.view["type"] == "modal" else None)
            payload = self._payloads.view_click(person, on, action, trigger_id=trigger.id)
        else:
            channel = self._channel(on.channel) if on else self.workspace.direct_message(user)
            payload = self._payloads.message_click(
                person,
                channel,
                on,
                action,
                trigger_id=self._tickets.trigger(user).id,
                response_url=self._answer_url(user, channel.id, on),
            )
        return await self._deliver(INTERACTIVE, payload, lambda done: self._answers.to_click(done, on))

    async def _deliver(
        self, kind: str, payload: Json, settle: Callable[[Delivery], None] = lambda _: None
    ) -> Delivery:
        return await self._courier.carry(Delivery(kind, payload, str(uuid.uuid4()), settle=settle))

    def _answer_url(self, user: str, channel: str, original: Message | None = None) -> str:
        return self._answer_address(self._tickets.answer_url(user, channel, original).secret)


def _blocks(thing: Message | View) -> list[Json]:
    blocks: list[Json] = thing.blocks if isinstance(thing, Message) else thing.view["blocks"]
    return blocks
