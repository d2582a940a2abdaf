"""One campaign: people ask and approve while everything around them fails."""

import asyncio
import re
import signal
import sqlite3
import tempfile
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from creditbot.sandbox.bot import Bot, environment
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import Message, SlackSandbox
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, GENERAL, furnish_sendgrid, furnish_slack

from .plan import SUBUSERS, Plan, fault_sendgrid, fault_slack
from .report import Report, compare

ROOT = str(Path(__file__).parent.parent.parent)
"""Where the unguarded bot is found: it is no part of the package."""

END = re.compile(r"Request \d+, \+([\d,]+) credits .*?\*(Applied|Failed|Refused|Expired|Cancelled)\*")
"""A notice of an end, with the amount and how it ended."""


class Campaign:
    """Runs one plan, over Socket Mode, on SQLite with one process."""

    def __init__(self, plan: Plan, *, module: str = "creditbot") -> None:
        self.plan = plan
        self.random = Random(plan.seed)
        self.module = module
        self.acked: dict[int, str] = {}
        self.kills = 0
        self.over = False

    async def run(self) -> Report:
        with tempfile.TemporaryDirectory(prefix="creditbot-campaign-") as name:
            async with SlackSandbox() as slack, SendGridSandbox() as sendgrid:
                self.slack, self.sendgrid = slack, sendgrid
                furnish_slack(slack)
                furnish_sendgrid(sendgrid, date(2026, 11, 22))
                for number in range(SUBUSERS):
                    sendgrid.account.add_subuser(Subuser(f"sub{number}", "nonrecurring", remain=10_000_000))
                env = environment(slack, sendgrid, Path(name)) | {"SENDGRID_TIMEOUT": "1", "PYTHONPATH": ROOT}
                self.bot = Bot(env, Path(name), module=self.module)
                await self.bot.start()
                try:
                    await self._play()
                    return self._report()
                finally:
                    await self.bot.stop(30)

    async def _play(self) -> None:
        trouble = asyncio.create_task(self._trouble())
        approving = asyncio.create_task(self._approve_all())
        try:
            await self._ask_all()
            await trouble
            self.sendgrid.faults.clear()
            self.slack.faults.clear()
            await self._settle_all()
        finally:
            self.over = True
            trouble.cancel()
            await approving

    async def _ask_all(self) -> None:
        """Each request has an amount of its own, by which SendGrid's book is read."""
        for number in range(1, self.plan.requests + 1):
            subuser = f"sub{self.random.randrange(SUBUSERS)}"
            amount = 1000 + number
            text = f"/credits add {subuser} {amount} campaign"
            while not await self._asked(amount, text):  # noqa: ASYNC110 - a person tries again after a while
                await asyncio.sleep(0.2)
            await asyncio.sleep(self.random.uniform(0, 0.05))

    async def _asked(self, amount: int, text: str) -> bool:
        """Whether the bot has taken it; a person who saw it fail looks, and types it again."""
        if any(record["allocation_update"] == amount for record in self._records()):
            return True
        delivery = await self.slack.command(ALICE, text, channel=GENERAL)
        taken = delivery.acked and "Request " in str(delivery.body)
        if taken:
            self.acked[amount] = text
        return taken

    async def _approve_all(self) -> None:
        """Bob approves whatever waits, as often as it takes for Slack to get its answer."""
        while not self.over:
            for card in self._cards():
                if not card.plain().startswith("Approve: "):
                    continue
                if self.random.random() < self.plan.faults:
                    fault_sendgrid(self.random, self.sendgrid)
                with suppress(LookupError):
                    await self.slack.click(BOB, card, "Approve")
            await asyncio.sleep(0.05)

    async def _trouble(self) -> None:
        """Kills, stops and Slack's faults, in an order that the seed decides."""
        deeds = ["kill"] * self.plan.kills + ["stop"] * self.plan.stops + ["slack"] * self.plan.slack_faults
        self.random.shuffle(deeds)
        for deed in deeds:
            await asyncio.sleep(self.random.uniform(0.05, 1.2))
            if deed == "slack":
                fault_slack(self.random, self.slack)
            elif deed == "stop":
                self.bot.send(signal.SIGSTOP)
                await asyncio.sleep(self.random.uniform(0.1, 2.5))
                self.bot.send(signal.SIGCONT)
            else:
                await self.bot.kill()
                self.kills += 1
                await self.bot.start()

    async def _settle_all(self) -> None:
        """Wait for the end of all; a person who can look into SendGrid's book settles what nothing proves."""
        deadline = asyncio.get_running_loop().time() + 180
        while asyncio.get_running_loop().time() < deadline:
            waiting = [r for r in self._records() if r["finished_at"] is None]
            untold = self._sql("SELECT 1 FROM notices WHERE sent_at IS NULL")
            behind = self._sql(
                "SELECT 1 FROM cards JOIN requests ON requests.id = request_id"
                " WHERE shown_version < requests.version AND checked_at IS NOT NULL"
            )
            if not waiting and not untold and not behind:
                return
            for record in waiting:
                if record["status"] == "in_doubt" and record["next_try_at"] is None:
                    await self._settle(record)
            await asyncio.sleep(0.3)

    async def _settle(self, record: dict[str, Any]) -> None:
        amount = record["allocation_update"]
        truth = "--applied" if amount in self._ledger() else "--not-applied"
        await self.bot.command_line(
            "requests", "settle", str(record["id"]), truth, "--reason", "SendGrid's book"
        )

    def _report(self) -> Report:
        told: dict[int, str] = {}
        for message in self.slack.dm(ALICE):
            found = END.search(message.text)
            if found:
                told[int(found[1].replace(",", ""))] = found[2].lower()
        return compare(self.acked, self._records(), self._ledger(), told, self.kills)

    def _cards(self) -> list[Message]:
        return self.slack.messages(APPROVALS)

    def _ledger(self) -> list[int]:
        return [entry.allocation_update for entry in self.sendgrid.account.ledger]

    def _records(self) -> list[dict[str, Any]]:
        return self._sql(
            "SELECT *, EXISTS (SELECT 1 FROM events WHERE request_id = requests.id"
            " AND to_status = 'in_doubt') AS doubted FROM requests"
        )

    def _sql(self, statement: str) -> list[dict[str, Any]]:
        path = self.bot.env["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]
