"""Slack delivers at least once; work is done at most once. And Slack fails; the state does not."""

import asyncio

from creditbot.sandbox.slack import Message
from creditbot.sandbox.world import ALICE, APPROVALS, BOB, CAROL, GENERAL

from .company import Company
from .conftest import over_socket


async def test_a_command_that_comes_twice_is_one_request(company: Company) -> None:
    delivery = await company.slack.command(ALICE, "/credits add acme 5 x", channel=GENERAL)
    again = await company.slack.deliver_again(delivery)
    assert again.acked
    assert len(await company.requests()) == 1
    await company.slack.until(lambda: company.cards)
    assert len(company.cards) == 1


async def test_a_click_that_comes_twice_is_one_patch(company: Company) -> None:
    card = await company.ask()
    delivery = await company.slack.click(BOB, card, "Approve")
    await company.slack.deliver_again(delivery)
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]


async def test_many_clicks_of_two_approvers_at_once_are_one_patch(company: Company) -> None:
    card = await company.ask()
    clicks = [company.slack.click(user, card, "Approve") for user in (BOB, CAROL) * 10]
    await asyncio.gather(*clicks)
    await company.card_says(card, "Applied: ")
    assert company.sendgrid.account.applied("acme") == [5000]
    assert len(company.events("approved")) == 1


@over_socket
async def test_approve_against_cancel_has_one_winner_and_the_loser_is_told(company: Company) -> None:
    for number in range(1, 6):
        card = await company.ask(f"/credits add acme {number} x")
        await asyncio.gather(
            company.slack.click(BOB, card, "Approve"), company.slack.click(ALICE, card, "Cancel")
        )
        await ended(company, card)
    records = await company.requests()
    applied = [record["allocation_update"] for record in records if record["status"] == "applied"]
    assert company.sendgrid.account.applied("acme") == applied
    assert {record["status"] for record in records} <= {"applied", "cancelled"}
    # Approving and then cancelling before it is sent is no contradiction; each other pair has a loser.
    assert len(company.events("refused_click")) + len(company.events("approved")) >= 5


async def ended(company: Company, card: Message) -> None:
    await company.slack.until(lambda: card.plain().startswith(("Applied: ", "Cancelled: ")))


@over_socket
async def test_a_slack_that_is_down_shows_everything_once_it_is_back(company: Company) -> None:
    card = await company.ask()
    company.slack.faults.down = True
    await company.slack.click(BOB, card, "Approve")
    await company.sendgrid.until(lambda: company.sendgrid.account.ledger)
    assert "Waiting for approval" in card.plain()
    company.slack.faults.down = False
    await company.card_says(card, "Applied: ", 60)
    await company.told(ALICE, "*Applied*", 60)
    await company.told(ALICE, "It is being sent to SendGrid", 60)
    assert len(company.slack.dm(ALICE)) == 2


@over_socket
async def test_a_channel_that_the_bot_is_not_in_is_said_to_requester_and_operator(company: Company) -> None:
    company.slack.faults.fail("chat.postMessage", error="not_in_channel")
    await company.say("/credits add acme 5 x")
    await company.told(ALICE, "No approver has seen it yet")
    assert "/invite" in company.log()
    card = (await company.slack.until(lambda: company.cards))[0]  # once it has been invited
    assert "Waiting for approval" in card.plain()


@over_socket
async def test_a_rate_limit_of_slack_is_waited_for(company: Company) -> None:
    company.slack.faults.http("chat.postMessage", status=429, headers={"Retry-After": "1"}, times=2)
    await company.ask()


@over_socket
async def test_a_deleted_card_is_posted_anew(company: Company) -> None:
    card = await company.ask()
    company.slack.workspace.delete(card)
    assert "cancelled" in await company.say("/credits cancel 1")
    found = await company.slack.until(lambda: company.cards)
    await company.card_says(found[-1], "Cancelled: ")


@over_socket
async def test_a_card_that_a_crash_kept_from_the_record_follows_once_it_is_clicked(company: Company) -> None:
    orphan = await company.ask()
    company.sql("UPDATE cards SET ts = NULL, shown_version = 0")
    found = await company.slack.until(lambda: company.cards[1:])
    await company.slack.click(BOB, orphan, "Approve")
    await company.card_says(orphan, "Applied: ")
    await company.card_says(found[0], "Applied: ")
    assert len(company.slack.messages(APPROVALS)) == 2


@over_socket
async def test_a_socket_that_slack_renews_loses_nothing(company: Company) -> None:
    for number in range(1, 4):
        await company.slack.refresh_sockets()
        await renewed(company, number + 1)
        assert "Credits of the parent" in await company.say("/credits")


async def renewed(company: Company, times: int) -> None:
    """Wait until the bot has asked for an address to connect to this often, and is connected."""
    await company.slack.until(
        lambda: [call.method for call in company.slack.calls].count("apps.connections.open") >= times
    )
    await company.slack.wait_for_socket()
