"""Faults switched on from the page, and how a person sees them through."""

import re

import pytest
from playwright.async_api import Browser, expect

from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_doubt_that_no_balance_proves_is_settled_by_a_person(
    fresh_stage: Stage, open_seat: Seat
) -> None:
    seat = open_seat
    panel = await seat.open_panel("SendGrid")
    await panel.get_by_role("switch", name="Hang").check()
    await seat.ask("acme")
    card = await seat.approve("acme")
    await expect(panel.get_by_role("switch", name="Hang")).not_to_be_checked()
    await expect(card.get_by_role("heading")).to_contain_text("In doubt")
    await expect(card).to_contain_text("Balance now")
    await expect(seat.guide).to_contain_text("Compare the balances")
    await card.get_by_role("button", name="It was not applied").click()
    await seat.modal.get_by_label("How do you know?").fill("SendGrid shows 1,200")
    await seat.modal.get_by_role("button", name="Settle").click()
    await expect(card).to_contain_text("Settled because: SendGrid shows 1,200")
    await expect(panel.locator(".calls li").first).to_contain_text("lost")
    assert fresh_stage.sendgrid.account.applied("acme") == []


async def test_after_a_429_it_is_tried_again(fresh_stage: Stage, open_seat: Seat) -> None:
    panel = await open_seat.open_panel("SendGrid")
    await panel.get_by_role("switch", name="429").check()
    await open_seat.ask("acme")
    card = await open_seat.approve("acme")
    await expect(card).to_contain_text("Balance after: 6,200")
    await expect(panel.locator(".calls .status")).to_have_text(["200", "429"])


async def test_a_card_that_slack_refused_is_drawn_later(fresh_stage: Stage, open_seat: Seat) -> None:
    panel = await open_seat.open_panel("SendGrid")
    down = panel.get_by_role("switch", name="Slack down")
    await down.check()
    await open_seat.ask("acme")
    await open_seat.go_to("credit-approvals")
    await expect(open_seat.messages).to_contain_text("Requests that need an approval will stand here")
    await fresh_stage.slack.until(lambda: [call for call in fresh_stage.slack.calls if call.status == 503])
    await down.uncheck()
    await expect(open_seat.card("acme")).to_contain_text("Waiting for approval")


async def test_a_sandbox_that_has_ended_is_missed(fresh_stage: Stage, browser: Browser) -> None:
    page = await browser.new_page()  # its console tells of the lost connection, so nobody listens to it
    await page.goto(fresh_stage.page.url)
    await expect(page.get_by_role("radio", name=re.compile("Alice"))).to_be_visible()
    await fresh_stage.page.stop()
    await expect(page.get_by_text("The sandbox does not answer.")).to_be_visible()
    await page.close()


async def test_mail_that_is_sent_lowers_a_balance_and_can_be_stopped(
    fresh_stage: Stage, open_seat: Seat
) -> None:
    fresh_stage.sendgrid.account.burn_rates["acme"] = 50
    fresh_stage.sendgrid.start_burn()
    panel = await open_seat.open_panel("SendGrid")
    left = panel.locator("[data-subuser=acme] .remain")
    await expect(left).to_have_text(re.compile(r"1,1\d\d"))
    await panel.get_by_role("switch", name="mail is being sent").uncheck()
    await expect(panel.get_by_role("switch", name="mail is being sent")).not_to_be_checked()
    assert fresh_stage.sendgrid.account.burn_rates == {}
