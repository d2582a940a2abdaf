"""Who may decide what, checked at the moment of the click, with every refusal on record."""

import asyncio
import json
from dataclasses import replace

import pytest

from creditbot.domain.errors import Refusal, UnknownRequest
from creditbot.domain.fields import MAX_REQUEST_ID
from creditbot.domain.operators import OPERATOR, operator
from creditbot.domain.policy import Policy
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.who import Actor, Roster, Who
from creditbot.operations.refusals import RECORDED
from creditbot.sandbox.sendgrid import SendGridSandbox
from tests.extent import short_or_long

from .adapters import ANN, ASKER, BEN, CAT, OUTSIDER, Bot, Clock, ids, in_doubt, patches
from .conftest import StartBot
from .ledger_rows import all_events

TWO = Policy.one_tier([ANN, BEN, CAT], 2)


async def refusals(bot: Bot, request_id: int) -> list[tuple[str, str, str]]:
    """Who was refused what, and by which rule."""
    found = [event for event in await bot.events(request_id) if event["kind"] == "refused_click"]
    details = [json.loads(event["detail"]) for event in found]
    return [
        (event["actor"], detail["action"], detail["rule"])
        for event, detail in zip(found, details, strict=True)
    ]


async def test_an_approval_names_who_gave_it_and_wakes_the_sending(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()

    approved = await bot.decisions.approve(request.id, ANN)

    assert (approved.status, approved.decided_by, approved.decided_at) == (Status.APPROVED, ANN, clock())
    assert [approval.approver for approval in approved.approvals] == [ANN]
    assert ids(await bot.due(), "apply") == [request.id]
    assert (await bot.events(request.id))[-1]["actor"] == ANN


@pytest.mark.parametrize("action", ["approve", "deny"])
async def test_nobody_decides_their_own_request_even_as_an_approver(bot: Bot, action: str) -> None:
    request = await bot.ask(by=ANN)
    await bot.check(request.id)

    deciding = (
        bot.decisions.approve(request.id, ANN)
        if action == "approve"
        else bot.decisions.deny(request.id, ANN, "me")
    )
    with pytest.raises(Refusal, match="is your own") as refusal:
        await deciding

    assert refusal.value.rule == "self_approval"
    assert await bot.status(request.id) is Status.PENDING
    assert await refusals(bot, request.id) == [(ANN, action, "self_approval")]


async def test_an_outsider_decides_nothing_and_is_told_whom_to_ask(bot: Bot) -> None:
    request = await bot.checked()

    with pytest.raises(Refusal, match=f"Ask one of: <@{ANN}>, <@{BEN}>, <@{CAT}>"):
        await bot.decisions.approve(request.id, OUTSIDER)
    with pytest.raises(Refusal, match="Only an approver"):
        await bot.decisions.check_may_decide(request.id, OUTSIDER, "deny")
    with pytest.raises(Refusal, match="Only an approver"):
        await bot.decisions.deny(request.id, OUTSIDER, "no")
    with pytest.raises(Refusal, match="who requested it, can cancel"):
        await bot.decisions.cancel(request.id, OUTSIDER)

    assert await bot.request(request.id) == request
    assert await refusals(bot, request.id) == [
        (OUTSIDER, "approve", "not_an_approver"),
        (OUTSIDER, "deny", "not_an_approver"),
        (OUTSIDER, "deny", "not_an_approver"),
        (OUTSIDER, "cancel", "not_the_requester"),
    ]


async def test_without_any_approver_listed_nobody_approves(start: StartBot) -> None:
    bot = start(Policy.one_tier([]))
    request = await bot.checked()

    with pytest.raises(Refusal, match="CREDITBOT_APPROVERS"):
        await bot.decisions.approve(request.id, ANN)

    assert await bot.status(request.id) is Status.PENDING


async def test_who_is_no_approver_any_more_is_refused_at_the_click(start: StartBot) -> None:
    members = Roster({"S0FINANCE": frozenset({ANN})})
    bot = start(Policy.one_tier(["S0FINANCE", BEN]), roster=members)
    request = await bot.checked()
    bot.directory.roster = Roster({"S0FINANCE": frozenset()})

    with pytest.raises(Refusal, match="Only an approver"):
        await bot.decisions.approve(request.id, ANN)

    assert (await bot.decisions.approve(request.id, BEN)).status is Status.APPROVED


async def test_nothing_is_approved_before_it_has_been_checked(bot: Bot) -> None:
    request = await bot.ask()

    with pytest.raises(Refusal, match="still being checked"):
        await bot.decisions.approve(request.id, ANN)

    assert await bot.status(request.id) is Status.PENDING


async def test_a_second_click_is_told_that_it_was_approved_already(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request = await bot.approved()

    for who, then in ((ANN, r"\. Doing it again"), (BEN, r"\. Nothing was changed")):
        with pytest.raises(Refusal, match=f"has already been approved by <@{ANN}>{then}"):
            await bot.decisions.approve(request.id, who)
    await bot.work("apply")

    assert await refusals(bot, request.id) == [(BEN, "approve", "state")]
    assert (await bot.kinds(request.id)).count("repeated_click") == 1
    assert sandbox.account.applied("acme") == [250]


async def test_a_double_click_approves_once(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await bot.checked()

    ends = await asyncio.gather(
        *(bot.decisions.approve(request.id, ANN) for _ in range(2)), return_exceptions=True
    )
    await bot.work("apply")

    assert sorted(type(end).__name__ for end in ends) == ["CreditRequest", "Refusal"]
    assert len((await bot.request(request.id)).approvals) == 1
    assert len(patches(sandbox)) == 1


async def test_a_quorum_of_two_takes_two_people(start: StartBot, sandbox: SendGridSandbox) -> None:
    bot = start(TWO)
    request = await bot.checked()

    first = await bot.decisions.approve(request.id, ANN)
    with pytest.raises(Refusal, match="It needs 1 more approval"):
        await bot.decisions.approve(request.id, ANN)
    await bot.work("apply")
    assert (first.status, len(first.approvals)) == (Status.PENDING, 1)
    assert sandbox.account.ledger == []
    second = await bot.decisions.approve(request.id, BEN)

    assert (second.status, second.decided_by) == (Status.APPROVED, BEN)
    assert [approval.approver for approval in second.approvals] == [ANN, BEN]
    assert second.version == first.version + 1
    assert await bot.kinds(request.id) == ["requested", "checked", "approval", "refused_click", "approved"]


async def test_two_approvals_at_once_through_two_processes_make_the_quorum_once(start: StartBot) -> None:
    bots = [start(TWO), start(TWO)]
    for _ in range(short_or_long(4, 10)):
        request = await bots[0].checked()

        await asyncio.gather(
            bots[0].decisions.approve(request.id, ANN), bots[1].decisions.approve(request.id, BEN)
        )

        found = await bots[0].request(request.id)
        assert found.status is Status.APPROVED
        assert {approval.approver for approval in found.approvals} == {ANN, BEN}


async def test_one_denial_ends_a_request_whatever_was_approved_before(start: StartBot) -> None:
    bot = start(TWO)
    request = await bot.checked()
    await bot.decisions.approve(request.id, ANN)

    denied = await bot.decisions.deny(request.id, BEN, "too much")

    assert (denied.status, denied.decided_by, denied.decision_reason) == (Status.DENIED, BEN, "too much")
    assert json.loads((await bot.events(request.id))[-1]["detail"])["reason"] == "too much"
    with pytest.raises(Refusal, match=f"has already been denied by <@{BEN}>"):
        await bot.decisions.approve(request.id, CAT)


async def test_a_requester_withdraws_until_it_is_sent(bot: Bot, sandbox: SendGridSandbox) -> None:
    pending, approved, sent = await bot.ask(), await bot.approved(), await bot.approved(subuser="other")
    await bot.apply(sent.id)

    assert (await bot.decisions.cancel(pending.id, ASKER)).status is Status.CANCELLED
    assert (await bot.decisions.cancel(approved.id, ASKER)).status is Status.CANCELLED
    with pytest.raises(Refusal, match="has already been approved"):
        await bot.decisions.cancel(sent.id, ASKER)
    await bot.work("apply")

    assert sandbox.account.applied("acme") == []


async def test_an_approver_stops_what_waits_its_turn_and_nothing_else(bot: Bot) -> None:
    approved, pending = await bot.approved(), await bot.checked()

    with pytest.raises(Refusal, match="An approver can cancel it, too"):
        await bot.decisions.cancel(approved.id, OUTSIDER)
    assert (await bot.decisions.cancel(approved.id, BEN)).status is Status.CANCELLED
    with pytest.raises(Refusal, match="An approver can deny it"):
        await bot.decisions.cancel(pending.id, BEN)


async def test_a_settlement_is_recorded_as_the_word_of_who_gave_it(
    bot: Bot, sandbox: SendGridSandbox, clock: Clock
) -> None:
    request = await in_doubt(bot, sandbox, "drop_after")

    settled = await bot.settlements.settle(request.id, BEN, applied=True, reason="the balance rose by 250")

    assert (settled.status, settled.settled_by) == (Status.APPLIED, BEN)
    assert (settled.settled_reason, settled.finished_at) == ("the balance rose by 250", clock())
    event = (await bot.events(request.id))[-1]
    assert (event["kind"], event["actor"]) == ("settled", BEN)
    detail = json.loads(event["detail"])
    assert (detail["applied"], detail["reason"]) == (True, "the balance rose by 250")
    with pytest.raises(Refusal, match="is not in doubt"):
        await bot.settlements.settle(request.id, CAT, applied=False, reason="no")


@pytest.mark.parametrize(("who", "rule"), [(ASKER, "self_settlement"), (OUTSIDER, "not_an_approver")])
async def test_a_doubt_is_not_settled_by_who_asked_nor_by_an_outsider(
    bot: Bot, sandbox: SendGridSandbox, who: str, rule: str
) -> None:
    request = await in_doubt(bot, sandbox, "drop_after")

    for attempt in (
        bot.settlements.check_may_settle(request.id, who),
        bot.settlements.settle(request.id, who, applied=True, reason="trust me"),
        bot.settlements.check_again(request.id, who),
    ):
        with pytest.raises(Refusal) as refusal:
            await attempt
        assert refusal.value.rule == rule

    assert await bot.request(request.id) == request
    assert await refusals(bot, request.id) == [
        (who, "settle", rule),
        (who, "settle", rule),
        (who, "check_again", rule),
    ]


@pytest.mark.parametrize("status", ["pending", "approved", "applied"])
async def test_only_a_doubt_can_be_settled(bot: Bot, status: str) -> None:
    request = await bot.checked()
    if status != "pending":
        await bot.decisions.approve(request.id, ANN)
    if status == "applied":
        await bot.apply(request.id)

    for who in (BEN, OPERATOR, operator("carol")):
        with pytest.raises(Refusal, match="is not in doubt"):
            await bot.settlements.settle(request.id, who, applied=True, reason="why not")

    assert await bot.status(request.id) == status


async def test_an_operator_settles_without_being_an_approver(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await in_doubt(bot, sandbox, "drop_after")

    settled = await bot.settlements.settle(
        request.id, operator("carol"), applied=False, reason="asked Twilio's support"
    )

    assert (settled.status, settled.settled_by) == (Status.FAILED, "operator:carol")
    assert (await bot.events(request.id))[-1]["actor"] == "operator:carol"
    for again, said in ((operator("carol"), "Doing it again"), (operator("dave"), "is not in doubt")):
        with pytest.raises(Refusal, match=said):
            await bot.settlements.settle(request.id, again, applied=False, reason="once more")


@pytest.mark.parametrize("approved", [False, True])
async def test_an_operator_cancels_what_has_not_been_sent(
    bot: Bot, sandbox: SendGridSandbox, approved: bool
) -> None:
    request = await (bot.approved() if approved else bot.checked())

    cancelled = await bot.decisions.cancel(request.id, operator("carol"), reason="sent before the backup")
    await bot.apply(request.id)

    assert (cancelled.status, cancelled.decided_by) == (Status.CANCELLED, "operator:carol")
    assert cancelled.decision_reason == "sent before the backup"
    assert patches(sandbox) == []
    assert {who for who, kind in await bot.notices_of(request.id) if kind == "cancelled"} == {
        ASKER,
        *([ANN] if approved else []),
    }


async def test_an_operator_cancels_nothing_that_may_have_been_sent(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    doubted = await in_doubt(bot, sandbox, "drop_after")
    under_way = await bot.applying(9, "other")
    for request in (doubted, under_way):
        with pytest.raises(Refusal, match="Nothing was changed"):
            await bot.decisions.cancel(request.id, OPERATOR, reason="x")
        assert await bot.status(request.id) is request.status


async def test_an_operator_approves_nothing(bot: Bot) -> None:
    request = await bot.checked()

    with pytest.raises(Refusal, match="Only an approver"):
        await bot.decisions.approve(request.id, operator("carol"))


async def test_two_people_who_settle_differently_at_once_end_in_one_word(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    bots = [start(), start()]
    request = await in_doubt(bots[0], sandbox, "drop_after")

    ends = await asyncio.gather(
        bots[0].settlements.settle(request.id, BEN, applied=True, reason="yes"),
        bots[1].settlements.settle(request.id, CAT, applied=False, reason="no"),
        return_exceptions=True,
    )

    [won] = [end for end in ends if isinstance(end, CreditRequest)]
    assert await bots[0].request(request.id) == won
    assert (await bots[0].kinds(request.id)).count("settled") == 1


@pytest.mark.parametrize("number", [404, MAX_REQUEST_ID])
async def test_a_request_that_does_not_exist_is_said_to_be_unknown(bot: Bot, number: int) -> None:
    for attempt in (
        bot.decisions.approve(number, ANN),
        bot.decisions.deny(number, ANN, "no"),
        bot.decisions.cancel(number, ANN),
        bot.settlements.settle(number, OPERATOR, applied=True, reason="x"),
        bot.queries.show(number, Actor(ANN)),
    ):
        with pytest.raises(UnknownRequest, match=f"There is no request `{number}`"):
            await attempt


async def test_looking_whether_one_may_decide_changes_nothing(bot: Bot) -> None:
    request = await bot.checked()

    assert await bot.decisions.check_may_decide(request.id, ANN, "deny") == request

    assert await bot.kinds(request.id) == ["requested", "checked"]


async def test_pressing_again_and_again_fills_neither_the_ledger_nor_slacks_limit(bot: Bot) -> None:
    request = await bot.checked()
    await bot.work("cards")
    message, calls = bot.messenger.posted[0], bot.messenger.calls

    for _ in range(25):
        with pytest.raises(Refusal, match="Only an approver"):
            await bot.decisions.approve(request.id, OUTSIDER)
        await bot.seen_in(request.id, *message)
        await bot.work("cards")

    assert len(await refusals(bot, request.id)) == RECORDED
    assert bot.messenger.calls == calls + 1
    with pytest.raises(Refusal, match="Only an approver"):
        await bot.decisions.approve(request.id, "U0ANOTHER")
    assert (await refusals(bot, request.id))[-1] == ("U0ANOTHER", "approve", "not_an_approver")


async def test_asking_for_what_is_not_allowed_again_and_again_does_not_fill_the_ledger(
    start: StartBot,
) -> None:
    bot = start(policy=replace(Policy.one_tier([ANN]), may_ask=Who.of([BEN])))

    for amount in range(1, 26):
        with pytest.raises(Refusal):
            await bot.ask(amount)

    async with bot.database.read() as connection:
        assert [event["kind"] for event in await all_events(connection)] == ["refused_ask"] * RECORDED
