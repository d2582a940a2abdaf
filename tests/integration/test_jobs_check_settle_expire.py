"""Before anyone is asked, after a doubt, and when nobody decides."""

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from creditbot.domain.credits import Balance
from creditbot.domain.errors import NotTaken, Refusal
from creditbot.domain.policy import Policy, Tier
from creditbot.domain.requests import CreditRequest, Figure, Status
from creditbot.domain.who import Roster, Who
from creditbot.jobs.apply import Apply
from creditbot.jobs.check import GIVE_UP_AFTER
from creditbot.jobs.settle import PATIENT_TRIES
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.sendgrid.client import SendGrid
from creditbot.slack.cards.card import request_card
from creditbot.store import requests
from tests.extent import short_or_long

from .adapters import ANN, ASKER, BEN, CHANNEL, OUTSIDER, POLICY, Bot, Clock, answered_too_late, ids, patches
from .conftest import StartBot


async def refused(bot: Bot, request_id: int) -> str:
    """The sentence with which a request was refused before anyone was asked."""
    await bot.check(request_id)
    found = await bot.request(request_id)
    assert found.status is Status.REFUSED
    assert (await bot.kinds(request_id)) == ["requested", "refused"]
    assert await bot.notices_of(request_id) == {(ASKER, "refused")}
    assert found.explanation is not None
    return found.explanation


async def test_a_check_keeps_what_the_card_shows(bot: Bot) -> None:
    request = await bot.ask(-400)

    await bot.check(request.id)

    found = await bot.request(request.id)
    assert found.status is Status.PENDING
    assert found.check is not None
    assert (found.check.type, found.check.remain, found.check.at) == ("nonrecurring", 1000, bot.clock())
    assert found.expected_after == 600
    assert found.version == request.version + 1
    assert await bot.kinds(request.id) == ["requested", "checked"]


async def test_a_check_is_made_once(start: StartBot, sandbox: SendGridSandbox) -> None:
    bots = [start(), start()]
    request = await bots[0].ask()

    await asyncio.gather(*(bot.check(request.id) for bot in bots))
    await bots[0].check(request.id)

    assert await bots[0].kinds(request.id) == ["requested", "checked"]
    assert ids(await bots[0].due(), "check") == []


