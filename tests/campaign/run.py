"""One campaign: people ask and approve while everything around them fails."""

import asyncio
import re
import signal
import tempfile
from contextlib import suppress
from datetime import date
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from creditbot.sandbox.bot import environment
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import Message, SlackSandbox
from creditbot.sandbox.world import ALICE, BOB, GENERAL, furnish_sendgrid, furnish_slack
from tests.approvals import cards
from tests.fleet import FLEETS, Fleet

from .plan import SUBUSERS, UNCLEAR, Plan, fault_sendgrid, fault_slack
from .report import Report, compare

ROOT = str(Path(__file__).parent.parent.parent)
"""Where the unguarded bot is found: it is no part of the package."""

END = re.compile(r"Request \d+>?, \+([\d,]+) credits? .*?\*(Applied|Failed|Refused|Expired|Cancelled)\*")
"""A notice of an end, with the amount and how it ended."""

RECORDS = (
    "SELECT *, EXISTS (SELECT 1 FROM events WHERE request_id = requests.id"
    " AND to_status = 'in_doubt') AS doubted FROM requests"
)
UNPROVEN = "SELECT id, allocation_update FROM requests WHERE status = 'in_doubt' AND next_try_at IS NULL"
UNENDED = "SELECT 1 FROM requests WHERE finished_at IS NULL"
UNSHOWN = "SELECT 1 FROM outbox WHERE shown_version < wanted_version"

PATIENCE = 900
"""Seconds after the last trouble within which all must have ended; far more than it takes."""


