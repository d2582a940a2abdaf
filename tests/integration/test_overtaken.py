"""A balance that was shown before another change of the subuser was applied is read and drawn anew."""

import pytest

from creditbot.domain.errors import Refusal
from creditbot.domain.requests import CreditRequest, Status
from creditbot.domain.shown import Shown
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser

from .adapters import ANN, BEN, Bot, ids


async def overtaken(bot: Bot, change: int = 10, subuser: str = "acme") -> tuple[CreditRequest, Shown]:
    """A request, and its card as it was before another change of its subuser, by +250, was applied."""
    earlier, request = await bot.checked(250), await bot.checked(change, subuser)
    await bot.draw(request.id)
    card = await bot.card(request.id)
    await bot.decisions.approve(earlier.id, ANN)
    await bot.apply(earlier.id)
    assert await bot.status(earlier.id) is Status.APPLIED
    return await bot.request(request.id), card


async def assert_asks_once_more(bot: Bot, card: Shown) -> None:
    with pytest.raises(Refusal) as refused:
        await bot.decisions.approve(card, ANN)
    assert refused.value.rule == "outdated_card"
    assert await bot.status(card.request_id) is Status.PENDING


async def test_a_click_on_the_older_figures_asks_once_more(bot: Bot) -> None:
    request, card = await overtaken(bot)

    assert request.id in ids(await bot.due(), "check")
    assert request.id in await bot.due_cards()
    await assert_asks_once_more(bot, card)
    await bot.work("check", "cards")

    read = await bot.request(request.id)
    assert read.check is not None
    assert (read.check.remain, read.expected_after, read.overtaken_by) == (1250, 1260, None)
    assert (await bot.kinds(request.id)).count("checked") == 2
    approved = await bot.decisions.approve(await bot.card(request.id), BEN)
    assert approved.status is Status.APPROVED


async def test_a_click_on_the_older_figures_asks_once_more_also_when_they_were_read_again(bot: Bot) -> None:
    request, card = await overtaken(bot)
    bot.clock.advance(seconds=1)
    await bot.work("check", "cards")

    await assert_asks_once_more(bot, card)
    assert (await bot.decisions.approve(await bot.card(request.id), ANN)).status is Status.APPROVED


async def test_a_name_in_another_case_is_the_same_subuser(bot: Bot, sandbox: SendGridSandbox) -> None:
    sandbox.account.add_subuser(Subuser("ACME", type="nonrecurring", remain=1000))
    _, card = await overtaken(bot, subuser="ACME")

    await assert_asks_once_more(bot, card)


async def test_a_change_of_another_subuser_is_none_of_its_business(bot: Bot) -> None:
    _, card = await overtaken(bot, subuser="other")

    assert (await bot.decisions.approve(card, ANN)).status is Status.APPROVED


async def test_while_sendgrid_is_away_it_can_be_decided_from_a_card_that_shows_no_balance(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request, card = await overtaken(bot)
    sandbox.faults.down = True
    bot.clock.advance(minutes=30)
    await bot.check(request.id)
    await bot.draw(request.id)

    assert (await bot.request(request.id)).overtaken_by is not None
    await assert_asks_once_more(bot, card)
    assert (await bot.decisions.approve(await bot.card(request.id), ANN)).status is Status.APPROVED


async def test_what_the_new_balance_does_not_allow_is_refused_with_a_sentence(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    request, _ = await overtaken(bot, -900)
    sandbox.account.send_mail("acme", 1000)
    await bot.work("check")

    refused = await bot.request(request.id)
    assert refused.status is Status.REFUSED
    assert "250 credits left" in str(refused.explanation)


async def test_a_balance_that_was_read_before_the_change_is_not_taken_for_one_after(bot: Bot) -> None:
    earlier, request = await bot.approved(250), await bot.ask(10)
    read = bot.sendgrid.subuser_credits

    async def read_and_be_overtaken(name: str) -> object:
        found = await read(name)
        bot.sendgrid.subuser_credits = read  # type: ignore[method-assign]  # once
        await bot.apply(earlier.id)
        return found

    bot.sendgrid.subuser_credits = read_and_be_overtaken  # type: ignore[method-assign, assignment]  # once
    await bot.check(request.id)
    assert (await bot.request(request.id)).check is None

    await bot.work("check")
    checked = await bot.request(request.id)
    assert checked.check is not None
    assert checked.check.remain == 1250
