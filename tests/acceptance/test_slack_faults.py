"""Whatever Slack does, no request is held up by it, and everything is shown and told once Slack is back."""

import pytest

from creditbot.sandbox.world import ALICE, BOB

from .company import Company
from .conftest import over_socket

ALWAYS = 10_000


@over_socket
@pytest.mark.parametrize(
    "error", ["channel_not_found", "not_in_channel", "account_inactive", "is_archived", "fatal_error"]
)
async def test_a_card_that_can_t_be_changed_holds_nothing_up_and_follows_later(
    company: Company, error: str
) -> None:
    card = await company.ask()
    company.slack.faults.fail("chat.update", error=error, times=ALWAYS)
    await company.slack.click(BOB, card, "Approve")
    await company.told(ALICE, "*Applied*")
    assert company.sendgrid.account.applied("acme") == [5000]
    assert error in company.log()

    company.slack.faults.clear()
    await company.card_says(card, "Applied: ", 60)
    assert len(company.cards) == 1


@over_socket
@pytest.mark.parametrize("fault", ["429", "503", "timeout", "lost"])
async def test_a_slack_that_answers_badly_or_not_at_all_is_asked_again(company: Company, fault: str) -> None:
    card = await company.ask()
    faults = company.slack.faults
    for method in ("chat.update", "chat.postMessage"):
        match fault:
            case "429":
                faults.http(method, status=429, headers={"Retry-After": "1"}, times=2)
            case "503":
                faults.http(method, status=503, times=2)
            case "timeout":
                faults.hang(method, 20)
            case _:
                faults.after(method)
    await company.slack.click(BOB, card, "Approve")
    await company.sendgrid.until(lambda: company.sendgrid.account.ledger)

    await company.card_says(card, "Applied: ", 60)
    await company.told(ALICE, "*Applied*", 60)
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_people_who_have_left_hold_nothing_up(company: Company) -> None:
    card = await company.ask()
    company.slack.faults.fail("chat.postMessage", error="user_disabled", times=ALWAYS)
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    await company.slack.until(lambda: "user_disabled" in company.log())
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_an_approver_who_has_left_leaves_the_others_who_may_decide(company: Company) -> None:
    company.slack.faults.fail("usergroups.users.list", error="no_such_subteam", times=ALWAYS)
    card = await company.ask()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
