"""What can't be delivered is tried ever more seldom, comes to an end, and somebody hears of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import SupportsIndex

import pytest
import structlog
from sqlalchemy import func, select

from creditbot.domain.digest import DIGEST
from creditbot.domain.policy import Policy, Reminders
from creditbot.domain.reminders import NO_CARD, OLD_CARD, UNTOLD
from creditbot.domain.requests import Status
from creditbot.jobs.messenger import DeliveryProblem, Fault
from creditbot.jobs.retries import LONGEST, SPREAD
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store.tables import CARD, outbox, timers
from tests.extent import short_or_long

from .adapters import ANN, ASKER, BEN, CAT, CHANNEL, POLICY, Bot, Clock
from .conftest import StartBot

ARCHIVED = DeliveryProblem("is_archived", fault=Fault.CHANNEL, not_done=True)
AWAY = DeliveryProblem("service_unavailable")
DEACTIVATED = DeliveryProblem("user_not_found", fault=Fault.PERSON, not_done=True)
BUG = ValueError("nobody foresaw this")


class Forever(list[Exception]):
    """Fails each call, for as long as it is there."""

    def pop(self, index: SupportsIndex = 0) -> Exception:
        return self[index]


async def given_up(bot: Bot, request_id: int) -> list[tuple[str, str]]:
    """The notices that were given up, with whom they were for."""
    async with bot.database.read() as connection:
        query = select(outbox.c.recipient, outbox.c.kind).where(
            outbox.c.request_id == request_id, outbox.c.kind != CARD, outbox.c.given_up_at.is_not(None)
        )
        return [(row.recipient, row.kind) for row in await connection.execute(query)]


async def waits(bot: Bot, kind: str, hours: float) -> list[float]:
    """Work at whatever of this kind is due for so long; return the seconds between two tries."""
    found, last, end = [], bot.clock.now, bot.clock.now + timedelta(hours=hours)
    while bot.clock.now < end:
        calls = bot.messenger.calls
        await bot.work(kind)
        if bot.messenger.calls > calls:
            found.append((bot.clock.now - last).total_seconds())
            last = bot.clock.now
        bot.clock.advance(seconds=(await next_try(bot, end) - bot.clock.now).total_seconds())
    return found


async def next_try(bot: Bot, end: datetime) -> datetime:
    """When something is to be delivered next, as it is written down; `end` at the latest."""
    earliest = end
    async with bot.database.read() as connection:
        for table in (outbox, timers):
            later = select(func.min(table.c.next_try_at)).where(table.c.next_try_at > bot.clock.now)
            planned: datetime | None = await connection.scalar(later)
            earliest = min(earliest, planned or end)
    return earliest


class TestACard:
    @pytest.mark.parametrize("posted", [False, True])
    async def test_of_a_request_that_has_ended_is_given_up_in_a_channel_that_is_archived(
        self, bot: Bot, *, posted: bool
    ) -> None:
        request = await bot.checked()
        if posted:
            await bot.work("cards")
        await bot.decisions.deny(request.id, ANN, "no")
        bot.messenger.problems = Forever([ARCHIVED])

        with structlog.testing.capture_logs() as logs:
            tried = await waits(bot, "cards", hours=2)

        errors = [entry["event"] for entry in logs if entry["log_level"] == "error"]
        assert len(tried) < 20
        assert ["can't be reached" in errors[0], "will not be tried again" in errors[1]] == [True, True]
        assert len(errors) == 2
        assert await bot.due_cards() == []
        bot.clock.advance(days=30)
        assert await bot.due_cards() == []
        kind = OLD_CARD if posted else NO_CARD
        assert (ASKER, kind) in await bot.notices_of(request.id)

    async def test_of_an_open_request_is_tried_until_that_ends_ever_more_seldom(self, bot: Bot) -> None:
        request = await bot.checked()
        bot.messenger.problems = Forever([ARCHIVED])

        hours = short_or_long(4, 20)
        tried = await waits(bot, "cards", hours=hours)
        bot.messenger.problems = []
        bot.clock.advance(hours=1)
        await bot.work("cards")

        assert max(tried) <= LONGEST[Fault.CHANNEL] * (1 + SPREAD) + 20
        assert len(tried) > hours * 3600 / (LONGEST[Fault.CHANNEL] * (1 + SPREAD) + 20)
        assert [found.id for found in bot.messenger.shown.values()] == [request.id]

    async def test_is_tried_for_a_day_after_the_end_while_slack_is_away(self, bot: Bot) -> None:
        request = await bot.checked()
        await bot.decisions.deny(request.id, ANN, "no")
        bot.messenger.problems = Forever([AWAY])
        await bot.work("cards")
        bot.clock.advance(hours=23)
        await bot.work("cards")
        assert await bot.notices_of(request.id) == {(ASKER, "denied")}

        bot.clock.advance(hours=2)
        await bot.work("cards")

        [card] = await bot.cards_of(request.id)
        assert (card["given_up_at"], card["error"]) == (bot.clock.now, "service_unavailable")
        assert (ASKER, NO_CARD) in await bot.notices_of(request.id)
        assert await bot.due_cards() == []

    async def test_of_a_request_that_ended_while_nobody_worked_is_tried_more_than_once(
        self, bot: Bot
    ) -> None:
        request = await bot.checked()
        await bot.decisions.deny(request.id, ANN, "no")
        bot.clock.advance(days=10)
        bot.messenger.problems = [AWAY]
        await bot.work("cards")
        bot.clock.advance(minutes=1)
        await bot.work("cards")

        assert [found.status for found in bot.messenger.shown.values()] == [Status.DENIED]

    async def test_that_nobody_can_draw_is_told_to_its_requester_and_drawn_once_that_is_mended(
        self, bot: Bot
    ) -> None:
        request = await bot.checked()
        bot.messenger.problems = [BUG]
        with structlog.testing.capture_logs() as logs:
            await bot.work("cards")
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
            "A message could not be drawn or sent",
            "Slack refuses a request's card until the cause is fixed",
        ]
        assert await bot.due_cards() == []
        [card] = await bot.cards_of(request.id)
        assert card["error"] == "ValueError: nobody foresaw this"
        await bot.work("notices")
        bot.clock.advance(minutes=5)
        await bot.work("cards")

        assert bot.messenger.notices == [(ASKER, NO_CARD, request.id)]
        assert len(bot.messenger.posted) == 1

    async def test_that_was_given_up_is_drawn_again_when_it_is_clicked(self, bot: Bot) -> None:
        request = await bot.checked()
        await bot.work("cards")
        [message] = bot.messenger.posted
        await bot.decisions.deny(request.id, ANN, "no")
        bot.messenger.problems = Forever([ARCHIVED])
        await waits(bot, "cards", hours=2)
        bot.messenger.problems = []

        await bot.seen_in(request.id, *message)
        await bot.work("cards")

        assert bot.messenger.shown[message].status is Status.DENIED

    async def test_that_could_be_posted_meanwhile_is_no_news_any_more(self, bot: Bot) -> None:
        request = await bot.checked()
        bot.messenger.problems = [DeliveryProblem("token_revoked", fault=Fault.APP, not_done=True)]
        await bot.work("cards")
        bot.clock.advance(minutes=1)
        await bot.work("cards")
        await bot.work("notices")

        assert (ASKER, NO_CARD) in await bot.notices_of(request.id)
        assert bot.messenger.notices == []


class TestANotice:
    async def test_to_a_person_who_is_not_there_ends_at_once_and_is_told_in_the_channel(
        self, bot: Bot
    ) -> None:
        request = await bot.checked()
        await bot.decisions.deny(request.id, ANN, "no")
        bot.messenger.problems = [DEACTIVATED]
        with structlog.testing.capture_logs() as logs:
            await bot.work("notices")

        [entry] = [entry for entry in logs if entry["log_level"] == "error"]
        assert (entry["person"], entry["error"]) == (ASKER, "user_not_found")
        assert await given_up(bot, request.id) == [(ASKER, "denied")]
        assert bot.messenger.notices == [(CHANNEL, f"{UNTOLD}{ASKER}", request.id)]
        bot.clock.advance(days=30)
        assert await bot.due_notices() == []

    async def test_that_was_given_up_holds_up_no_later_one(self, bot: Bot, sandbox: SendGridSandbox) -> None:
        request = await bot.approved()
        sandbox.faults.add("drop_before")
        await bot.apply(request.id)
        bot.messenger.problems = [DEACTIVATED]
        await bot.work("notices")
        bot.clock.advance(minutes=1)
        await bot.settlements.settle(request.id, BEN, applied=False, reason="no trace of it")
        await bot.work("notices")

        assert (ASKER, "failed", request.id) in bot.messenger.notices

    async def test_that_only_asks_for_a_decision_is_nobody_else_s_matter(self, start: StartBot) -> None:
        bot = start(replace(POLICY, reminders=Reminders(after=(timedelta(hours=1),))))
        request = await bot.checked()
        bot.clock.advance(hours=1)
        await bot.work("remind")
        bot.messenger.problems = [DEACTIVATED]
        await bot.work("notices")

        assert [person for person, _ in await given_up(bot, request.id)] == [ANN]
        assert sorted(person for person, _, _ in bot.messenger.notices) == [BEN, CAT]

    async def test_is_tried_for_three_days_while_slack_is_away(self, bot: Bot) -> None:
        request = await bot.checked()
        await bot.decisions.deny(request.id, ANN, "no")
        bot.messenger.problems = Forever([AWAY])
        await bot.work("notices")
        bot.clock.advance(days=2, hours=23)
        await bot.work("notices")
        assert await given_up(bot, request.id) == []
        bot.clock.advance(hours=2)
        await bot.work("notices")

        assert await given_up(bot, request.id) == [(ASKER, "denied")]

    async def test_that_nobody_can_draw_comes_to_an_end(self, bot: Bot) -> None:
        request = await bot.checked()
        await bot.decisions.deny(request.id, ANN, "no")
        bot.messenger.problems = Forever([BUG])
        await waits(bot, "notices", hours=30)

        assert await given_up(bot, request.id) == [(ASKER, "denied"), (CHANNEL, f"{UNTOLD}{ASKER}")]
        assert await bot.due_notices() == []

    async def test_that_no_channel_takes_goes_to_the_listed_approvers(self, start: StartBot) -> None:
        bot = start(replace(POLICY, break_glass=Policy.one_tier([ASKER]).approvers_of_all_tiers))
        request = await bot.checked()
        await bot.decisions.break_glass(request.id, ASKER, "nobody answers")
        bot.messenger.problems = Forever([ARCHIVED])
        await bot.work("notices")
        bot.clock.advance(days=3, hours=1)
        await bot.work("notices")
        bot.messenger.problems = []
        bot.clock.advance(minutes=1)
        await bot.work("notices")

        told = [person for person, kind, _ in bot.messenger.notices if kind == "break_glass"]
        assert sorted(told) == [ANN, BEN, CAT]


class TestADailyMessage:
    async def test_that_no_channel_takes_goes_to_the_listed_approvers_after_a_day(
        self, bot: Bot, clock: Clock
    ) -> None:
        await activate_policy(bot.database, POLICY, clock)
        clock.advance(hours=21)
        bot.messenger.problems = Forever([ARCHIVED])
        await bot.work("digest", "daily")
        clock.advance(hours=25)
        bot.messenger.problems = [ARCHIVED]
        with structlog.testing.capture_logs() as logs:
            await bot.work("daily")

        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
            "A daily message could not be posted; it goes to the listed approvers"
        ]
        assert [to for to, _ in bot.messenger.daily] == [ANN, BEN, CAT]
        assert bot.messenger.instead_of == [CHANNEL] * 3
        [(sent_at, given_up_at)] = await daily(bot)
        assert (sent_at, given_up_at) == (None, clock.now)

    async def test_that_nobody_can_draw_comes_to_an_end(self, bot: Bot, clock: Clock) -> None:
        await activate_policy(bot.database, POLICY, clock)
        clock.advance(hours=21)
        bot.messenger.problems = Forever([BUG])
        await bot.work("digest", "daily")
        clock.advance(hours=2)
        await bot.work("daily")  # from now on it is tried to tell that it is missing
        clock.advance(hours=2)
        await bot.work("daily")
        clock.advance(hours=2)
        await bot.work("daily")

        assert [given_up_at is not None for _, given_up_at in await daily(bot)] == [True]
        assert await bot.due_daily() == []


async def daily(bot: Bot) -> list[tuple[datetime | None, datetime | None]]:
    """When each digest was posted, or given up."""
    async with bot.database.read() as connection:
        query = select(outbox.c.sent_at, outbox.c.given_up_at).where(outbox.c.kind == DIGEST)
        return [(row.sent_at, row.given_up_at) for row in await connection.execute(query)]


class TestAnApproval:
    async def test_whose_change_is_applied_at_once_is_told_with_that(self, bot: Bot) -> None:
        request = await bot.approved()
        await bot.work()
        bot.clock.advance(minutes=1)
        await bot.work()

        assert bot.messenger.notices == [(ASKER, "applied", request.id)]

    async def test_whose_change_takes_longer_is_told_by_itself(self, bot: Bot) -> None:
        request = await bot.approved()
        await bot.work("notices")
        assert bot.messenger.notices == []
        bot.clock.advance(seconds=5)
        await bot.work("notices")
        await bot.work()

        assert bot.messenger.notices == [(ASKER, "approved", request.id), (ASKER, "applied", request.id)]
