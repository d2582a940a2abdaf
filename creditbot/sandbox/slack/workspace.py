"""The state of a workspace, without any network: who is there, what was written, which views are open."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .blocks import with_ids
from .escaping import Directory
from .model import Channel, Json, Message, MessageVersion, Person, Refusal, UserGroup, View

MOST_MODALS = 3
"""A modal may push two more on top. https://docs.slack.dev/surfaces/modals"""


@dataclass(frozen=True)
class Change:
    """Something that happened: its kind, such as `message_posted`, and what it happened to."""

    kind: str
    subject: Any


class Workspace:
    """People, channels, user groups, messages and views."""

    team_id = "T0SANDBOX"
    team_domain = "sandbox"
    team_name = "Sandbox"
    app_id = "A0CREDITBOT"
    bot_id = "B0CREDITBOT"
    bot_user_id = "U0CREDITBOT"
    bot_name = "creditbot"

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last_micros = 0
        self._listeners: dict[int, Callable[[Change], None]] = {}
        self._listener_ids = itertools.count()
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.user_groups: dict[str, UserGroup] = {}
        self.messages: list[Message] = []
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}
        self.lacking: frozenset[str] = frozenset()
        """Kinds of blocks that are not taken here yet, as while Slack rolls out a new one."""
        self._modals: dict[str, list[View]] = {}

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` with every change from now on; returns what ends that."""
        key = next(self._listener_ids)
        self._listeners[key] = listener
        return lambda: self._listeners.pop(key, None) and None

    async def changes(self) -> AsyncIterator[Change]:
        """Every change from now on, until the caller stops."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        unsubscribe = self.subscribe(queue.put_nowait)
        try:
            while True:
                yield await queue.get()
        finally:
            unsubscribe()

    def changed(self, kind: str, subject: Any) -> None:
        """Tell everybody who follows."""
        for listener in list(self._listeners.values()):
            listener(Change(kind, subject))

    def add_person(self, person: Person) -> Person:
        """A new member of the workspace."""
        self.people[person.id] = person
        self.changed("directory", person)
        return person

    def add_channel(
        self,
        id: str,  # noqa: A002 - Slack's own name for it
        name: str,
        members: Iterable[str] = (),
        *,
        bot_in: bool = True,
        private: bool = False,
        archived: bool = False,
    ) -> Channel:
        """A new channel."""
        inside = set(members) | ({self.bot_user_id} if bot_in else set())
        channel = Channel(id, name, inside, private=private, archived=archived)
        self.channels[id] = channel
        self.changed("directory", channel)
        return channel

    def add_user_group(self, id: str, handle: str, members: Iterable[str]) -> UserGroup:  # noqa: A002 - Slack's own name for it
        """A new user group."""
        group = UserGroup(id, handle, list(members))
        self.user_groups[id] = group
        self.changed("directory", group)
        return group

    def person(self, user: str) -> Person:
        """The person with this ID; LookupError where there is none."""
        if user not in self.people:
            raise LookupError(f"no person {user!r} in this workspace")
        return self.people[user]

    def direct_message(self, user: str) -> Channel:
        """The direct message between the bot and a person, opened on first use."""
        id_ = "D" + self.person(user).id[1:]
        if id_ not in self.channels:
            self.channels[id_] = Channel(id_, "directmessage", {user, self.bot_user_id}, with_person=user)
            self.changed("directory", self.channels[id_])
        return self.channels[id_]

    def directory(self) -> Directory:
        """The names that Slack recognises in typed text."""
        return Directory(self.people.values(), self.channels.values(), self.user_groups.values())

    def stamp(self) -> str:
        """A new `ts`: seconds and microseconds, later than all before."""
        self._last_micros = max(int(self._clock() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def post(
        self,
        channel: str,
        user: str,
        *,
        text: str = "",
        blocks: Iterable[Json] = (),
        visible_to: str | None = None,
        thread_ts: str | None = None,
    ) -> Message:
        """A new message by a person or the bot."""
        message = Message(
            channel, self.stamp(), user, text, with_ids(blocks), visible_to=visible_to, thread_ts=thread_ts
        )
        self.messages.append(message)
        self.changed("message_posted", message)
        return message

    def edit(self, message: Message, *, text: str | None, blocks: Iterable[Json]) -> None:
        """Give a message new blocks and a new text, where None keeps the text."""
        message.history.append(MessageVersion(message.text, message.blocks))
        message.text = message.text if text is None else text
        message.blocks = with_ids(blocks)
        message.edited = True
        message.trouble = None
        self.changed("message_changed", message)

    def delete(self, message: Message) -> None:
        """Take a message away."""
        message.deleted = True
        self.changed("message_deleted", message)

    def find(self, channel: str, ts: str) -> Message | None:
        """The message that everybody sees with this `ts`."""
        return next(
            (
                m
                for m in self.messages
                if (m.channel, m.ts, m.visible_to, m.deleted) == (channel, ts, None, False)
            ),
            None,
        )

    def modals(self, user: str) -> list[View]:
        """The open modals of a person, newest last."""
        return list(self._modals.get(user, []))

    def open_modal(self, user: str, definition: Json, *, on_top_of: View | None = None) -> View:
        """Show a modal; without `on_top_of` it takes the place of those that are open."""
        stack = self._modals.setdefault(user, [])
        if on_top_of is None:
            self.close_all(user)
        elif len(stack) >= MOST_MODALS:
            raise Refusal("push_limit_reached")
        view = self._new_view(user, definition)
        view.root_view_id = on_top_of.root_view_id if on_top_of else view.id
        view.previous_view_id = on_top_of.id if on_top_of else None
        stack.append(view)
        self.changed("view_opened", view)
        return view

    def update_view(self, view: View, definition: Json) -> None:
        """Replace what a view shows; what was typed stays where `block_id` and `action_id` stay."""
        view.view = _filled_in(definition)
        view.hash = self._new_hash()
        view.errors = {}
        view.trouble = None
        self.changed("view_changed", view)

    def close_modal(self, view: View) -> None:
        """Close one modal; the one below it shows again."""
        view.open = False
        stack = self._modals.get(view.user, [])
        if view in stack:
            stack.remove(view)
        self.changed("view_closed", view)

    def close_all(self, user: str) -> None:
        """Close all modals of a person."""
        for view in reversed(self.modals(user)):
            self.close_modal(view)

    def publish_home(self, user: str, definition: Json) -> View:
        """Show this in the app's Home tab of a person."""
        if user in self.homes:
            self.update_view(self.homes[user], definition)
        else:
            self.homes[user] = self._new_view(user, definition)
            self.homes[user].root_view_id = self.homes[user].id
            self.changed("view_opened", self.homes[user])
        return self.homes[user]

    def _new_view(self, user: str, definition: Json) -> View:
        view = View("V" + secrets.token_hex(5).upper(), user, _filled_in(definition), self._new_hash())
        self.views[view.id] = view
        return view

    def _new_hash(self) -> str:
        return f"{int(self._clock())}.{secrets.token_hex(4)}"


def _filled_in(definition: Json) -> Json:
    return {**definition, "blocks": with_ids(definition.get("blocks", []))}
