"""The things of a Slack workspace: people, channels, messages, views, and records of what was sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .rendering import mentions, visible_text

Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A member of the workspace; `name` is what others type after the `@`, `title` what they do.

    `team` is the workspace that they belong to if it is another one, which Slack Connect has brought here.
    """

    id: str
    name: str
    real_name: str
    tz: str = "UTC"
    title: str = ""
    deleted: bool = False
    team: str | None = None


@dataclass
class Channel:
    """A channel, or a direct message when `with_person` names the person that the bot talks with."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    private: bool = False
    archived: bool = False
    with_person: str | None = None


@dataclass
class UserGroup:
    """A user group, called `@handle` in a message."""

    id: str
    handle: str
    members: list[str]
    disabled: bool = False


@dataclass(frozen=True)
class MessageVersion:
    """What a message said before it was edited."""

    text: str
    blocks: list[Json]


@dataclass(eq=False)
class Message:
    """A message as it stands now; the object stays the same while the message is edited."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json]
    edited: bool = False
    """Changed at least once; Slack shows "(edited)" only after a change without blocks."""
    visible_to: str | None = None
    thread_ts: str | None = None
    history: list[MessageVersion] = field(default_factory=list)
    deleted: bool = False
    trouble: str | None = None
    """Why the last click on it failed: the warning triangle that Slack shows beside the button."""

    def plain(self) -> str:
        """All that a person reads: the texts of all blocks, a line each, or the text where there are none."""
        return visible_text(self.blocks, self.text)

    def mentions(self) -> set[str]:
        """Whom it notifies: user and user group IDs, and `here`, `channel`, `everyone`."""
        return mentions(self.blocks, self.text)


@dataclass(eq=False)
class View:
    """A modal, or a Home tab; the object stays the same while the view is updated."""

    id: str
    user: str
    view: Json
    hash: str
    state: Json = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None
    """Why the last submission failed: Slack shows "We had some trouble connecting" in the modal."""
    open: bool = True
    root_view_id: str = ""
    previous_view_id: str | None = None

    def plain(self) -> str:
        """All that a person reads in it, one text a line."""
        return visible_text([self.view])


@dataclass
class Delivery:
    """One payload on its way to the bot, and what came of it."""

    kind: str
    """`slash_commands`, `interactive` or `events_api`, as Socket Mode names them."""
    payload: Json
    envelope_id: str
    sent: bool = True
    acked: bool = False
    """Answered well, within the time that Slack gives."""
    status: int | None = None
    """The HTTP status of the answer; None over Socket Mode, or when there was no answer."""
    body: Json | None = None
    seconds: float = 0.0
    error: str | None = None
    """`operation_timeout` or `dispatch_failed` when the bot failed."""
    attempt: int = 0
    settle: Callable[["Delivery"], None] = field(default=lambda _: None, repr=False)
    """What the workspace does with the answer."""


@dataclass(frozen=True)
class ApiCall:
    """One call that the bot made; `answer` is empty, and `status` perhaps None, where a fault was set."""

    method: str
    args: Json
    at: float
    answer: Json
    status: int | None


class Refusal(Exception):
    """Slack's `ok: false`: the error's name, and the messages of `response_metadata`."""

    def __init__(self, error: str, messages: list[str] | None = None, **extra: Any) -> None:
        super().__init__(error, messages or [])
        self.error = error
        self.messages = messages or []
        self.extra = extra

    def as_answer(self) -> Json:
        """The body of the answer."""
        answer: Json = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return answer
