"""Reminders and escalation, written down by the job and told by the notices, on both databases."""

import json
from dataclasses import replace
from datetime import time, timedelta

import pytest

from creditbot.domain.policy import Policy, QuietHours, Reminders, Tier
from creditbot.domain.who import Roster, Who
from creditbot.operations import put_in_force

from .adapters import ANN, ASKER, BEN, CAT, OUTSIDER, Bot, Clock, ids
from .conftest import StartBot

HOUR = timedelta(hours=1)
POLICY = Policy(
    tiers=(Tier("all", Who.of([ANN, BEN, "S0FINANCE"]), 2),),
    reminders=Reminders(after=(HOUR, 4 * HOUR), escalate_after=2 * HOUR, escalate_to=Who.of([OUTSIDER])),
)
ROSTER = Roster({"S0FINANCE": frozenset({CAT, ASKER})})


@pytest.fixture
async def bot(start: StartBot) -> Bot:
    return start(POLICY, roster=ROSTER)


async def told(bot: Bot, kind: str) -> list[str]:
    await bot.work("remind", "notify")
    return sorted(person for person, what, _ in bot.messenger.notices if what == kind)


async def test_those_who_have_not_decided_are_reminded_once(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    await bot.decisions.approve(request.id, BEN)
    assert await told(bot, "reminder_1") == []
    clock.advance(hours=1)
    # A member of the group is; who asked, and who has agreed, is not.
    assert await told(bot, "reminder_1") == [ANN, CAT]
    assert ids(await bot.due(), "remind") == []
    assert await told(bot, "reminder_1") == [ANN, CAT]
    [event] = [event for event in await bot.events(request.id) if event["kind"] == "reminded"]
    assert json.loads(event["detail"])["people"] == [ANN, CAT]


async def test_after_an_outage_several_reminders_are_one(bot: Bot, clock: Clock) -> None:
    await bot.checked()
    clock.advance(hours=5)
    assert await told(bot, "reminder_2") == [ANN, BEN, CAT, OUTSIDER]
    assert await told(bot, "reminder_1") == []


async def test_when_nobody_decides_others_may_and_the_card_says_so(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    await bot.work("draw")
    clock.advance(hours=2)
    assert await told(bot, "escalated") == [OUTSIDER]
    assert ids(await bot.due(), "draw") == [request.id]
    await bot.decisions.approve(request.id, OUTSIDER)
    clock.advance(hours=2)
    await bot.work("remind", "notify")
    assert (await bot.kinds(request.id)).count("escalated") == 1


async def test_quiet_hours_delay_what_is_told_and_not_who_may_decide(start: StartBot, clock: Clock) -> None:
    quiet = QuietHours(time(13), time(18))
    bot = start(replace(POLICY, reminders=replace(POLICY.reminders, quiet=quiet)), roster=ROSTER)
    request = await bot.checked()  # at 12:00 UTC
    clock.advance(hours=2)
    assert await told(bot, "escalated") == []
    assert (await bot.kinds(request.id))[-1] == "escalated"
    await bot.decisions.approve(request.id, OUTSIDER)
    clock.advance(hours=4)
    assert await told(bot, "reminder_2") == [ANN, BEN, CAT]
    assert await told(bot, "escalated") == [OUTSIDER]


async def test_what_is_decided_meanwhile_is_asked_of_nobody(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    clock.advance(hours=1)
    await bot.work("remind")
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("notify")
    assert {kind for _, kind, _ in bot.messenger.notices} == {"denied"}
    assert ids(await bot.due(), "notify") == []


async def test_a_group_that_cannot_be_read_keeps_nobody_else_from_being_told(
    start: StartBot, clock: Clock
) -> None:
    bot = start(POLICY, roster=Roster({}, frozenset({"S0FINANCE"})))
    await bot.checked()
    clock.advance(hours=1)
    assert await told(bot, "reminder_1") == [ANN, BEN]


async def test_another_policy_counts_its_own_reminders(start: StartBot, clock: Clock) -> None:
    before = start(Policy.one_tier([ANN]))
    await before.checked()
    clock.advance(hours=1)
    assert ids(await before.due(), "remind") == []
    after = start(POLICY, roster=ROSTER)
    await put_in_force(after.database, POLICY, clock)
    assert await told(after, "reminder_1") == [ANN, BEN, CAT]


async def test_two_processes_remind_once(start: StartBot, clock: Clock) -> None:
    bots = [start(POLICY, roster=ROSTER), start(POLICY, roster=ROSTER)]
    request = await bots[0].checked()
    clock.advance(hours=1)
    for bot in bots:
        await bot.remind(request.id)
    assert (await bots[0].kinds(request.id)).count("reminded") == 1
