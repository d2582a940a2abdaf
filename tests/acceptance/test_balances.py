"""Balances: of the parent, of a subuser, of a customer account, and what is said when there is none."""

import pytest

from creditbot.sandbox.world import ALICE

from .company import Company
from .conftest import over_socket


@over_socket
async def test_the_parents_balance(company: Company) -> None:
    answer = await company.say("/credits")
    assert "Credits of the parent account" in answer
    assert "Remaining*\n1,000,000" in answer
    assert "100% left" in answer
    assert "Reset: monthly" in answer
    [call] = company.sendgrid.calls
    assert (call.path, call.on_behalf_of) == ("/v3/user/credits", None)
    assert company.slack.ephemerals(ALICE)[-1].text.startswith(
        "Credits of the parent account. Remaining: 1,000,000"
    )


@over_socket
async def test_a_subusers_balance_is_read_on_its_behalf(company: Company) -> None:
    answer = await company.say("/credits balance globex")
    assert "Remaining*\n340" in answer
    assert "Total*\n10,000" in answer
    assert "Used*\n9,660" in answer
    assert "3% left" in answer
    assert "Last reset: 2026-11-01. Next reset: 2026-12-01" in answer
    assert "globex" in {call.on_behalf_of for call in company.sendgrid.calls}


@over_socket
async def test_a_customer_accounts_balance(company: Company) -> None:
    answer = await company.say("/credits balance account-id:12345")
    assert "Credits of account-id 12345" in answer
    assert "Remaining*\n88,000" in answer
    assert [call.on_behalf_of for call in company.sendgrid.calls] == ["account-id 12345"]


@over_socket
async def test_unlimited_and_unreported_are_said_in_words(company: Company) -> None:
    answer = await company.say("/credits balance initech")
    assert "Remaining*\nunlimited" in answer
    assert "None" not in answer
    assert "null" not in answer


@over_socket
async def test_an_unknown_subuser_is_answered_with_names_that_come_near(company: Company) -> None:
    answer = await company.say("/credits balance amce")
    assert "SendGrid has no subuser `amce`. Did you mean `acme`?" in answer


@over_socket
async def test_an_error_says_what_to_do(company: Company) -> None:
    for status, advice in (
        (401, "SENDGRID_API_KEY"),
        (403, "user.credits.read"),
        (429, "Try again in a minute"),
        (451, "SENDGRID_REGION"),
        (500, "Try again in a few minutes"),
    ):
        company.sendgrid.faults.add("status_before", method="GET", status=status)
        answer = await company.say("/credits")
        assert advice in answer
        assert str(status) in answer


@over_socket
async def test_a_hanging_sendgrid_does_not_hold_up_the_ack(company: Company) -> None:
    company.sendgrid.faults.add("hang_before", method="GET", seconds=30)
    answer = await company.say("/credits")
    assert "did not answer within 3 seconds" in answer


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    return settings | {"SENDGRID_TIMEOUT": "3"}
