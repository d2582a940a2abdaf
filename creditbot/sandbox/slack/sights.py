"""What people see in the workspace, and waiting until they see it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from .model import ApiCall, Message, View
from .workspace import Workspace

T = TypeVar("T")

LOOK_AGAIN = 0.05
"""How often `until` looks at what isn't Slack's and so doesn't wake it, in seconds."""


class Sights:
    """The part of the sandbox that is looked at."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.calls: list[ApiCall] = []
        self._wake = asyncio.Event()
        workspace.subscribe(lambda _: self._something_happened())

    def open_views(self, user: str) -> list[View]:
        """The open modals of a person, newest last."""
        return self.workspace.modals(user)

    def home(self, user: str) -> View | None:
        """The app's Home tab of a person, once the bot has published one."""
        return self.workspace.homes.get(user)

    def messages(self, channel: str) -> list[Message]:
        """The messages that everybody in a channel sees, oldest first."""
        return [
            m for m in self.workspace.messages if m.channel == channel and not m.visible_to and not m.deleted
        ]

    def dm(self, user: str) -> list[Message]:
        """The messages between the bot and a person, oldest first."""
        return self.messages(self.workspace.direct_message(user).id)

    def ephemerals(self, user: str, channel: str | None = None) -> list[Message]:
        """The messages that only this person sees, oldest first."""
        return [
            m
            for m in self.workspace.messages
            if m.visible_to == user and not m.deleted and channel in (None, m.channel)
        ]

    async def until(self, predicate: Callable[[], T], timeout: float = 60) -> T:  # noqa: ASYNC109 - a caller gives a number of seconds here
        """The first true value of `predicate`, which is asked again at each change.

        A LookupError in it counts as not yet, so it may index lists. AssertionError after `timeout` seconds.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            wake = self._wake
            with contextlib.suppress(LookupError):
                if found := predicate():
                    return found
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise AssertionError(f"not so within {timeout} s; {self._recent()}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), min(left, LOOK_AGAIN))

    def _record(self, call: ApiCall) -> None:
        self.calls.append(call)
        self.workspace.changed("api_called", call)

    def _something_happened(self) -> None:
        self._wake.set()
        self._wake = asyncio.Event()

    def _recent(self) -> str:
        messages = [
            f"[{m.channel}{f' only {m.visible_to}' if m.visible_to else ''}] {m.user}: {m.plain()!r}"
            for m in self.workspace.messages[-10:]
            if not m.deleted
        ]
        calls = [f"{call.method} -> {call.answer.get('error') or call.status}" for call in self.calls[-10:]]
        return "\n".join(["the last messages are:", *messages, "the last calls are:", *calls])
