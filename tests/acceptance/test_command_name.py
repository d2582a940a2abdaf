"""Where `/credits` belongs to another app, the command has another name, and the bot says it everywhere."""

import pytest

from creditbot.sandbox.world import ALICE, BOB, GENERAL

from .company import Company
from .conftest import over_http

pytestmark = over_http


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    return settings | {"CREDITBOT_COMMAND": "/sg-credits"}


async def test_the_bot_takes_and_says_the_name_that_it_was_given_and_no_other(company: Company) -> None:
    assert not (await company.slack.command(ALICE, "/credits help", channel=GENERAL)).acked

    helped = await company.say("/sg-credits help")
    assert "/sg-credits add SUBUSER AMOUNT REASON" in helped
    assert "/credits" not in helped.replace("/sg-credits", "")
    asked = await company.say("/sg-credits add acme 5 As in /credits show 5")  # the ack's body
    assert "/sg-credits cancel 1" in asked
    pending = await company.say("/sg-credits pending")  # through the response_url
    assert "/sg-credits show" in pending
    assert "As in /credits show 5" in pending
    [card] = await company.slack.until(lambda: company.cards)
    assert "As in /credits show 5" in card.plain()
    assert "/sg-credits" not in card.plain()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
