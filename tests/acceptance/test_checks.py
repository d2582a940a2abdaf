"""What SendGrid's own data says before anyone is asked to approve."""

import json

import pytest

from creditbot.sandbox.world import ALICE, BOB

from .company import Company
from .conftest import over_socket


@over_socket
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/credits add initech 5 x", "unlimited credits"),
        ("/credits add amce 5 x", "Did you mean `acme`?"),
        ("/credits remove acme 1201 x", "below zero"),
    ],
)
async def test_an_impossible_change_is_refused_before_there_is_a_card(
    company: Company, text: str, why: str
) -> None:
    await company.say(text)
    await company.told(ALICE, why)
    assert company.cards == []
    assert company.patches == []
    assert [record["status"] for record in await company.requests()] == ["refused"]
    assert len(company.events("refused")) == 1


@over_socket
async def test_a_recurring_subuser_gets_a_warning_with_the_next_reset(company: Company) -> None:
    card = await company.ask("/credits add globex 500 Campaign")
    assert "Lasts only until the next reset* on 2026-12-01" in card.plain()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")


@over_socket
async def test_a_key_without_the_scope_is_said_by_its_name(company: Company) -> None:
    company.sendgrid.scopes -= {"subusers.credits.read"}
    await company.say("/credits add acme 5 x")
    await company.told(ALICE, "subusers.credits.read")
    assert company.cards == []


@over_socket
async def test_a_key_that_may_not_change_credits_fails_the_request(company: Company) -> None:
    company.sendgrid.scopes -= {"subusers.credits.remaining.update"}
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    shown = await company.card_says(card, "Failed: ")
    assert "subusers.credits.remaining.update" in shown
    assert "nothing was changed" in shown
    await company.told(ALICE, "subusers.credits.remaining.update")
    await company.told(BOB, "*Failed*")


@over_socket
async def test_a_sendgrid_that_is_away_for_a_moment_delays_the_card(company: Company) -> None:
    company.sendgrid.faults.add("status_before", method="GET", status=503, times=2)
    card = await company.ask()
    assert "6,200" in card.plain()


class TestInTheEuRegion:
    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        return settings | {"SENDGRID_REGION": "eu"}

    @over_socket
    async def test_a_change_goes_to_the_address_that_is_set(self, company: Company) -> None:
        card = await company.ask()
        await company.slack.click(BOB, card, "Approve")
        await company.card_says(card, "Applied: ")


@over_socket
async def test_a_key_that_sendgrid_refuses_is_one_warning_and_no_reason_not_to_start(
    company: Company,
) -> None:
    await company.bot.stop()
    company.bot.env["SENDGRID_API_KEY"] = "SG.revoked"
    before = len(company.log().splitlines())
    await company.bot.start()
    lines = [json.loads(line) for line in company.log().splitlines()[before:]]
    [line] = [line for line in lines if line["level"] in {"warning", "error"}]
    assert line["event"].startswith("SENDGRID_API_KEY is wrong: SendGrid answered 401")
    assert "must set SENDGRID_API_KEY" in await company.say("/credits")
    errors = [line for line in company.log().splitlines()[before:] if '"level": "error"' in line]
    assert len(errors) == 1