async def test_a_recurring_subuser_carries_the_date_of_its_next_reset(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    monthly = Subuser("monthly", type="recurring", remain=5, total=10, reset_frequency="weekly")
    monthly.last_reset = date(2026, 3, 1)
    sandbox.account.add_subuser(monthly)
    request = await bot.checked(5, "monthly")

    assert request.check is not None
    assert (request.check.type, request.check.reset_frequency) == ("recurring", "weekly")
    assert (request.check.next_reset, request.check.total) == ("2026-03-08", 10)


async def test_a_reset_date_that_can_not_be_read_stops_nobody(bot: Bot, sandbox: SendGridSandbox) -> None:
    sandbox.account.add_subuser(Subuser("monthly", type="recurring", remain=5, total=10))
    sandbox.scopes -= {"user.credits.read"}

    request = await bot.checked(5, "monthly")

    assert request.check is not None
    assert (request.check.reset_frequency, request.check.next_reset) == ("monthly", None)


async def test_an_unlimited_subuser_is_refused(bot: Bot, sandbox: SendGridSandbox) -> None:
    sandbox.account.add_subuser(Subuser("new"))
    request = await bot.ask(subuser="new")

    assert "`new` has unlimited credits" in await refused(bot, request.id)


async def test_an_unknown_subuser_is_refused_with_the_name_that_comes_near(bot: Bot) -> None:
    request = await bot.ask(subuser="Acme-")

    assert "no subuser `Acme-`. Did you mean `acme`?" in await refused(bot, request.id)


async def test_a_removal_below_zero_is_refused_with_what_is_left(bot: Bot) -> None:
    request = await bot.ask(-1001)

    sentence = await refused(bot, request.id)

    assert "has 1,000 credits left" in sentence
    assert "−1,001 would take it below zero" in sentence
    assert (await bot.checked(-1000)).status is Status.PENDING


async def test_a_wrong_key_is_refused_with_the_setting_to_mend(start: StartBot) -> None:
    bot = start(api_key="SG.revoked")
    request = await bot.ask()

    sentence = await refused(bot, request.id)

    assert "SENDGRID_API_KEY" in sentence
    assert "SG.revoked" not in sentence


async def test_a_missing_scope_is_refused_with_its_name(bot: Bot, sandbox: SendGridSandbox) -> None:
    sandbox.scopes -= {"subusers.credits.read"}
    request = await bot.ask()

    assert "`subusers.credits.read`" in await refused(bot, request.id)


async def test_a_check_is_tried_again_while_sendgrid_is_down(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    sandbox.faults.down = True
    request = await bot.ask()

    for _ in range(4):
        await bot.work("check")
        assert (await bot.request(request.id)).check is None
        clock.advance(seconds=31)
    sandbox.faults.down = False
    await bot.work("check")

    assert (await bot.request(request.id)).check is not None
    assert await bot.kinds(request.id) == ["requested", "checked"]


async def test_a_rate_limit_of_a_check_is_waited_for(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    sandbox.faults.add("rate_limit", method="GET", reset=40)
    request = await bot.ask()
    await bot.check(request.id)

    clock.advance(seconds=39)
    early = ids(await bot.due(), "check")
    clock.advance(seconds=1)

    assert (early, ids(await bot.due(), "check")) == ([], [request.id])


async def test_a_check_gives_up_after_ten_minutes(bot: Bot, sandbox: SendGridSandbox, clock: Clock) -> None:
    sandbox.faults.down = True
    request = await bot.ask()
    await bot.work("check")
    clock.now += GIVE_UP_AFTER

    assert "SendGrid answered 503" in await refused(bot, request.id)


async def doubted(bot: Bot, sandbox: SendGridSandbox, change: int, *, applied: bool) -> CreditRequest:
    """A request in doubt whose reading is due."""
    request = await bot.approved(change)
    sandbox.faults.add("drop_after" if applied else "drop_before")
    await bot.apply(request.id)
    bot.clock.advance(seconds=20)
    assert ids(await bot.due(), "settle") == [request.id]
    return request


async def test_a_balance_that_rose_proves_that_credits_were_added(bot: Bot, sandbox: SendGridSandbox) -> None:
    sent_at = bot.clock()
    request = await doubted(bot, sandbox, 250, applied=True)
    sandbox.account.send_mail("acme", 249)

    await bot.work("settle")

    found = await bot.request(request.id)
    assert found.status is Status.APPLIED
    assert (found.before, found.after) == (Figure(1000, sent_at), Figure(1001, bot.clock()))
    assert (await bot.kinds(request.id))[-1] == "proven"
    assert {(ASKER, "applied"), (ANN, "applied")} <= await bot.notices_of(request.id)
    assert len(patches(sandbox)) == 1


async def test_a_balance_too_high_proves_that_credits_were_not_removed(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await doubted(bot, sandbox, -250, applied=False)
    sandbox.account.send_mail("acme", 249)

    await bot.work("settle")
    bot.clock.advance(minutes=3)
    await bot.work("settle")

    found = await bot.request(request.id)
    assert (found.status, found.remain_after) == (Status.FAILED, 751)
    assert {(ASKER, "failed"), (ANN, "failed")} <= await bot.notices_of(request.id)


@pytest.mark.parametrize(
    ("change", "applied", "mails"),
    [(250, True, 250), (250, False, 0), (-250, False, 250), (-250, True, 0), (250, True, 1250)],
)
async def test_what_the_balance_does_not_prove_is_left_to_people(
    bot: Bot, sandbox: SendGridSandbox, change: int, applied: bool, mails: int
) -> None:
    request = await doubted(bot, sandbox, change, applied=applied)
    sandbox.account.send_mail("acme", mails)

    await bot.work("settle")

    found = await bot.request(request.id)
    assert found.status is Status.IN_DOUBT
    assert found.explanation is not None
    assert "Balance before sending: 1,000. Balance afterwards: " in found.explanation
    assert (await bot.kinds(request.id))[-1] == "not_proven"
    bot.clock.advance(hours=5)
    assert ids(await bot.due(), "settle") == []


async def test_a_reset_in_between_proves_nothing(bot: Bot, sandbox: SendGridSandbox) -> None:
    sandbox.account.add_subuser(
        Subuser("monthly", type="recurring", remain=5, total=1000, last_reset=date(2026, 3, 1))
    )
    request = await bot.approved(50, "monthly")
    sandbox.faults.add("drop_before")
    await bot.apply(request.id)
    sandbox.account.reset("monthly")
    bot.clock.advance(seconds=20)

    await bot.work("settle")

    assert await bot.status(request.id) is Status.IN_DOUBT


class ResetsWhileItIsRead(SendGrid):
    """SendGrid resets the subuser between two answers: after one of its credits, before one of the date."""

    sandbox: SendGridSandbox
    resets = 0

    async def balance(self, on_behalf_of: str | None = None) -> Balance:
        if self.resets and on_behalf_of:
            self.resets -= 1
            self.sandbox.account.reset(on_behalf_of)
        return await super().balance(on_behalf_of)


@pytest.mark.parametrize("which", ["before", "after"])
async def test_a_reset_while_it_is_read_proves_nothing(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, which: str
) -> None:
    sendgrid = ResetsWhileItIsRead.connect(sandbox.api_key, sandbox.url)
    assert isinstance(sendgrid, ResetsWhileItIsRead)
    sendgrid.sandbox = sandbox
    # What the reset adds is less than what is asked, so it could pass for that.
    sandbox.account.add_subuser(
        Subuser("monthly", type="recurring", remain=5, total=45, last_reset=date(2026, 2, 1))
    )
    request = await bot.approved(50, "monthly")
    sandbox.faults.add("drop_before")
    sendgrid.resets = int(which == "before")
    await Apply(bot.database, sendgrid, bot.policy, bot.recheck, clock, channel=CHANNEL)(request.id)
    sendgrid.resets = int(which == "after")
    clock.advance(seconds=20)

    await bot.settle_with(sendgrid)(request.id)

    assert sendgrid.resets == 0
    await sendgrid.close()
    assert await bot.status(request.id) is Status.IN_DOUBT


async def test_a_doubt_is_read_again_until_sendgrid_answers(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await doubted(bot, sandbox, 250, applied=True)
    sandbox.faults.down = True
    for _ in range(4):
        await bot.work("settle")
        clock.advance(seconds=31)
    assert await bot.status(request.id) is Status.IN_DOUBT
    sandbox.faults.down = False

    await bot.work("settle")

    assert await bot.status(request.id) is Status.APPLIED


async def test_what_is_not_proven_is_told_with_the_use_before_and_since(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.checked(250)
    sandbox.account.send_mail("acme", 40)
    clock.advance(minutes=41)
    await bot.decisions.approve(request.id, ANN)
    sandbox.faults.add("drop_before")
    sent_at = clock()
    await bot.apply(request.id)
    sandbox.account.send_mail("acme", 12)
    clock.advance(minutes=1)

    await bot.work("settle")

    said = (
        "Balance before sending: 960. Balance afterwards: 948. Requested change: +250. Mail sent in between "
        "could explain this in either case. Used since: 12 if it was not applied, 262 if it was. In the 41 "
        "minutes before it was sent, 40 credits were used."
    )
    found = await bot.request(request.id)
    assert found.explanation == said
    assert (found.used_before, found.used_since) == (40, 12)
    assert (found.before, found.after) == (Figure(960, sent_at), Figure(948, clock()))
    event = (await bot.events(request.id))[-1]
    assert (event["kind"], json.loads(event["detail"])["arithmetic"]) == ("not_proven", said)


async def test_what_is_proven_needs_no_such_figures(bot: Bot, sandbox: SendGridSandbox, clock: Clock) -> None:
    request = await bot.checked(250)
    clock.advance(minutes=41)
    await bot.decisions.approve(request.id, ANN)
    sandbox.faults.add("drop_after")
    await bot.apply(request.id)
    clock.advance(minutes=1)

    await bot.work("settle")

    explanation = (await bot.request(request.id)).explanation
    assert explanation is not None
    assert "used" not in explanation.lower()


async def test_check_again_reads_the_balance_once_more(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await doubted(bot, sandbox, -250, applied=False)
    sandbox.account.send_mail("acme", 250)
    await bot.work("settle")
    sandbox.account.subusers[0].remain += 10

    await bot.settlements.check_again(request.id, ANN)
    await bot.work("settle")
    bot.clock.advance(minutes=3)
    await bot.work("settle")

    assert await bot.status(request.id) is Status.FAILED


async def test_a_person_who_settles_while_the_balance_is_read_has_the_last_word(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await doubted(bot, sandbox, 250, applied=True)
    sandbox.faults.add("slow", method="GET", seconds=0.2)

    reading = asyncio.create_task(bot.settle(request.id))
    await sandbox.until(lambda: sandbox.calls[-1].fault == "slow")
    settled = await bot.settlements.settle(request.id, BEN, applied=True, reason="I looked")
    await reading

    assert await bot.request(request.id) == settled


async def test_settling_what_is_not_in_doubt_does_nothing(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.approved()
    await bot.settle(request.id)
    await bot.apply(request.id)
    before = await bot.events(request.id)

    await bot.settle(request.id)
    await bot.settle(request.id + 1)

    assert await bot.events(request.id) == before


async def test_the_sweep_ends_what_nobody_decided_in_time(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    clock.now = request.expires_at - timedelta(milliseconds=1)
    early = ids(await bot.due(), "expire")
    await bot.expire(request.id)
    assert await bot.status(request.id) is Status.PENDING
    clock.now = request.expires_at

    assert (early, ids(await bot.due(), "expire")) == ([], [request.id])
    await bot.expire(request.id)
    await bot.expire(request.id)

    assert await bot.status(request.id) is Status.EXPIRED
    assert await bot.notices_of(request.id) == {(ASKER, "expired")}
    assert (await bot.kinds(request.id)).count("expired") == 1


async def test_a_request_that_was_never_checked_expires_too(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await bot.ask()
    clock.now += POLICY.expiry

    await bot.work("expire")
    await bot.check(request.id)

    assert await bot.status(request.id) is Status.EXPIRED
    assert sandbox.calls == []


@pytest.mark.parametrize("who", [ANN, OUTSIDER, ASKER])
async def test_a_click_that_comes_too_late_expires_the_request_itself(
    bot: Bot, clock: Clock, who: str
) -> None:
    request = await bot.checked()
    clock.now = request.expires_at

    with pytest.raises(Refusal, match="has expired"):
        await bot.decisions.approve(request.id, who)
    with pytest.raises(Refusal, match="has expired"):
        await bot.decisions.deny(request.id, who, "late")

    assert await bot.status(request.id) is Status.EXPIRED
    assert (await bot.kinds(request.id)).count("expired") == 1
    assert await bot.notices_of(request.id) == {(ASKER, "expired")}


async def test_an_approved_request_does_not_expire(bot: Bot, sandbox: SendGridSandbox, clock: Clock) -> None:
    request = await bot.approved()
    clock.now += POLICY.expiry

    await bot.expire(request.id)
    await bot.work("apply")

    assert await bot.status(request.id) is Status.APPLIED


async def test_of_cancel_approve_deny_and_expiry_at_once_one_wins(start: StartBot, clock: Clock) -> None:
    bots = [start(), start()]
    for turn in range(short_or_long(4, 10)):
        request = await bots[0].checked()
        first, second = bots[turn % 2], bots[1 - turn % 2]

        ends = await asyncio.gather(
            first.decisions.cancel(request.id, ASKER),
            second.decisions.approve(request.id, ANN),
            first.decisions.deny(request.id, BEN, "no"),
            second.expire(request.id),
            return_exceptions=True,
        )

        won = [end for end in ends if isinstance(end, CreditRequest)]
        lost = [end for end in ends if isinstance(end, BaseException)]
        # An approved request may still be cancelled; that order makes two.
        reached = [event["to_status"] for event in await first.events(request.id) if event["to_status"]]
        assert all(isinstance(end, Refusal | NotTaken) for end in lost), lost
        assert len(won) == len(reached) - 1
        assert reached in [
            ["pending", "cancelled"],
            ["pending", "approved"],
            ["pending", "denied"],
            ["pending", "approved", "cancelled"],
        ]


async def test_of_a_cancel_and_the_claim_to_send_at_once_one_wins(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    bots = [start(), start()]
    for turn in range(short_or_long(4, 20)):
        name = f"subuser-{turn}"
        sandbox.account.add_subuser(Subuser(name, type="nonrecurring", remain=10))
        request = await bots[0].approved(5, name)

        cancelled, _ = await asyncio.gather(
            bots[0].decisions.cancel(request.id, ASKER), bots[1].apply(request.id), return_exceptions=True
        )

        status = await bots[0].status(request.id)
        if isinstance(cancelled, CreditRequest):
            assert (status, sandbox.account.applied(name)) == (Status.CANCELLED, [])
        else:
            assert (status, sandbox.account.applied(name)) == (Status.APPLIED, [5])


async def test_nobody_settles_or_checks_before_sendgrid_must_be_done(
    start: StartBot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    bot, hasty = start(), start(timeout=0.3)
    request = await bot.approved(-250)
    await answered_too_late(hasty, sandbox, request.id)

    with pytest.raises(Refusal, match="may still be working"):
        await bot.settlements.check_again(request.id, ANN)
    with pytest.raises(Refusal, match="may still be working"):
        await bot.settlements.settle(request.id, BEN, applied=False, reason="I see nothing")
    await bot.settle(request.id)
    await sandbox.until(lambda: sandbox.account.ledger)

    assert await bot.status(request.id) is Status.IN_DOUBT


@pytest.mark.parametrize("why", ["the subuser is deleted", "the key lost its scope"])
async def test_a_doubt_whose_balance_cannot_be_read_is_left_to_people_at_once(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock, why: str
) -> None:
    request = await doubted(bot, sandbox, 250, applied=True)
    scope, subusers = "subusers.credits.read", sandbox.account._subusers.copy()
    if why == "the subuser is deleted":
        del sandbox.account._subusers["acme"]
    else:
        sandbox.scopes -= {scope}

    await bot.work("settle")

    found = await bot.request(request.id)
    assert found.status is Status.IN_DOUBT
    assert found.explanation is not None
    assert "The balance can't be read, so nothing is proven." in found.explanation
    assert found.explanation in request_card(found, POLICY, Roster(), clock()).text
    assert (ANN, "not_proven") in await bot.notices_of(request.id)
    async with bot.database.read() as connection:
        assert not await requests.is_tried_again(connection, request.id)
    clock.advance(hours=5)
    assert ids(await bot.due(), "settle") == []

    sandbox.scopes |= {scope}
    sandbox.account._subusers = subusers
    await bot.settlements.check_again(request.id, ANN)
    await bot.work("settle")

    assert await bot.status(request.id) is Status.APPLIED


UNREAD = frozenset({"S0FINANCE"})


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(
    ("approvers", "roster", "asked"),
    [
        ([ANN, ASKER, "S0FINANCE"], Roster({"S0FINANCE": frozenset({BEN, ASKER})}), {ANN, BEN}),
        ([ANN, "S0FINANCE"], Roster({}, UNREAD), {ANN}),
        (["S0FINANCE"], Roster({}, UNREAD), {CHANNEL}),
    ],
)
async def test_what_was_approved_in_an_emergency_is_asked_of_those_who_may_settle_it(
    start: StartBot,
    sandbox: SendGridSandbox,
    *,
    approvers: list[str],
    roster: Roster,
    asked: set[str],
    down: bool,
) -> None:
    policy = replace(Policy.one_tier(approvers), break_glass=Who.of([ASKER]))
    bot = start(policy, roster=roster)
    request = await bot.checked()
    await bot.decisions.break_glass(request.id, ASKER, "nobody answers")
    sandbox.faults.add("drop_before")
    await bot.apply(request.id)
    bot.clock.advance(seconds=20)
    if down:
        sandbox.scopes -= {"subusers.credits.read"}

    await bot.work("settle")

    told = await bot.notices_of(request.id)
    assert {person for person, kind in told if kind == "not_proven"} == asked


@pytest.mark.parametrize("up_to", [None, 100])
async def test_what_nobody_may_settle_who_approved_it_is_asked_of_those_who_may(
    start: StartBot, sandbox: SendGridSandbox, up_to: int | None
) -> None:
    request = await doubted(start(Policy.one_tier([ANN])), sandbox, 250, applied=False)
    # Whoever approved it has been taken off the list since, and perhaps no tier covers it any more.
    bot = start(Policy(tiers=(Tier("all", Who.of([BEN]), up_to=up_to),)))

    await bot.work("settle")

    asked = {person for person, kind in await bot.notices_of(request.id) if kind == "not_proven"}
    assert asked == {ANN, BEN}


async def test_while_sendgrid_stays_down_people_are_asked_once_and_evidence_still_settles(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await doubted(bot, sandbox, 250, applied=True)
    sandbox.faults.down = True

    async def read_in_vain(times: int) -> None:
        for _ in range(times):
            assert ids(await bot.due(), "settle") == [request.id]
            await bot.work("settle")
            clock.advance(seconds=31)

    await read_in_vain(PATIENT_TRIES)
    assert (ANN, "not_proven") not in await bot.notices_of(request.id)
    await read_in_vain(1)
    assert (ANN, "not_proven") in await bot.notices_of(request.id)
    asked = await bot.request(request.id)
    assert asked.explanation is not None
    assert "The balance can't be read" in asked.explanation
    await read_in_vain(5)
    assert await bot.request(request.id) == asked
    sandbox.faults.down = False
    await bot.work("settle")

    found = await bot.request(request.id)
    assert found.status is Status.APPLIED
    assert found.explanation is not None
    assert "can't be read" not in found.explanation