class Campaign:
    """Runs one plan on one of FLEETS."""

    def __init__(self, plan: Plan, database: str = "sqlite", *, module: str = "creditbot") -> None:
        self.plan = plan
        self.random = Random(plan.seed)
        self.module = module
        self.start_fleet = FLEETS[database]
        self.acked: set[int] = set()
        self.report = Report()
        self.trouble_over = 0.0  # the share of the troubles that have come
        self.over = False

    async def run(self) -> Report:
        with tempfile.TemporaryDirectory(prefix="creditbot-campaign-") as name:
            async with SlackSandbox() as slack, SendGridSandbox() as sendgrid:
                self.slack, self.sendgrid = slack, sendgrid
                furnish_slack(slack)
                furnish_sendgrid(sendgrid, date(2026, 11, 22))
                sendgrid.account.oversell = None  # however much is asked for, SendGrid gives it
                for number in range(SUBUSERS):
                    sendgrid.account.add_subuser(Subuser(f"sub{number}", "nonrecurring", remain=10_000_000))
                env = environment(slack, sendgrid, Path(name)) | {"SENDGRID_TIMEOUT": "1", "PYTHONPATH": ROOT}
                async with self.start_fleet(env, Path(name), slack, self.module) as fleet:
                    self.fleet: Fleet = fleet
                    await self._play()
                    await self._write_report()
        return self.report

    async def _play(self) -> None:
        trouble = asyncio.create_task(self._trouble())
        people = [asyncio.create_task(self._approve_all()), asyncio.create_task(self._settle_all())]
        try:
            await self._ask_all()
            await trouble
            self.sendgrid.faults.clear()
            self.slack.faults.clear()
            await self._wait_for_the_end()
        finally:
            self.over = True
            trouble.cancel()
            await asyncio.gather(*people)

    async def _ask_all(self) -> None:
        """Each time something is asked it has an amount of its own, by which SendGrid's book is read."""
        amounts = count(1001)
        for number in range(1, self.plan.requests + 1):
            subuser = f"sub{self.random.randrange(SUBUSERS)}"
            while not await self._asked(next(amounts), subuser):  # noqa: ASYNC110 - a person tries again after a while
                await asyncio.sleep(0.2)
            # In step with the troubles, so that each of them meets requests under way.
            while number / self.plan.requests > self.trouble_over:  # noqa: ASYNC110 - a figure, not an event
                await asyncio.sleep(0.05)

    async def _asked(self, amount: int, subuser: str) -> bool:
        """Whether the bot says that it has taken it; who saw it fail asks again, for another amount.

        What was not acked may have been taken all the same: then it has to end, too.
        """
        delivery = await self.slack.command(
            ALICE, f"/credits add {subuser} {amount} campaign", channel=GENERAL
        )
        taken = delivery.acked and "Request " in str(delivery.body)
        if taken:
            self.acked.add(amount)
        return taken

    async def _approve_all(self) -> None:
        """Bob approves whatever waits, as often as it takes for Slack to get its answer."""
        seen: set[str] = set()
        while not self.over:
            for card in self._cards():
                if not card.plain().startswith("🔔 Waiting for approval: "):
                    continue
                if card.ts not in seen and self.random.random() < self.plan.faults:
                    fault_sendgrid(self.random, self.sendgrid)
                seen.add(card.ts)
                with suppress(LookupError):
                    await self.slack.click(BOB, card, "Approve")
            await asyncio.sleep(0.05)

    async def _trouble(self) -> None:
        """Kills, stops, restarts and Slack's faults, in an order that the seed decides."""
        plan = self.plan
        deeds = ["kill"] * plan.kills + ["stop"] * plan.stops + ["slack"] * plan.slack_faults
        if self.fleet.server is not None:
            deeds += ["restart"] * plan.restarts
        self.random.shuffle(deeds)
        for number, deed in enumerate(deeds, 1):
            await asyncio.sleep(self.random.uniform(0.05, 1.2))
            # What was asked in step meets the trouble; more is asked while it lasts.
            self.trouble_over = number / len(deeds)
            await self._strike(deed)

    async def _strike(self, deed: str) -> None:
        bot = self.fleet.one(self.random)
        match deed:
            case "slack":
                fault_slack(self.random, self.slack)
            case "restart":
                await self.fleet.restart_database(self.random.choice(["fast", "immediate"]))
                self.report.database_restarts += 1
            case "stop":
                bot.send(signal.SIGSTOP)
                await asyncio.sleep(self.random.uniform(0.1, 2.5))
                bot.send(signal.SIGCONT)
                self.report.stops += 1
            case _:
                await bot.kill()
                self.report.kills += 1
                await bot.start()

    async def _settle_all(self) -> None:
        """A person who can look into SendGrid's book settles what no balance proves."""
        while not self.over:
            for record in await self.fleet.rows(UNPROVEN):
                await self._settle(record)
            await asyncio.sleep(0.5)

    async def _wait_for_the_end(self) -> None:
        """Until all have ended, and that has been shown and told."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            for left in (UNENDED, UNSHOWN):
                if await self.fleet.rows(left):
                    break
            else:
                return
            await asyncio.sleep(0.3)

    async def _settle(self, record: dict[str, Any]) -> None:
        amount = record["allocation_update"]
        truth = "--applied" if amount in self._ledger() else "--not-applied"
        await self.fleet.bots[0].command_line(
            "requests", "settle", str(record["id"]), truth, "--reason", "SendGrid's book"
        )

    async def _write_report(self) -> None:
        told: dict[int, list[str]] = {}
        for message in self.slack.dm(ALICE):
            found = END.search(message.text)
            if found:
                told.setdefault(int(found[1].replace(",", "")), []).append(found[2].lower())
        compare(self.report, self.acked, await self.fleet.rows(RECORDS), self._ledger(), told)
        self.report.unclear_answers = sum(
            1 for call in self.sendgrid.calls if call.method == "PATCH" and call.fault in UNCLEAR
        )
        status, _, _ = await self.fleet.bots[0].command_line("audit", "verify")
        self.report.broken_ledger = int(status != 0)

    def _cards(self) -> list[Message]:
        return cards(self.slack)

    def _ledger(self) -> list[int]:
        return [entry.allocation_update for entry in self.sendgrid.account.ledger]
