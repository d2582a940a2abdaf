"""What tests do and see, in the words of the people who use the bot."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from creditbot.sandbox.bot import Bot
from creditbot.sandbox.sendgrid import Call, SendGridSandbox
from creditbot.sandbox.slack import Message, SlackSandbox, View
from creditbot.sandbox.world import ALICE, GENERAL
from tests.approvals import cards


@dataclass
class Company:
    slack: SlackSandbox
    sendgrid: SendGridSandbox
    bot: Bot

    async def say(self, text: str, user: str = ALICE, channel: str = GENERAL) -> str:
        """Type a command; return the private answer as it is read."""
        before = len(self.slack.ephemerals(user, channel))
        delivery = await self.slack.command(user, text, channel=channel)
        assert delivery.acked, delivery
        answers = await self.slack.until(lambda: self.slack.ephemerals(user, channel)[before:])
        return answers[0].plain()

    async def ask(self, text: str = "/credits add acme 5000 Black Friday", user: str = ALICE) -> Message:
        """Ask for a change, again if the machine was too busy; return its card in the approvals channel.

        Whoever asks for the same again here means it.
        """
        before = len(self.cards)
        while (answer := await self.say(text, user)).startswith("Not accepted"):  # noqa: ASYNC110 - as it advises
            await asyncio.sleep(1)
        if "Ask anyway" in answer:
            await self.slack.click(user, self.slack.ephemerals(user, GENERAL)[-1], "Ask anyway")
        found = await self.slack.until(lambda: self.cards[before:])
        await self.slack.until(lambda: self.recorded(found[0]))
        return found[0]

    def recorded(self, card: Message) -> bool:
        """Whether the bot has written down that it posted this card."""
        return bool(self.sql("SELECT 1 FROM outbox WHERE ts = :ts", {"ts": card.ts}))

    async def form(self, text: str, user: str = ALICE) -> View:
        """Type a command that opens a form."""
        delivery = await self.slack.command(user, text, channel=GENERAL)
        assert delivery.acked, delivery
        return (await self.slack.until(lambda: self.slack.open_views(user)))[-1]

    async def click(self, user: str, message: Message, button: str) -> str:
        """Press a button that is expected to be refused; return the private sentence."""
        before = len(self.slack.ephemerals(user, message.channel))
        delivery = await self.slack.click(user, message, button)
        assert delivery.acked, delivery
        said = await self.slack.until(lambda: self.slack.ephemerals(user, message.channel)[before:])
        return said[0].plain()

    async def card_says(self, card: Message, text: str, patience: float = 60) -> str:
        await self.slack.until(lambda: text in card.plain(), patience)
        return card.plain()

    async def told(self, user: str, text: str, patience: float = 60) -> None:
        """Wait until `user` has a direct message with `text` in it."""
        await self.slack.until(lambda: any(text in m.plain() for m in self.slack.dm(user)), patience)

    @property
    def cards(self) -> list[Message]:
        return cards(self.slack)

    @property
    def patches(self) -> list[Call]:
        return [call for call in self.sendgrid.calls if call.method == "PATCH"]

    async def requests(self) -> list[dict[str, Any]]:
        """What `creditbot requests list --format json` prints."""
        status, out, err = await self.bot.command_line("requests", "list", "--format", "json")
        assert status == 0, err
        found: list[dict[str, Any]] = json.loads(out)
        return found

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Look at (or change) the database behind the bot's back."""
        path = self.bot.env["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute(statement, parameters or {})]
            connection.commit()
        return rows

    def events(self, kind: str) -> list[dict[str, Any]]:
        return self.sql("SELECT * FROM events WHERE kind = :kind ORDER BY id", {"kind": kind})

    def log(self) -> str:
        return self.bot.log_file.read_text()
