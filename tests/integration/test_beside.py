"""Whoever asks for a change, and whoever approves it, is told of others of the same subuser."""

import pytest

from creditbot.domain.place import Place
from creditbot.domain.requests import CreditRequest, Neighbour, Status
from creditbot.sandbox.sendgrid import SendGridSandbox, Subuser
from creditbot.slack import answers
from creditbot.slack.cards.card import request_card

from .adapters import ANN, ASKER, BEN, CHANNEL, Bot


def told(bot: Bot, request: CreditRequest) -> tuple[str, str]:
    """What the requester is answered, and what the card says."""
    card = request_card(request, bot.policy, bot.directory.roster, bot.clock(), links=link)
    return answers.asked(request, CHANNEL, link).text, card.text


def link(place: Place | None) -> str | None:
    return None if place is None or place.ts is None else f"https://slack.example/{place.ts}"


async def test_an_open_request_of_the_subuser_is_named_with_amount_who_and_link(
    bot: Bot, sandbox: SendGridSandbox
) -> None:
    sandbox.account.add_subuser(Subuser("ACME", type="nonrecurring", remain=1000))
    first = await bot.checked(5000)
    await bot.draw(first.id)
    [(_, ts)] = bot.messenger.posted

    second = await bot.ask(-5000, "ACME", by=BEN)

    assert second.beside == (Neighbour(first.id, 5000, Status.PENDING, ASKER, Place(CHANNEL, ts)),)
    for text in told(bot, second):
        named = f"<https://slack.example/{ts}|request {first.id}> (+5,000 by <@{ASKER}>"
        assert f"{named}, waiting for approval" in text
    assert first.beside == ()


@pytest.mark.parametrize(("minutes", "named"), [(59, True), (61, False)])
async def test_what_was_applied_within_the_hour_is_named_too(bot: Bot, minutes: int, named: bool) -> None:
    first = await bot.approved(5000)
    await bot.apply(first.id)
    bot.clock.advance(minutes=minutes)

    second = await bot.ask(10)

    for text in told(bot, second):
        assert (f"request {first.id} (+5,000 by <@{ASKER}>, applied)" in text) is named


async def test_what_came_to_nothing_or_is_of_another_subuser_is_not_named(bot: Bot) -> None:
    denied = await bot.checked()
    await bot.decisions.deny(denied.id, ANN, "no")
    await bot.checked(5, "other")

    assert (await bot.ask(10)).beside == ()


async def test_three_are_named_and_no_more_and_none_once_it_is_decided(bot: Bot) -> None:
    earlier = [await bot.checked(amount) for amount in (1, 2, 3, 4)]
    request = await bot.checked(10)

    assert [other.id for other in request.beside] == [each.id for each in earlier[:0:-1]]
    assert (await bot.decisions.approve(request.id, ANN)).beside == ()
