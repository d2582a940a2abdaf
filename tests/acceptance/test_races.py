"""Several people at the same moment, over two processes: one wins, the others are told, one PATCH leaves."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.slack import Delivery, Message, SlackSandbox, View
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, CAROL, GENERAL
from tests.carried import carried
from tests.extent import short_or_long
from tests.fleet import Fleet, postgres_fleet, sqlite_fleet

ROUNDS = short_or_long(4, 50)
CLICKS = 40
DUELS = short_or_long(4, 10)
"""Races of two, each of whom starts first in every second one."""

_amounts = count(2)  # cards write one credit in the singular


@dataclass
class Crowd:
    """People in front of two processes."""

    slack: SlackSandbox
    sendgrid: SendGridSandbox
    fleet: Fleet
    carried: dict[str, str] = field(default_factory=dict)

    async def ask(self) -> tuple[int, Message]:
        """Ask for a change of an amount of its own; return the amount and the card."""
        amount = next(_amounts)
        await self.slack.command(ALICE, f"/credits add acme {amount} race", channel=GENERAL)
        found = await self.slack.until(lambda: self.cards(amount))
        self.carried[found[0].ts] = carried(found[0])
        return amount, found[0]

    def cards(self, amount: int) -> list[Message]:
        return [
            card
            for card in self.slack.messages(APPROVALS)
            if f": +{amount:,} credits" in card.plain().splitlines()[0]
        ]

    async def click(self, user: str, card: Message, button: str) -> Delivery:
        """A click of someone who still sees the button, whatever the card shows by now."""
        value = self.carried[card.ts]
        return await self.slack.click_raw(user, message=card, action_id=button, value=value)

    async def ended(self, card: Message) -> str:
        """Wait until the card shows an end; return its word."""
        ends = "(Applied|Denied|Cancelled|Expired|Failed): "
        found = await self.slack.until(lambda: re.findall(ends, card.plain()), 30)
        return str(found[0])

    async def request_id(self, amount: int) -> str:
        [row] = await self.fleet.rows(f"SELECT id FROM requests WHERE allocation_update = {amount:d}")  # noqa: S608 - a number
        return str(row["id"])

    def patched(self, amount: int) -> int:
        """How many PATCHes of this amount reached SendGrid."""
        return sum(
            1
            for call in self.sendgrid.calls
            if call.method == "PATCH" and call.body == {"allocation_update": amount}
        )

    def told(self, *users: str) -> int:
        """How many private sentences they have seen in the approvals channel."""
        return sum(len(self.slack.ephemerals(user, APPROVALS)) for user in users)

    async def until_told(self, times: int, *users: str) -> None:
        """Wait until they have seen this many, and no more."""
        await self.slack.until(lambda: self.told(*users) >= times, 30)
        assert self.told(*users) == times

    async def until_alice_hears_of(self, request_id: str, end: str) -> None:
        def heard() -> bool:
            texts = [message.plain() for message in self.slack.dm(ALICE)]
            return any(re.search(rf"Request {request_id}\b", text) and end in text for text in texts)

        await self.slack.until(heard, 30)


@pytest.fixture
def ack_window() -> float:
    """A patient Slack: that acks come in time is for other tests to see."""
    return 30.0


@pytest.fixture(params=["sqlite", "postgresql"])
async def crowd(
    request: pytest.FixtureRequest,
    slack: SlackSandbox,
    sendgrid: SendGridSandbox,
    settings: dict[str, str],
    tmp_path: Path,
) -> AsyncIterator[Crowd]:
    """Two `serve` on one SQLite file, or two `web` and two `worker` on a PostgreSQL server."""
    starting = (
        sqlite_fleet(settings, tmp_path, slack, size=2)
        if request.param == "sqlite"
        else postgres_fleet(settings, tmp_path, slack)
    )
    async with starting as fleet:
        yield Crowd(slack, sendgrid, fleet)


async def test_of_forty_clicks_by_two_approvers_one_counts(crowd: Crowd) -> None:
    for _ in range(ROUNDS):
        amount, card = await crowd.ask()
        told = crowd.told(BOB, CAROL)
        deliveries = await asyncio.gather(
            *(crowd.click((BOB, CAROL)[number % 2], card, "approve") for number in range(CLICKS))
        )
        assert all(delivery.acked for delivery in deliveries)
        assert await crowd.ended(card) == "Applied"
        assert crowd.patched(amount) == 1
        # Every click but the one that counted is answered.
        await crowd.until_told(told + CLICKS - 1, BOB, CAROL)
    approved = await crowd.fleet.rows("SELECT request_id FROM events WHERE kind = 'approved'")
    assert len(approved) == ROUNDS
    applied = crowd.sendgrid.account.applied("acme")
    assert Counter(applied).most_common(1)[0][1] == 1
    assert len(applied) == ROUNDS


async def form(crowd: Crowd, user: str, card: Message, button: str) -> View:
    await crowd.click(user, card, button)
    return (await crowd.slack.until(lambda: crowd.slack.open_views(user)))[-1]


async def test_approve_against_deny_has_one_winner_and_tells_the_other(crowd: Crowd) -> None:
    ends: Counter[str] = Counter()
    for number in range(DUELS):
        amount, card = await crowd.ask()
        view = await form(crowd, CAROL, card, "deny")
        told = crowd.told(BOB)
        acts: list[Awaitable[Delivery]] = [
            crowd.slack.submit(CAROL, view, {"reason": "no"}),
            crowd.click(BOB, card, "approve"),
        ]
        denial, approval = await together(acts, first=number % 2)
        end = await crowd.ended(card)
        ends[end] += 1
        assert denial.acked
        assert approval.acked
        if end == "Applied":
            assert crowd.patched(amount) == 1
            # The form says who was faster, or that the database was too busy with the other to look.
            assert re.search("already|Not accepted", str(denial.body)), denial
        else:
            assert end == "Denied"
            assert crowd.patched(amount) == 0
            await crowd.until_told(told + 1, BOB)
        crowd.slack.workspace.close_all(CAROL)
    assert ends.keys() <= {"Applied", "Denied"}


async def test_approve_against_cancel_has_one_end_and_tells_whoever_came_too_late(crowd: Crowd) -> None:
    for number in range(DUELS):
        amount, card = await crowd.ask()
        request_id = await crowd.request_id(amount)
        told = crowd.told(ALICE, BOB)
        acts: list[Awaitable[Delivery]] = [
            crowd.click(ALICE, card, "cancel"),
            crowd.click(BOB, card, "approve"),
        ]
        await together(acts, first=number % 2)
        end = await crowd.ended(card)
        kinds = [
            row["kind"]
            for row in await crowd.fleet.rows(
                f"SELECT kind FROM events WHERE request_id = {request_id} AND kind IN"  # noqa: S608 - a number
                " ('approved', 'cancelled', 'refused_click') ORDER BY id"
            )
        ]
        assert crowd.patched(amount) == (end == "Applied")
        # An approved request may still be cancelled until it is sent: then nobody came too late.
        assert kinds in (
            ["approved", "refused_click"],
            ["cancelled", "refused_click"],
            ["approved", "cancelled"],
        )
        assert ("cancelled" in kinds) == (end == "Cancelled")
        await crowd.until_told(told + kinds.count("refused_click"), ALICE, BOB)


async def test_approve_against_expiry_has_one_winner_and_tells_the_other(crowd: Crowd) -> None:
    for number in range(short_or_long(3, 6)):
        amount, card = await crowd.ask()
        request_id = await crowd.request_id(amount)
        told = crowd.told(BOB)
        await crowd.fleet.change(
            f"UPDATE requests SET expires_at = requested_at WHERE id = {request_id}"  # noqa: S608 - a number
        )
        await asyncio.sleep(number * 0.2)  # the sweep comes once a second
        delivery = await crowd.click(BOB, card, "approve")
        assert delivery.acked
        assert await crowd.ended(card) == "Expired"
        assert crowd.patched(amount) == 0
        await crowd.until_told(told + 1, BOB)
        await crowd.until_alice_hears_of(request_id, "*Expired*")


async def together(acts: list[Awaitable[Delivery]], *, first: int) -> list[Delivery]:
    """Start both at once, the one at `first` a step ahead; their outcomes in the order of `acts`."""
    tasks = {index: asyncio.ensure_future(acts[index]) for index in (first, 1 - first)}
    return [await tasks[0], await tasks[1]]
