"""A process that runs for months keeps nothing of each request, person or delivery, but so much at most."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from creditbot import seldom
from creditbot.bootstrap import build
from creditbot.domain.change_rules import check_change
from creditbot.domain.changes import Change
from creditbot.jobs import bounded
from creditbot.runners import faults
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sandbox.slack import Person, SlackSandbox
from creditbot.sendgrid import budget
from creditbot.service import Service
from creditbot.settings.environment import WebSettings
from creditbot.slack import recent_deliveries

from .adapters import ANN, CHANNEL, environ
from .in_process import InProcess, post
from .kept import kept

GENERAL = "C0GENERAL"

BOUNDS = (
    (bounded, "MOST_LOGGED"),
    (budget, "A_MINUTE"),
    (faults, "MOST"),
    (recent_deliveries, "MOST"),
    (seldom, "MOST_KINDS"),
)

FEW, PEOPLE = 2, 4

SAID = (
    "add brand-{0} {0} why",
    "add odd-{0} {0} why",
    "balance brand-{0}",
    "balance none-{0}",
    "history brand-{0}",
    "pending",
    "show {0}",
    "strange-{0}",
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that are reached at once; and a fault that nobody foresaw, in a job on some requests."""
    for module, name in BOUNDS:
        monkeypatch.setattr(module, name, FEW)

    def fails(change: Change, *given: Any, **named: Any) -> None:
        if change.subuser.startswith("odd"):
            raise ValueError("nobody foresaw this")
        check_change(change, *given, **named)

    monkeypatch.setattr("creditbot.jobs.check.check_change", fails)


class Company:
    """Ever new people, who ask for changes of ever new subusers."""

    def __init__(self, slack: SlackSandbox, sendgrid: SendGridSandbox, service: Service) -> None:
        self.slack = slack
        self.sendgrid = sendgrid
        self.service = service
        self._numbers = count(1)

    def come(self, user: str) -> None:
        self.slack.workspace.add_person(Person(user, user.lower(), user))
        for channel in (GENERAL, CHANNEL):
            self.slack.workspace.channels[channel].members.add(user)

    async def go_on(self, people: int) -> None:
        await asyncio.gather(*(self._one(next(self._numbers)) for _ in range(people)))
        await self.service.tasks.drain(30)

    async def _one(self, number: int) -> None:
        user, subuser = f"U0P{number}", f"brand-{number}"
        self.come(user)
        for name in (subuser, f"odd-{number}"):
            self.sendgrid.account.add_subuser(Subuser(name, "nonrecurring", remain=1000))
        for words in SAID:
            await self.slack.command(user, f"/credits {words.format(number)}", channel=GENERAL)
        [card] = await self.slack.until(
            lambda: [found for found in self.slack.messages(CHANNEL) if f"`{subuser}`" in found.plain()]
        )
        for clicker in (user, ANN):
            await self.slack.click(clicker, card, "Approve")
        await self.slack.until(lambda: "Applied" in card.plain())
        assert self.service.web is not None
        await post(self.service.web, b"{}", {"x-number": str(number)})


@pytest.fixture
async def company(small: None, url: str, sandbox: SendGridSandbox) -> AsyncIterator[Company]:
    """A process with all its parts, as it is in earnest."""
    async with SlackSandbox() as slack:
        for id_, name in ((GENERAL, "general"), (CHANNEL, "approvals")):
            slack.workspace.add_channel(id_, name)
        settings = environ(url, slack, sandbox, CREDITBOT_APPROVERS=ANN)
        service = build(WebSettings.from_environ(settings))
        assert service.web is not None
        assert service.runner is not None
        slack._courier = InProcess(slack, service.web)
        await service.prepare()
        working = asyncio.create_task(service.runner.run())
        company = Company(slack, sandbox, service)
        company.come(ANN)
        yield company
        await service.runner.stop()
        await working
        await service.close()


async def test_no_more_is_kept_for_each_who_comes(company: Company) -> None:
    await company.go_on(PEOPLE)
    before = kept(company.service)
    await company.go_on(PEOPLE)
    for _ in range(100):
        grown = {
            where: f"{before[where]} and then {size}"
            for where, size in kept(company.service).items()
            if size >= before[where] + PEOPLE
        }
        if not grown:
            return
        await asyncio.sleep(0.1)  # something may be under way still
    raise AssertionError(grown)
