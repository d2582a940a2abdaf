"""Reminders and escalation, written down by the job and told by the notices, on both databases."""

import asyncio
import json
from dataclasses import replace
from datetime import time, timedelta

import pytest

from creditbot.domain.policy import Policy, QuietHours, Reminders, Tier
from creditbot.domain.requests import CreditRequest
from creditbot.domain.who import Roster, Who
from creditbot.jobs.messenger import DeliveryProblem
from creditbot.operations import activate_policy
from creditbot.sandbox.sendgrid import SendGridSandbox

from .adapters import ANN, ASKER, BEN, CAT, OUTSIDER, Bot, Clock, ids
from .conftest import StartBot

HOUR = timedelta(hours=1)
POLICY = Policy(
    tiers=(Tier("all", Who.of([ANN, BEN, "S0FINANCE"]), 2),),
    reminders=Reminders(after=(HOUR, 4 * HOUR), escalate_after=2 * HOUR, escalate_to=Who.of([OUTSIDER])),
)
ROSTER = Roster({"S0FINANCE": frozenset({CAT, ASKER})})
AWAY = DeliveryProblem("internal_error")


@pytest.fixture
async def bot(start: StartBot) -> Bot:
    return start(POLICY, roster=ROSTER)


async def told(bot: Bot, kind: str) -> list[str]:
    await bot.work("remind", "notices")
    return sorted(person for person, what, _ in bot.messenger.notices if what == kind)


async def reminded(bot: Bot, request_id: int) -> list[dict[str, object]]:
    """What the ledger says of each time that someone was reminded."""
    return [
        json.loads(event["detail"]) for event in await bot.events(request_id) if event["kind"] == "reminded"
    ]


