"""Telling the open pages what has changed, at Slack, at SendGrid and in the record."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.sendgrid.changes import Change as SendGridChange
from creditbot.sandbox.slack import Change, Message, SlackSandbox, View

from .feed import Feed
from .record import Record
from .sights import Sights

RECORD_SECONDS = 0.25
"""How often is looked whether the bot has committed something."""


class News:
    """Follows everything between `start` and `stop`, and marks in each page's feed what is to be told."""

    def __init__(
        self, slack: SlackSandbox, sendgrid: SendGridSandbox, record: Record, sights: Sights
    ) -> None:
        self._slack = slack
        self._sendgrid = sendgrid
        self._record = record
        self._sights = sights
        self._feeds: set[Feed] = set()
        self._watching: asyncio.Task[None] | None = None
        self._unsubscribe: list[Callable[[], None]] = []

    def start(self) -> None:
        """Follow the changes from now on."""
        self._unsubscribe = [
            self._slack.workspace.subscribe(self._slack_changed),
            self._sendgrid.subscribe(self._sendgrid_changed),
        ]
        self._watching = asyncio.create_task(self._watch_record())

    async def stop(self) -> None:
        """Follow them no more, and end the feeds."""
        for feed in self._feeds:
            feed.end()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None

    @contextlib.contextmanager
    def feed(self) -> Iterator[Feed]:
        """A feed for one page, for as long as it is open."""
        feed = Feed()
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    def switched(self) -> None:
        """Somebody turned a switch, of which neither Slack nor SendGrid tells."""
        self._tell("switches", self._sights.switchboard.read)
        self._tell("subusers", self._sights.subusers)

    async def _watch_record(self) -> None:
        while True:
            await asyncio.sleep(RECORD_SECONDS)
            if self._feeds and self._record.has_changed():
                self._tell("record", self._record.read)

    def _slack_changed(self, change: Change) -> None:
        subject = change.subject
        match subject:
            case Message():
                self._tell("message", lambda: self._sights.message(subject), subject.ts)
            case View():
                self._tell("view", lambda: self._sights.view(subject), subject.id)
            case _ if change.kind == "directory":
                self._tell("directory", self._sights.directory)
            case _ if change.kind.startswith("socket_"):
                self._tell("bot", self._sights.bot)

    def _sendgrid_changed(self, change: SendGridChange) -> None:
        if change.topic == "answer":
            self._sights.answered.add(id(change.subject))
        if change.topic in {"call", "answer"}:
            self._tell("calls", self._sights.calls)
            self._tell("switches", self._sights.switchboard.read)
        else:
            self._tell("subusers", self._sights.subusers)

    def _tell(self, event: str, look: Callable[[], Any], key: str = "") -> None:
        for feed in self._feeds:
            feed.mark(event, look, key)
