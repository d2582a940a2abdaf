"""A bot that is to be sent broken payloads: what is laid down before, and looked at after."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Self

from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.sandbox.world import DAN, GENERAL
from tests.extent import payloads
from tests.fleet import Fleet
from tests.integration.payloads import Payload, samples
from tests.unharmed import POLICY, SUBUSERS, complaints, some_requests, state

NUMBER = payloads(200, 300)
"""How much is sent by each way in."""

SEED = 20261125

QUIET = (
    "SELECT 1 FROM outbox WHERE kind = 'card' AND shown_version > 0"
    " AND NOT EXISTS (SELECT 1 FROM outbox WHERE shown_version < wanted_version)"
)
"""The card is up, and everybody has been told."""


def chance(number: int) -> Random:
    """What is sent depends on its number only, not on what was answered first."""
    return Random(f"{SEED} {number}")


def unprivileged(sendgrid: SendGridSandbox, folder: Path) -> dict[str, str]:
    """Settings of a bot from which nobody may have anything."""
    for name in SUBUSERS:
        sendgrid.account.add_subuser(Subuser(name, "nonrecurring", remain=10))
    (folder / "policy.toml").write_text(POLICY)
    return {"CREDITBOT_POLICY": str(folder / "policy.toml"), "CREDITBOT_APPROVERS": ""}


@dataclass(frozen=True)
class Fuzzed:
    """All that runs, the payloads that could be about its requests, and its state before any of them came."""

    fleet: Fleet
    slack: SlackSandbox
    sendgrid: SendGridSandbox
    known: list[Payload]
    before: list[Any]

    @classmethod
    async def prepare(cls, fleet: Fleet, slack: SlackSandbox, sendgrid: SendGridSandbox) -> Self:
        """Lay some requests, and wait until the bot has nothing left to do with them."""
        await until(fleet, "SELECT 1 FROM events WHERE kind = 'policy'")
        slack.workspace.add_person(Person("U0NOBODY", "nobody", "Nobody"))  # who asked, and is told
        cards = await some_requests(fleet.engine.url.render_as_string(hide_password=False), datetime.now(UTC))
        await until(fleet, QUIET)
        before = await asyncio.to_thread(state, fleet.engine)
        return cls(fleet, slack, sendgrid, list(samples(DAN, cards)), before)

    def payload(self, number: int, random: Random) -> Payload:
        """Any of the known ones, as Slack has not delivered it before."""
        found = dict(random.choice(self.known))
        if "trigger_id" in found:
            found["trigger_id"] = f"{number}.2"
        if "view" in found:
            found["view"] = found["view"] | {"id": f"V{number}"}
        return found

    async def check_answers(self) -> None:
        """A person who types a command gets what they would have got before."""
        delivery = await self.slack.command(DAN, "/credits help", channel=GENERAL)
        assert delivery.acked, delivery
        assert "/credits add" in str(delivery.body)

    async def check_unharmed(self) -> None:
        """Every process stops as it should, none has complained, and nothing was changed or sent."""
        assert [await bot.stop(30) for bot in self.fleet.bots] == [0 for _ in self.fleet.bots]
        for bot in self.fleet.bots:
            assert complaints(bot.log_file.read_text()) == [], bot.name
        assert await asyncio.to_thread(state, self.fleet.engine) == self.before
        assert [call for call in self.sendgrid.calls if call.method == "PATCH"] == []
        status, said, _ = await self.fleet.bots[0].command_line("audit", "verify")
        assert status == 0, said


async def until(fleet: Fleet, query: str) -> None:
    async with asyncio.timeout(30):
        while not await fleet.rows(query):  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.05)
