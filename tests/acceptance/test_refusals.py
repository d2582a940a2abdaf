"""Who may not do it gets a private sentence, and an event; nothing is changed."""

import pytest

from creditbot.sandbox.world import ALICE, APPROVALS, BOB, CAROL, DAN
from tests.carried import carried

from .company import Company
from .conftest import over_socket


async def test_nobody_approves_their_own_request(company: Company) -> None:
    card = await company.ask()
    for button in ("Approve", "Deny"):
        said = await company.click(ALICE, card, button)
        assert "Request 1 is your own" in said
        assert "Cancel" in said
    assert company.patches == []
    assert [event["actor"] for event in company.events("refused_click")] == [ALICE, ALICE]
    assert company.slack.open_views(ALICE) == []


async def test_an_outsider_is_told_whom_to_ask(company: Company) -> None:
    card = await company.ask()
    for button in ("Approve", "Deny"):
        assert f"Ask one of: <@{BOB}>" in await company.click(DAN, card, button)
    assert "Only <@U0ALICE>, who requested it, can cancel" in await company.click(DAN, card, "Cancel")
    assert "who requested it, can cancel" in await company.say("/credits cancel 1", user=DAN)
    assert len(company.events("refused_click")) == 4
    assert [record["status"] for record in await company.requests()] == ["pending"]


@over_socket
async def test_a_member_of_a_user_group_may_approve(company: Company) -> None:
    card = await company.ask()
    await company.slack.click(CAROL, card, "Approve")
    await company.card_says(card, "Applied: ")


@over_socket
@pytest.mark.parametrize("error", ["plan_upgrade_required", "missing_scope", "no_such_subteam"])
async def test_a_group_that_cannot_be_read_lets_nobody_in(company: Company, error: str) -> None:
    company.slack.faults.fail("usergroups.users.list", error=error, times=100)
    card = await company.ask()
    assert "read the members of <!subteam^S0FINANCE>" in await company.click(CAROL, card, "Approve")
    assert error in company.log()
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")


@over_socket
async def test_a_late_click_is_told_what_happened(company: Company) -> None:
    card = await company.ask()
    value = carried(card)
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    before = len(company.slack.ephemerals(CAROL, APPROVALS))
    for action in ("approve", "deny", "cancel"):
        await company.slack.click_raw(CAROL, message=card, action_id=action, value=value)
    await company.slack.until(lambda: len(company.slack.ephemerals(CAROL, APPROVALS)) == before + 3)
    said = company.slack.ephemerals(CAROL, APPROVALS)[before:]
    assert all(
        "Request 1 has already been approved by <@U0BOB> and applied" in message.plain() for message in said
    )
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_a_foreign_button_is_refused_in_words(company: Company) -> None:
    card = await company.ask()
    values = ("1", "999", "abc", "", "１")
    for value in values:
        delivery = await company.slack.click_raw(BOB, message=card, action_id="approve", value=value)
        assert delivery.acked, value
    await company.slack.until(lambda: len(company.slack.ephemerals(BOB, APPROVALS)) == len(values))
    for said in company.slack.ephemerals(BOB, APPROVALS):
        assert "/credits pending" in said.plain()
    assert [event["actor"] for event in company.events("refused_click")] == [BOB] * len(values)
    assert company.patches == []


async def test_a_button_that_creditbot_never_had_is_answered_in_words(company: Company) -> None:
    card = await company.ask()
    before = len(company.slack.ephemerals(BOB, APPROVALS))
    delivery = await company.slack.click_raw(BOB, message=card, action_id="launch_rocket", value="1")
    said = await company.slack.until(lambda: company.slack.ephemerals(BOB, APPROVALS)[before:])
    assert "creditbot does not know this button" in said[0].plain()
    assert [event["actor"] for event in company.events("refused_click")] == [BOB]
    assert delivery.acked is (company.slack.events_url is None)  # HTTP has a 404 for it
    assert [record["status"] for record in await company.requests()] == ["pending"]


@over_socket
async def test_who_has_approved_and_clicks_again_is_told_how_it_stands(company: Company) -> None:
    card = await company.ask()
    value = carried(card)
    await company.slack.click(BOB, card, "Approve")
    await company.card_says(card, "Applied: ")
    before = len(company.slack.ephemerals(BOB, APPROVALS))
    await company.slack.click_raw(BOB, message=card, action_id="approve", value=value)
    said = await company.slack.until(lambda: company.slack.ephemerals(BOB, APPROVALS)[before:])
    assert "already been approved by <@U0BOB> and applied. Doing it again changed nothing" in said[0].plain()
    assert company.sendgrid.account.applied("acme") == [5000]


@over_socket
async def test_a_click_that_comes_too_late_finds_the_request_expired(company: Company) -> None:
    card = await company.ask()
    value = carried(card)
    # The sweep may be faster than the click: both find the same.
    company.sql("UPDATE requests SET expires_at = requested_at - 1")
    delivery = await company.slack.click_raw(BOB, message=card, action_id="approve", value=value)
    assert delivery.acked
    said = await company.slack.until(lambda: company.slack.ephemerals(BOB, APPROVALS))
    assert "has expired" in said[-1].plain()
    await company.card_says(card, "Expired: ")
    assert company.patches == []


@over_socket
async def test_a_card_of_an_old_database_decides_nothing_in_a_new_one(company: Company) -> None:
    old = await company.ask("/credits add acme 5 x")
    shown = old.plain()
    await company.bot.stop()
    company.bot.env["DATABASE_URL"] += ".new"
    await company.bot.start()
    new = await company.ask("/credits add globex 900000 y")
    assert [record["id"] for record in await company.requests()] == [1]

    for button in ("Approve", "Deny"):
        assert "does not belong to any request" in await company.click(BOB, old, button)
    assert (old.plain(), company.patches, company.slack.open_views(BOB)) == (shown, [], [])
    assert [event["request_id"] for event in company.events("refused_click")] == [None, None]

    await company.slack.click(BOB, new, "Approve")
    await company.card_says(new, "Applied: ")
    assert company.sendgrid.account.applied("globex") == [900_000]
    assert old.plain() == shown
    status, said, err = await company.bot.command_line("audit", "verify")
    assert status == 0, said + err


class TestAnEmptyListOfApprovers:
    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        return settings | {"CREDITBOT_APPROVERS": ""}

    @over_socket
    async def test_means_nobody(self, company: Company) -> None:
        assert "nobody can approve anything" in company.log()
        card = await company.ask()
        assert "Nobody can approve this yet" in card.plain()
        for user in (BOB, CAROL, DAN):
            assert "CREDITBOT_APPROVERS" in await company.click(user, card, "Approve")
        assert "Request 1 is your own" in await company.click(ALICE, card, "Approve")
        assert company.patches == []
