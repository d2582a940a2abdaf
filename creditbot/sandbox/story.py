"""The story of one request, step by step; each step looks whether it came true."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from textwrap import indent
from typing import Any
from urllib.parse import unquote

from rich.console import Console
from rich.markup import escape

from .bot import Bot
from .sendgrid import SendGridSandbox
from .slack import Message, SlackSandbox
from .text import readable
from .world import ALICE, APPROVALS, BOB, GENERAL

AMOUNT = 5000
COMMAND = f"/credits add acme {AMOUNT} Black Friday"


class StoryBroke(Exception):
    """A step did not come true."""


class Story:
    """Alice asks and may not approve it herself; Bob approves; SendGrid is told once; all is on record."""

    def __init__(self, console: Console, slack: SlackSandbox, sendgrid: SendGridSandbox, bot: Bot) -> None:
        self.console = console
        self.bot = bot
        self._slack = slack
        self._sendgrid = sendgrid
        self._step = 0

    async def tell(self) -> None:
        await self._balance("Balance before", "1,200")
        await self._request()
        card = await self._card()
        await self._refused_self_approval(card)
        await self._approval(card)
        await self._patch()
        await self._ending(card)
        await self._balance("Balance after", "6,200")
        await self._record()
        await self._ledger()
        self.console.print("\n[bold green]Every step worked.[/]")

    async def _balance(self, title: str, remaining: str) -> None:
        self._title(title, "Alice types: /credits balance acme")
        answer = await self._typed(ALICE, "/credits balance acme")
        self._show(answer, "only visible to Alice")
        self._check(f"Remaining*\n{remaining}" in answer.plain(), f"acme has {remaining} credits left")

    async def _request(self) -> None:
        self._title("The request", f"Alice types: {COMMAND}")
        answer = await self._typed(ALICE, COMMAND)
        self._show(answer, "only visible to Alice")
        self._check("Request 1" in answer.plain(), "the request was recorded")

    async def _card(self) -> Message:
        self._title("The card", "posted in #credit-approvals for the approvers")
        card = await self._slack.until(lambda: self._slack.messages(APPROVALS)[-1])
        self._show(card)
        self._check("Expected after*\n6,200" in card.plain(), "the card shows what the balance would be")
        return card

    async def _refused_self_approval(self, card: Message) -> None:
        self._title("Self-approval is refused", "Alice, who is also an approver, presses Approve")
        before = len(self._slack.ephemerals(ALICE, APPROVALS))
        await self._slack.click(ALICE, card, "Approve")
        sentence = await self._slack.until(lambda: self._slack.ephemerals(ALICE, APPROVALS)[before:])
        self._show(sentence[0], "only visible to Alice")
        self._check(not self._patches(), "nothing was sent to SendGrid")

    async def _approval(self, card: Message) -> None:
        self._title("The approval", "Bob presses Approve, and confirms")
        delivery = await self._slack.click(BOB, card, "Approve")
        self._check(delivery.acked, "Slack received the acknowledgement")

    async def _patch(self) -> None:
        self._title("The PATCH call", "what SendGrid received and how it answered")
        await self._sendgrid.until(lambda: self._patches() and self._patches()[0].status is not None)
        call = self._patches()[0]
        self.console.print(f"    PATCH {escape(call.path)}  {escape(json.dumps(call.body))}")
        answer = await self._answer_on_record()
        self.console.print(f"    {call.status}  {escape(answer)}")
        sent = call.body == {"allocation_update": AMOUNT} and call.status == 200
        self._check(sent and len(self._patches()) == 1, "one PATCH, answered 200")

    async def _ending(self, card: Message) -> None:
        self._title("The outcome", "the card is updated, and Alice gets a message")
        await self._slack.until(lambda: "Applied: " in card.plain())
        self._show(card)
        await self._slack.until(lambda: any("*Applied*" in message.text for message in self._slack.dm(ALICE)))
        for message in self._slack.dm(ALICE):
            self._show(message, "direct message to Alice")

    async def _record(self) -> None:
        self._title("The record in SQL", "printed by creditbot requests list --format json")
        status, out, _ = await self.bot.command_line("requests", "list", "--format", "json")
        found = json.loads(out) if status == 0 else []
        self._check(len(found) == 1, "the record has one request")
        kept = ("id", "subuser", "allocation_update", "status", "requested_by", "decided_by", "remain_after")
        record = {name: found[0].get(name) for name in kept}
        self.console.print(f"    {escape(json.dumps(record))}")
        expected = {
            "status": "applied",
            "allocation_update": AMOUNT,
            "requested_by": ALICE,
            "decided_by": BOB,
        }
        self._check(
            expected.items() <= record.items(), "it says who requested it, who approved it and how it ended"
        )

    async def _ledger(self) -> None:
        self._title("The ledger", "every event, chained by hashes, beside SendGrid's own record")
        for event in self._rows("SELECT * FROM events ORDER BY id"):
            at = datetime.fromtimestamp(event["at"] / 1000, UTC)
            line = f"{event['id']:>3}  {at:%H:%M:%S} UTC  {event['kind']:<14} {event['actor'] or '':<9} "
            line += event["hash"][:12]
            self.console.print(f"    {escape(line)}")
        status, out, err = await self.bot.command_line("audit", "verify")
        self.console.print(indent(escape((out + err).strip()), "    "))
        self._check(status == 0, "the hash chain is intact")
        applied = self._sendgrid.account.applied("acme")
        self.console.print(f"    SendGrid's record for acme: {applied}")
        self._check(applied == [AMOUNT], "SendGrid applied the change exactly once")

    async def _typed(self, user: str, text: str) -> Message:
        before = len(self._slack.ephemerals(user, GENERAL))
        delivery = await self._slack.command(user, text, channel=GENERAL)
        self._check(delivery.acked, "Slack received the acknowledgement", aloud=False)
        found = await self._slack.until(lambda: self._slack.ephemerals(user, GENERAL)[before:])
        return found[0]

    def _patches(self) -> list[Any]:
        return [call for call in self._sendgrid.calls if call.method == "PATCH"]

    async def _answer_on_record(self) -> str:
        def read() -> str:
            rows = self._rows("SELECT answer_body FROM attempts WHERE outcome IS NOT NULL")
            return str(rows[0]["answer_body"]) if rows else ""

        return await self._slack.until(read)

    def _rows(self, query: str) -> list[dict[str, Any]]:
        path = unquote(self.bot.env["DATABASE_URL"].removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def _title(self, title: str, what: str) -> None:
        self._step += 1
        self.console.print(f"\n[bold cyan]{self._step}. {title}[/]  [dim]{escape(what)}[/]")

    def _show(self, message: Message, to: str = "") -> None:
        if to:
            self.console.print(f"    [dim]({escape(to)})[/]")
        for line in readable(message, self._slack.workspace).splitlines():
            self.console.print(f"    [blue]│[/] {escape(line)}")

    def _check(self, came_true: object, what: str, *, aloud: bool = True) -> None:
        if not came_true:
            raise StoryBroke(f"this is not so: {what}")
        if aloud:
            self.console.print(f"    [green]✓[/] {escape(what)}")
