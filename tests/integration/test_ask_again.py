"""What failed can be asked for once more, from its card: one new request, which needs its own approval."""

import asyncio
import json

import pytest
from sqlalchemy.exc import IntegrityError

from creditbot.domain.errors import Refusal, UnknownRequest
from creditbot.domain.relations import Relation, RelationKind
from creditbot.domain.requests import CreditRequest, Status
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import lists, relations

from .adapters import ANN, ASKER, BEN, OUTSIDER, Bot, ids, patches
from .conftest import StartBot

MAY_CHANGE = "subusers.credits.remaining.update"


async def failed(bot: Bot, sandbox: SendGridSandbox) -> CreditRequest:
    """A request whose PATCH SendGrid has refused; the next one it would take."""
    request = await bot.approved()
    sandbox.scopes -= {MAY_CHANGE}
    await bot.apply(request.id)
    sandbox.scopes |= {MAY_CHANGE}
    assert await bot.status(request.id) is Status.FAILED
    return await bot.request(request.id)


async def test_it_makes_a_new_request_for_the_same_asked_by_who_clicked(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    old = await failed(bot, sandbox)

    new = await bot.ask_again(old.id, by=OUTSIDER)

    assert new is not None
    assert new.id != old.id
    assert (new.status, new.requested_by, new.follows(RelationKind.AGAIN)) == (
        Status.PENDING,
        OUTSIDER,
        old.id,
    )
    assert (new.subuser, new.allocation_update, new.reason) == (
        old.subuser,
        old.allocation_update,
        old.reason,
    )
    [event] = await bot.events(new.id)
    assert (event["kind"], event["actor"]) == ("requested", OUTSIDER)
    assert json.loads(event["detail"])["again_of"] == old.id
    assert ids(await bot.due(), "check") == [new.id]
    assert (await bot.request(old.id)).follower(RelationKind.AGAIN) == new.id
    assert (await bot.request(old.id)).status is Status.FAILED


async def test_it_needs_an_approval_of_its_own_and_not_by_who_clicked(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    old = await failed(bot, sandbox)
    new = await bot.ask_again(old.id, by=ANN)
    assert new is not None
    await bot.work()
    assert [call.status for call in patches(sandbox)] == [403]

    with pytest.raises(Refusal, match="Request 2 is your own"):
        await bot.decisions.approve(new.id, ANN)
    await bot.decisions.approve(new.id, BEN)
    await bot.work()

    assert await bot.status(new.id) is Status.APPLIED
    assert sandbox.account.applied("acme") == [250]


async def test_the_failed_card_is_drawn_anew_and_the_new_one_gets_its_own(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    old = await failed(bot, sandbox)
    await bot.work("cards")

    new = await bot.ask_again(old.id)
    assert new is not None
    await bot.work()

    shown = {request.id: request for request in bot.messenger.shown.values()}
    assert shown[old.id].follower(RelationKind.AGAIN) == new.id
    assert shown[new.id].follows(RelationKind.AGAIN) == old.id
    assert len(bot.messenger.posted) == 2


async def test_of_many_clicks_by_whomever_one_makes_it_and_the_others_are_told_which(
    start: StartBot, sandbox: SendGridSandbox
) -> None:
    bots = [start(), start()]
    old = await failed(bots[0], sandbox)

    ends = await asyncio.gather(
        *(bots[turn % 2].ask_again(old.id, by=who) for turn, who in enumerate([ASKER, ANN, BEN] * 3)),
        return_exceptions=True,
    )

    [new] = [end for end in ends if isinstance(end, CreditRequest)]
    refusals = [end for end in ends if isinstance(end, Refusal)]
    assert len(refusals) == 8
    assert {refusal.sentence for refusal in refusals} == {
        f"Request {old.id} has already been requested again, as request {new.id}."
    }
    async with bots[0].database.read() as connection:
        assert [request.id for request in await lists.page(connection, 1000)] == [old.id, new.id]
    kinds = await bots[0].kinds(old.id)
    assert (kinds.count("refused_click"), kinds.count("repeated_click")) == (6, 2)


async def test_sql_itself_keeps_a_second_follow_up_out(bot: Bot, sandbox: SendGridSandbox) -> None:
    old = await failed(bot, sandbox)
    new = await bot.ask_again(old.id)
    assert new is not None
    third = await bot.ask(77)

    with pytest.raises(IntegrityError):
        async with bot.database.write() as transaction:
            await relations.add(transaction, Relation(third.id, RelationKind.AGAIN, old.id))

    assert (await bot.request(old.id)).follower(RelationKind.AGAIN) == new.id


async def test_a_click_that_is_delivered_twice_is_one_request_and_no_event(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    old = await failed(bot, sandbox)
    await bot.ask_again(old.id, delivery="click:1")
    kinds = await bot.kinds(old.id)

    assert await bot.ask_again(old.id, delivery="click:1") is None

    assert await bot.kinds(old.id) == kinds


@pytest.mark.parametrize("status", ["pending", "denied", "applied", "in_doubt"])
async def test_only_what_failed_can_be_asked_for_again(
    bot: Bot, sandbox: SendGridSandbox, status: str
) -> None:
    request = await bot.checked()
    if status == "denied":
        await bot.decisions.deny(request.id, ANN, "no")
    elif status != "pending":
        await bot.decisions.approve(request.id, ANN)
        if status == "in_doubt":
            sandbox.faults.add("drop_before")
        await bot.apply(request.id)
    assert await bot.status(request.id) == status

    with pytest.raises(Refusal, match="has not failed") as refusal:
        await bot.ask_again(request.id, by=BEN)

    assert refusal.value.rule == "not_failed"
    event = (await bot.events(request.id))[-1]
    assert (event["kind"], event["actor"]) == ("refused_click", BEN)
    assert json.loads(event["detail"])["action"] == "request_again"


async def test_a_request_that_does_not_exist_cannot_be_asked_for_again(bot: Bot) -> None:
    with pytest.raises(UnknownRequest):
        await bot.ask_again(404)


async def test_a_follow_up_that_fails_too_can_be_asked_for_again(bot: Bot, sandbox: SendGridSandbox) -> None:
    old = await failed(bot, sandbox)
    second = await bot.ask_again(old.id)
    assert second is not None
    await bot.check(second.id)
    await bot.decisions.approve(second.id, ANN)
    sandbox.scopes -= {MAY_CHANGE}
    await bot.apply(second.id)

    third = await bot.ask_again(second.id)

    assert third is not None
    assert third.follows(RelationKind.AGAIN) == second.id
    with pytest.raises(Refusal, match=f"as request {second.id}"):
        await bot.ask_again(old.id)
