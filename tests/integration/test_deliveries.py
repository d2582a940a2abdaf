"""Slack delivers at least once: the second delivery of a decision decides and records nothing more."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from creditbot.domain.errors import NotTaken, Refusal, UnknownRequest
from creditbot.domain.requests import CreditRequest, Status
from creditbot.elapsed import boottime
from creditbot.operations import Delivery
from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.store import database
from creditbot.store.tables import deliveries

from .adapters import ANN, ASKER, BEN, OUTSIDER, Bot, Clock, ids, in_doubt
from .conftest import StartBot
from .ledger_rows import all_events

Deciding = Callable[[Bot, int, Delivery], Awaitable[CreditRequest | None]]


def click(name: str = "click:1") -> Delivery:
    return Delivery(name, boottime())


def form(name: str = "form:1") -> Delivery:
    return Delivery(name, boottime(), ack_is_answer=True)


async def kept(bot: Bot) -> list[str]:
    async with bot.database.read() as connection:
        return list((await connection.execute(select(deliveries.c.id).order_by(deliveries.c.id))).scalars())


CLICKS: dict[str, Deciding] = {
    "approve": lambda bot, request_id, delivery: bot.decisions.approve(request_id, ANN, delivery),
    "cancel": lambda bot, request_id, delivery: bot.decisions.cancel(request_id, ASKER, delivery),
    "may deny": lambda bot, request_id, delivery: bot.decisions.check_may_decide(
        request_id, ANN, "deny", delivery
    ),
    "refused approval": lambda bot, request_id, delivery: bot.decisions.approve(request_id, ASKER, delivery),
    "refused cancel": lambda bot, request_id, delivery: bot.decisions.cancel(request_id, OUTSIDER, delivery),
    "may not deny": lambda bot, request_id, delivery: bot.decisions.check_may_decide(
        request_id, OUTSIDER, "deny", delivery
    ),
    "may not settle": lambda bot, request_id, delivery: bot.settlements.check_may_settle(
        request_id, ANN, delivery
    ),
}


@pytest.mark.parametrize("deed", CLICKS)
async def test_a_click_that_another_process_gets_too_records_and_says_nothing_more(
    start: StartBot, deed: str
) -> None:
    first, second = start(), start()
    request = await first.checked()
    [came] = await asyncio.gather(CLICKS[deed](first, request.id, click()), return_exceptions=True)
    before = (await first.request(request.id), await first.kinds(request.id))

    again = await CLICKS[deed](second, request.id, click())

    assert isinstance(came, Refusal) is ("refused" in deed or "not" in deed)
    assert (await first.request(request.id), await first.kinds(request.id)) == before
    assert again == (None if deed.startswith("may") else before[0])


@pytest.mark.parametrize("deed", CLICKS)
async def test_of_two_deliveries_at_once_one_counts(start: StartBot, deed: str) -> None:
    bots = [start(), start()]
    for number in range(5):
        request = await bots[0].checked()
        known = len(await bots[0].kinds(request.id))

        ends = await asyncio.gather(
            *(CLICKS[deed](bot, request.id, click(f"click:{number}")) for bot in bots), return_exceptions=True
        )

        refused = "refused" in deed or "not" in deed
        assert sum(isinstance(end, Refusal) for end in ends) == int(refused)
        assert len(await bots[0].kinds(request.id)) == known + (deed != "may deny")


async def test_a_double_click_is_two_clicks_and_not_one_delivered_twice(bot: Bot) -> None:
    request = await bot.checked()
    await bot.decisions.approve(request.id, ANN, click("click:1"))

    with pytest.raises(Refusal, match="Doing it again changed nothing"):
        await bot.decisions.approve(request.id, ANN, click("click:2"))

    assert (await bot.kinds(request.id))[-2:] == ["approved", "repeated_click"]


async def test_a_balance_is_read_again_once_for_one_click(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await in_doubt(bot, sandbox)
    await bot.work("settle")
    await bot.settlements.check_again(request.id, ANN, click())
    await bot.work("settle")

    await bot.settlements.check_again(request.id, ANN, click())

    assert ids(await bot.due(), "settle") == []
    kinds = await bot.kinds(request.id)
    assert (kinds.count("check_again"), kinds.count("not_proven")) == (1, 2)


async def test_a_form_that_denied_closes_again_as_it_did(bot: Bot) -> None:
    request = await bot.checked()
    denied = await bot.decisions.deny(request.id, ANN, "too much", form())

    again = await bot.decisions.deny(request.id, ANN, "too much", form())

    assert (again, again.status) == (denied, Status.DENIED)
    assert await bot.kinds(request.id) == ["requested", "checked", "denied"]


async def test_a_form_that_settled_closes_again_as_it_did(bot: Bot, sandbox: SendGridSandbox) -> None:
    request = await in_doubt(bot, sandbox)
    settled = await bot.settlements.settle(request.id, BEN, applied=False, reason="I looked", delivery=form())
    kinds = await bot.kinds(request.id)

    again = await bot.settlements.settle(request.id, BEN, applied=False, reason="I looked", delivery=form())

    assert again == settled
    assert await bot.kinds(request.id) == kinds


async def test_a_form_that_was_refused_shows_it_again_and_records_it_once(bot: Bot) -> None:
    request = await bot.checked()

    for _ in range(2):
        with pytest.raises(Refusal, match="Only an approver can decide this"):
            await bot.decisions.deny(request.id, OUTSIDER, "no", form())

    assert await bot.kinds(request.id) == ["requested", "checked", "refused_click"]


async def test_a_form_that_was_refused_does_not_come_true_when_it_comes_again(bot: Bot) -> None:
    """The person has read that nothing was changed, so that must stay so."""
    request = await bot.ask()
    with pytest.raises(Refusal, match="still being checked"):
        await bot.decisions.deny(request.id, ANN, "no", form())
    await bot.check(request.id)

    with pytest.raises(Refusal, match="This was refused the first time, so nothing was changed"):
        await bot.decisions.deny(request.id, ANN, "no", form())

    assert await bot.status(request.id) is Status.PENDING
    assert (await bot.kinds(request.id)).count("refused_click") == 1


async def test_a_click_that_was_refused_does_not_come_true_when_it_comes_again(bot: Bot) -> None:
    request = await bot.ask()
    with pytest.raises(Refusal, match="still being checked"):
        await bot.decisions.approve(request.id, ANN, click())
    await bot.check(request.id)

    assert (await bot.decisions.approve(request.id, ANN, click())).status is Status.PENDING


async def test_what_was_not_taken_can_be_delivered_again(bot: Bot) -> None:
    request = await bot.checked()
    with pytest.raises(NotTaken):
        await bot.decisions.approve(
            request.id, ANN, Delivery("click:1", boottime() - database.PATIENCE - 0.1)
        )

    assert (await bot.decisions.approve(request.id, ANN, click("click:1"))).status is Status.APPROVED


async def test_a_strange_click_is_recorded_once(bot: Bot) -> None:
    assert await bot.clicks.refuse_unknown_button(BEN, "launch_rocket", "1", click())
    assert not await bot.clicks.refuse_unknown_button(BEN, "launch_rocket", "1", click())
    with pytest.raises(UnknownRequest):
        await bot.decisions.approve(404, BEN, click("click:2"))
    with pytest.raises(UnknownRequest):
        await bot.decisions.approve(404, BEN, click("click:2"))

    async with bot.database.read() as connection:
        assert [event["kind"] for event in await all_events(connection)] == ["refused_click"] * 2


async def test_a_delivery_without_a_name_is_like_no_other(bot: Bot) -> None:
    request = await bot.checked()
    for _ in range(2):
        with pytest.raises(Refusal):
            await bot.decisions.approve(request.id, OUTSIDER, Delivery(None, boottime()))

    assert (await bot.kinds(request.id)).count("refused_click") == 2
    assert await kept(bot) == []


async def test_deliveries_are_kept_for_an_hour(bot: Bot, clock: Clock) -> None:
    request = await bot.checked()
    for name in ("click:1", "click:2"):
        with pytest.raises(Refusal):
            await bot.decisions.approve(request.id, OUTSIDER, click(name))
        clock.advance(minutes=30)
    assert await bot.decisions.approve(request.id, OUTSIDER, click("click:1")) == request
    clock.advance(milliseconds=1)

    with pytest.raises(Refusal):
        await bot.decisions.approve(request.id, OUTSIDER, click("click:3"))

    assert await kept(bot) == ["click:2", "click:3"]
