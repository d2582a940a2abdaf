"""`/credits pending` and `history`: all is found page by page, what waits for whoever looks first."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from creditbot.domain.paging import History, Pending, Section, Turn
from creditbot.domain.policy import Policy
from creditbot.domain.requests import OPEN, Status
from creditbot.domain.who import Actor, Roster, Who
from creditbot.operations import queries as operation
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store.lists import Page
from tests.authority import ROLES

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, POLICY, Bot, Clock
from .conftest import on_sqlite
from .filled import DAY, fill, row
from .http_bot import GENERAL, opened
from .statements import executed

FOR_YOU, YOURS, OTHERS = Section.FOR_YOU, Section.YOURS, Section.OTHERS


@pytest.fixture
async def bot(url: str, sandbox: SendGridSandbox, clock: Clock) -> AsyncIterator[Bot]:
    """Not held to the ledger, which does not tell of what is filled in."""
    clock.now = DAY
    bot = Bot(url, sandbox, clock, policy=POLICY)
    yield bot
    await bot.close()


def ids(page: Page) -> list[int]:
    return [request.id for _, request in page.entries]


def beyond(page: Page, *, onward: bool) -> Turn:
    section, request = page.entries[-1 if onward else 0]
    return Turn(onward, section, request.id)


async def test_a_history_is_paged_through_to_its_end_and_back(bot: Bot, url: str) -> None:
    fill(url, (row(number, subuser="Acme" if number % 2 else "other") for number in range(1, 50)))

    async def shown(turn: Turn | None = None) -> Page:
        return await bot.queries.history(History("aCME", turn))

    pages = [await shown()]
    while pages[-1].last < pages[-1].total:
        pages.append(await shown(beyond(pages[-1], onward=True)))

    assert [number for page in pages for number in ids(page)] == [*range(49, 0, -2)]
    assert [(page.first, page.last, page.total) for page in pages] == [
        (1, 10, 25),
        (11, 20, 25),
        (21, 25, 25),
    ]
    assert await shown(beyond(pages[2], onward=False)) == pages[1]
    assert await shown(beyond(pages[1], onward=False)) == pages[0]
    # One that was made meanwhile moves the numbers, and hides nothing.
    fill(url, [row(51)])
    assert await shown(beyond(pages[0], onward=True)) != pages[1]
    assert ids(await shown(beyond(pages[0], onward=True))) == ids(pages[1])
    assert (await shown(beyond(pages[0], onward=True))).first == 12
    # Before the second page there are now eleven, of which the tenth and those before it fit.
    back = await shown(beyond(pages[1], onward=False))
    assert (ids(back), back.first) == (ids(pages[0]), 2)
    assert await shown(beyond(back, onward=False)) == await shown()
    assert await shown(Turn(True, Section.ALL, 1)) == await shown()


async def test_what_waits_for_whoever_looks_comes_first_then_what_they_asked_for(bot: Bot, url: str) -> None:
    fill(
        url,
        [
            row(1, status=Status.APPLIED),
            row(2, requested_by=ANN),
            row(3),
            row(4, status=Status.APPROVED),
            row(5, requested_by=BEN),
            row(6, checked_at=None),
            row(7, status=Status.IN_DOUBT, subuser="third"),
            row(8, expires_at=DAY),
        ],
    )

    async def shown(person: str) -> list[tuple[Section, int]]:
        found = await bot.queries.pending(Pending(), Actor(person))
        assert found.complete
        return [(section, request.id) for section, request in found.page.entries]

    assert await shown(ANN) == [
        (FOR_YOU, 3),
        (FOR_YOU, 5),
        (FOR_YOU, 7),
        (YOURS, 2),
        *((OTHERS, number) for number in (4, 6, 8)),
    ]
    assert await shown(ASKER) == [
        *((YOURS, number) for number in (3, 4, 6, 7, 8)),
        (OTHERS, 2),
        (OTHERS, 5),
    ]
    assert {section for section, _ in await shown("U0OUT")} == {OTHERS}


async def test_open_requests_are_paged_through_each_once_across_all_sections(bot: Bot, url: str) -> None:
    by = [ANN, ASKER, ASKER]
    fill(
        url,
        (
            row(number, requested_by=by[number % 3], checked_at=DAY if number % 2 else None)
            for number in range(1, 61)
        ),
    )

    async def shown(turn: Turn | None = None) -> Page:
        return (await bot.queries.pending(Pending(turn), Actor(ANN))).page

    pages = [await shown()]
    while pages[-1].last < pages[-1].total:
        pages.append(await shown(beyond(pages[-1], onward=True)))

    entries = [(section, request.id) for page in pages for section, request in page.entries]
    assert entries == sorted(entries)
    assert sorted(number for _, number in entries) == [*range(1, 61)]
    assert pages[0].counts == {FOR_YOU: 20, YOURS: 20, OTHERS: 20}
    assert [page.first for page in pages] == [1, 11, 21, 31, 41, 51]
    for earlier, later in pairwise(pages):
        assert await shown(beyond(later, onward=False)) == earlier


async def test_of_very_many_only_the_oldest_are_looked_at_and_no_more_is_asked_of_the_database(
    bot: Bot, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "EXAMINED", 30)

    async def looked_up() -> tuple[operation.OpenRequests, int]:
        with executed() as statements:
            return await bot.queries.pending(Pending(), Actor(ANN)), len(statements)

    await looked_up()
    fill(url, (row(number) for number in range(1, 31)))
    few, for_few = await looked_up()
    fill(url, (row(number) for number in range(31, 300)))
    many, for_many = await looked_up()

    assert (few.complete, many.complete) == (True, False)
    assert few.page.counts == {FOR_YOU: 30}
    assert many.page.counts == {FOR_YOU: 30, OTHERS: 269}
    assert for_few == for_many


async def test_what_waits_through_a_group_that_can_not_be_read_is_said_to_be_unknown(
    url: str, sandbox: SendGridSandbox, clock: Clock
) -> None:
    clock.now = DAY
    policy = Policy.one_tier([ANN, "S0FINANCE"])
    unread = Bot(url, sandbox, clock, policy=policy, roster=Roster({}, frozenset({"S0FINANCE"})))
    fill(url, [row(1)])
    found = await unread.queries.pending(Pending(), Actor(CAT))
    assert found.unread == {"S0FINANCE"}
    assert found.page.counts == {OTHERS: 1}
    await unread.close()


def test_whoever_it_is_escalated_to_is_one_of_the_deciders() -> None:
    assert POLICY.deciders == Who.of([ANN, BEN, CAT])
    assert {Status.PENDING, Status.APPROVED, Status.APPLYING, Status.IN_DOUBT} == OPEN


@on_sqlite
async def test_the_buttons_put_other_pages_in_the_place_of_the_list(
    url: str, sandbox: SendGridSandbox, tmp_path: Path
) -> None:
    role = ROLES["approver by name"]
    async with opened(url, sandbox, tmp_path, role) as bot:
        for _ in range(12):
            await bot.prepare(Status.PENDING)
        slack, tasks = bot._slack, bot._service.tasks
        await slack.command(role.actor, "/credits pending", channel=GENERAL)
        await tasks.drain(10)
        [listed] = slack.ephemerals(role.actor, GENERAL)
        assert "Showing 1–10 of 12." in listed.text
        assert "*Waiting for you* (12 requests)" in listed.text
        assert f"card in <#{CHANNEL}>" in listed.text

        pressed = await slack.click(role.actor, listed, "Next")
        await tasks.drain(10)
        assert "Showing 11–12 of 12." in listed.text
        await slack.click(role.actor, listed, "Previous")
        await tasks.drain(10)
        assert "Showing 1–10 of 12." in listed.text
        await slack.deliver_again(pressed)
        await tasks.drain(10)
        assert "Showing 1–10 of 12." in listed.text
        assert slack.ephemerals(role.actor, GENERAL) == [listed]


@on_sqlite
async def test_a_button_that_carries_no_page_is_said_to_be_strange(
    url: str, sandbox: SendGridSandbox, tmp_path: Path
) -> None:
    role = ROLES["outsider"]
    async with opened(url, sandbox, tmp_path, role) as bot:
        await bot.prepare(Status.PENDING)
        await bot._slack.click_raw(role.actor, message=bot._card, action_id="page_on", value="12")
        await bot._service.tasks.drain(10)
        [said] = bot._slack.ephemerals(role.actor, CHANNEL)
        assert "creditbot does not know this button" in said.text
        assert [event for event in bot._changes.since_last_look(0).events if "refused_click" in event]