async def test_those_who_have_not_decided_are_reminded_once(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    await bot.decisions.approve(request.id, BEN)
    assert await told(bot, "reminder_60m") == []
    clock.advance(hours=1)
    # A member of the group is; who asked, and who has agreed, is not.
    assert await told(bot, "reminder_60m") == [ANN, CAT]
    assert ids(await bot.due(), "remind") == []
    assert await told(bot, "reminder_60m") == [ANN, CAT]
    assert await reminded(bot, request.id) == [{"reminder": 1, "people": [ANN, CAT]}]


async def test_after_an_outage_several_reminders_are_one(bot: Bot, clock: Clock) -> None:
    await bot.checked()
    clock.advance(hours=5)
    assert await told(bot, "reminder_240m") == [ANN, BEN, CAT, OUTSIDER]
    assert await told(bot, "reminder_60m") == []


async def test_when_nobody_decides_others_may_and_the_card_says_so(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    await bot.work("cards")
    clock.advance(hours=2)
    assert await told(bot, "escalated") == [OUTSIDER]
    assert await bot.due_cards() == [request.id]
    await bot.decisions.approve(request.id, OUTSIDER)
    clock.advance(hours=2)
    await bot.work("remind", "notices")
    assert (await bot.kinds(request.id)).count("escalated") == 1


async def test_quiet_hours_delay_what_is_told_and_not_who_may_decide(start: StartBot, clock: Clock) -> None:
    quiet = QuietHours(time(13), time(18))
    reminders = replace(POLICY.reminders, quiet=quiet, escalate_to=Who.of([OUTSIDER, "U0DAN"]))
    bot = start(replace(POLICY, reminders=reminders), roster=ROSTER)
    request = await bot.checked()  # at 12:00 UTC
    clock.advance(hours=2)
    assert await told(bot, "escalated") == []
    assert (await bot.kinds(request.id))[-1] == "escalated"
    await bot.decisions.approve(request.id, OUTSIDER)
    clock.advance(hours=4)
    assert await told(bot, "reminder_240m") == [ANN, BEN, CAT, "U0DAN"]
    assert await told(bot, "escalated") == ["U0DAN"]


QUIET = replace(POLICY, reminders=replace(POLICY.reminders, quiet=QuietHours(time(13), time(18))))


async def reminded_too_late(start: StartBot, clock: Clock) -> tuple[Bot, CreditRequest]:
    """A reminder that was due right before the quiet hours, and which Slack did not take then."""
    after = timedelta(minutes=59)
    bot = start(replace(QUIET, reminders=replace(QUIET.reminders, after=(after, HOUR))), roster=ROSTER)
    request = await bot.checked()  # at 12:00 UTC
    clock.now += after
    await bot.work("remind")
    bot.messenger.problems = [AWAY] * 3
    await bot.work("notices")
    clock.advance(minutes=2)
    await bot.work("notices")
    assert (bot.messenger.notices, await bot.due_notices()) == ([], [])
    return bot, request


async def test_what_slack_did_not_take_in_time_waits_for_the_end_of_the_quiet_hours(
    start: StartBot, clock: Clock
) -> None:
    bot, _ = await reminded_too_late(start, clock)
    clock.advance(hours=4, minutes=58)
    assert await bot.due_notices() == []
    clock.advance(minutes=1)
    # What became due in the quiet hours comes in its stead, not as well.
    assert await told(bot, "reminder_60m") == [ANN, BEN, CAT, OUTSIDER]
    assert await told(bot, "reminder_59m") == []


async def test_who_agrees_in_the_quiet_hours_is_not_reminded_at_their_end(
    start: StartBot, clock: Clock
) -> None:
    bot, request = await reminded_too_late(start, clock)
    await bot.decisions.approve(request.id, ANN)
    clock.advance(hours=5)
    await bot.work("notices")
    assert {person for person, _, _ in bot.messenger.notices} == {BEN, CAT}


async def test_other_news_does_not_wait_for_the_end_of_the_quiet_hours(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    bot, request = await reminded_too_late(start, clock)
    for approver in (ANN, BEN):
        await bot.decisions.approve(request.id, approver)
    del sandbox.account._subusers["acme"]
    await bot.work("apply", "notices")
    assert {(ANN, "failed", request.id), (BEN, "failed", request.id)} <= set(bot.messenger.notices)
    clock.advance(hours=20)
    await bot.work("notices")
    assert "reminder_59m" not in {kind for _, kind, _ in bot.messenger.notices}


async def test_nobody_is_asked_to_decide_what_has_expired(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    clock.advance(hours=1)
    await bot.work("remind")
    clock.now = request.expires_at
    # Before the sweep has come by.
    await bot.work("remind", "notices")
    assert bot.messenger.notices == []


async def test_what_is_decided_meanwhile_is_asked_of_nobody(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    clock.advance(hours=1)
    await bot.work("remind")
    await bot.decisions.deny(request.id, ANN, "no")
    await bot.work("notices")
    assert {kind for _, kind, _ in bot.messenger.notices} == {"denied"}
    assert await bot.due_notices() == []


async def reminded_without_the_group(start: StartBot, clock: Clock) -> Bot:
    """After an hour, those are told who are listed by name."""
    bot = start(POLICY, roster=Roster({}, frozenset({"S0FINANCE"})))
    await bot.checked()
    clock.advance(hours=1)
    assert await told(bot, "reminder_60m") == [ANN, BEN]
    return bot


async def test_a_group_that_cannot_be_read_keeps_nobody_else_from_being_told(
    start: StartBot, clock: Clock
) -> None:
    await reminded_without_the_group(start, clock)


async def test_a_reminder_waits_for_a_group_that_cannot_be_read(start: StartBot, clock: Clock) -> None:
    bot = start(POLICY, roster=Roster({}, frozenset({"S0FINANCE"})))
    request = await bot.checked()
    clock.advance(hours=1)
    for _ in range(3):
        assert await told(bot, "reminder_60m") == [ANN, BEN]
        assert ids(await bot.due(), "remind") == []
        clock.advance(minutes=1)
        assert ids(await bot.due(), "remind") == [request.id]
    bot.directory.roster = ROSTER
    assert await told(bot, "reminder_60m") == [ANN, BEN, CAT]
    # It is over: the next look is at the escalation.
    clock.advance(minutes=30)
    assert ids(await bot.due(), "remind") == []
    assert await reminded(bot, request.id) == [
        {"reminder": 1, "people": [ANN, BEN], "unread": ["S0FINANCE"]},
        {"reminder": 1, "people": [CAT]},
    ]


async def test_a_second_look_leaves_what_slack_has_yet_to_take(start: StartBot, clock: Clock) -> None:
    bot = start(POLICY, roster=Roster({}, frozenset({"S0FINANCE"})))
    await bot.checked()
    clock.advance(hours=1)
    await bot.work("remind")
    bot.messenger.problems = [AWAY, AWAY]
    await bot.work("notices")
    clock.advance(minutes=1)
    await bot.work("remind")
    assert await told(bot, "reminder_60m") == [ANN, BEN]


async def test_an_escalation_waits_for_a_group_that_cannot_be_read(start: StartBot, clock: Clock) -> None:
    reminders = Reminders(escalate_after=HOUR, escalate_to=Who.of([OUTSIDER, "S0BACKUP"]))
    policy = replace(POLICY, reminders=reminders)
    bot = start(policy, roster=Roster({}, frozenset({"S0BACKUP"})))
    request = await bot.checked()
    clock.advance(hours=1)
    assert await told(bot, "escalated") == [OUTSIDER]
    # After a restart, too.
    bot = start(policy, roster=Roster({"S0BACKUP": frozenset({CAT})}))
    assert await told(bot, "escalated") == []
    clock.advance(minutes=1)
    assert await told(bot, "escalated") == [CAT]
    clock.advance(hours=20)
    assert ids(await bot.due(), "remind") == []
    assert (await bot.kinds(request.id)).count("escalated") == 1


async def test_what_is_decided_is_not_looked_at_again(start: StartBot, clock: Clock) -> None:
    bot = start(POLICY, roster=Roster({}, frozenset({"S0FINANCE"})))
    request = await bot.checked()
    clock.advance(hours=1)
    await bot.work("remind")
    await bot.decisions.deny(request.id, ANN, "no")
    clock.advance(minutes=1)
    assert ids(await bot.due(), "remind") == []


async def test_who_has_agreed_is_told_nothing_whoever_lists_them(start: StartBot, clock: Clock) -> None:
    group = Who.of(["S0FINANCE"])
    reminders = replace(POLICY.reminders, escalate_to=group)
    bot = start(
        replace(POLICY, tiers=(Tier("all", group, 2),), reminders=reminders),
        roster=Roster({"S0FINANCE": frozenset({BEN, CAT, ASKER})}),
    )
    request = await bot.checked()
    await bot.decisions.approve(request.id, CAT)
    clock.advance(hours=1)
    assert await told(bot, "reminder_60m") == [BEN]
    clock.advance(hours=1)
    assert await told(bot, "escalated") == [BEN]


async def test_another_policy_counts_its_own_reminders(start: StartBot, clock: Clock) -> None:
    before = start(Policy.one_tier([ANN]))
    await before.checked()
    clock.advance(hours=1)
    assert ids(await before.due(), "remind") == []
    after = start(POLICY, roster=ROSTER)
    await activate_policy(after.database, POLICY, clock)
    assert await told(after, "reminder_60m") == [ANN, BEN, CAT]


@pytest.mark.parametrize(
    ("before", "hours", "after", "then"),
    [
        # All of the old ones are over, and the new one is still to come.
        ([1, 4], 4, [6], {1: 1, 4: 4, 6: 6}),
        # What is to come, and what is past and was told, in one list.
        ([1], 2, [1, 6], {1: 1, 6: 6}),
        # A moment that nobody was reminded of, and one before that: one reminder, at once.
        ([1], 5, [1, 3, 4], {1: 1, 4: 5}),
        ([], 5, [3, 4], {4: 5}),
        # An earlier moment than the one of which people were told last.
        ([4], 5, [1, 2], {4: 4}),
        ([1, 4], 2, [4], {1: 1, 4: 4}),
    ],
)
async def test_under_another_policy_each_moment_to_come_is_told_once_and_none_twice(
    start: StartBot, clock: Clock, *, before: list[int], hours: int, after: list[int], then: dict[int, int]
) -> None:
    def policy(moments: list[int]) -> Policy:
        return replace(
            Policy.one_tier([ANN]), reminders=Reminders(after=tuple(hour * HOUR for hour in moments))
        )

    bot = start(policy(before))
    await bot.checked()
    told_at: dict[str, int] = {}
    for hour in range(1, 12):
        clock.advance(hours=1)
        seen = len(bot.messenger.notices)
        await bot.work("remind", "notices")
        told_at |= {kind: hour for _, kind, _ in bot.messenger.notices[seen:]}
        if hour == hours:
            bot = start(policy(after))
            await activate_policy(bot.database, bot.policy, clock)
            await bot.work("remind", "notices")
            told_at |= {kind: hour for _, kind, _ in bot.messenger.notices}
    assert told_at == {f"reminder_{moment * 60}m": hour for moment, hour in then.items()}


async def test_another_policy_has_those_told_whom_the_last_reminder_did_not_reach(
    start: StartBot, clock: Clock
) -> None:
    bot = await reminded_without_the_group(start, clock)
    bot = start(replace(POLICY, expiry=20 * HOUR), roster=ROSTER)
    await activate_policy(bot.database, bot.policy, clock)
    assert await told(bot, "reminder_60m") == [CAT]


async def test_two_processes_tell_each_once(start: StartBot, clock: Clock) -> None:
    bots = [start(POLICY, roster=ROSTER), start(POLICY, roster=ROSTER)]
    request = await bots[0].checked()
    for hours in (1, 1, 2):
        clock.advance(hours=hours)
        await asyncio.gather(*(bot.remind(request.id) for bot in bots))
        notices = await bots[0].due_notices()
        await asyncio.gather(*(bot.deliver(notice) for notice in notices for bot in bots))
        # One that is started anew finds nothing left to do.
        bots.append(start(POLICY, roster=ROSTER))
        await bots[-1].work("remind", "notices")
        assert bots[-1].messenger.notices == []
    sent = sorted((kind, person) for bot in bots for person, kind, _ in bot.messenger.notices)
    second = [("reminder_240m", person) for person in (ANN, BEN, CAT, OUTSIDER)]
    first = [("reminder_60m", person) for person in (ANN, BEN, CAT)]
    assert sent == [("escalated", OUTSIDER), *second, *first]
    kinds = await bots[0].kinds(request.id)
    assert (kinds.count("reminded"), kinds.count("escalated")) == (2, 1)
