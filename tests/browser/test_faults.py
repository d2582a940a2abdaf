"""Faults switched on from the page, and how a person sees them through."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from creditbot.domain.timeline import Level, Timeline
from creditbot.sandbox.demo import CAST
from creditbot.sandbox.page import PageServer
from creditbot.sandbox.world import GENERAL
from creditbot.slack.client import SlackClient
from creditbot.slack.commands import USAGE
from creditbot.slack.message import Message
from creditbot.slack.naming import Naming
from creditbot.slack.new_blocks import NewBlocks
from creditbot.slack.pictures import of_balance

from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_doubt_that_no_balance_proves_is_settled_by_a_person(
    stage: Stage, seat: Seat, subuser: str
) -> None:
    panel = await seat.open_panel("SendGrid")
    await panel.get_by_role("switch", name="Hang").check()
    await seat.ask(subuser)
    card = await seat.approve(subuser)
    await expect(panel.get_by_role("switch", name="Hang")).not_to_be_checked()
    await expect(card.get_by_role("heading")).to_contain_text("In doubt")
    await expect(card).to_contain_text("Latest balance")
    await expect(seat.guide).to_contain_text("balances with the card")
    await card.get_by_role("button", name="It was not applied").click()
    await seat.modal.get_by_label("How do you know?").fill("SendGrid shows 1,200")
    await seat.modal.get_by_role("button", name="Settle").click()
    await expect(card).to_contain_text("Settled because: SendGrid shows 1,200")
    call = panel.locator(".calls li").filter(has_text=f"/{subuser}/")
    await expect(call).to_contain_text("lost")
    assert stage.sendgrid.account.applied(subuser) == []


async def test_after_a_429_it_is_tried_again(seat: Seat, subuser: str) -> None:
    panel = await seat.open_panel("SendGrid")
    await panel.get_by_role("switch", name="429").check()
    await seat.ask(subuser)
    card = await seat.approve(subuser)
    await expect(card).to_contain_text("balance after: 6,200")
    calls = panel.locator(".calls li").filter(has_text=f"/{subuser}/")
    await expect(calls.locator(".status")).to_have_text(["200", "429"])


async def test_a_card_that_slack_refused_is_drawn_later(stage: Stage, seat: Seat, subuser: str) -> None:
    panel = await seat.open_panel("SendGrid")
    down = panel.get_by_role("switch", name="Slack down")
    before = len(stage.slack.calls)
    await down.check()
    await seat.ask(subuser)
    await seat.go_to("credit-approvals")
    await stage.slack.until(lambda: [call for call in stage.slack.calls[before:] if call.status == 503])
    await expect(seat.card(subuser)).to_have_count(0)
    await down.uncheck()
    await expect(seat.card(subuser)).to_contain_text("Waiting for approval")


async def test_where_charts_are_refused_the_same_is_seen_in_text(stage: Stage, seat: Seat) -> None:
    client = SlackClient(Naming(), NewBlocks(), token=stage.slack.bot_token, base_url=stage.slack.api_url)
    until = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    levels = [Level(until - timedelta(days=day), 1000 * day) for day in range(5)]
    picture = of_balance(Timeline("acme", levels[-1].at, until, levels))
    message = Message(picture.words, picture.blocks, picture.plainer).payload()
    await seat.go_to("general")

    await client.chat_postMessage(channel=GENERAL, **message)
    newest = seat.messages.get_by_role("article").last
    await expect(newest.get_by_role("img")).to_have_accessible_name(re.compile("Credits left: acme"))
    panel = await seat.open_panel("SendGrid")
    await panel.get_by_role("switch", name="Blocks refused").check()
    await client.chat_postMessage(channel=GENERAL, **message)
    await expect(newest.locator("pre")).to_contain_text("█▆▅▃▁")
    await expect(newest.get_by_role("img")).to_have_count(0)
    await panel.get_by_role("switch", name="Blocks refused").uncheck()


async def test_mail_that_is_sent_lowers_a_balance_and_can_be_stopped(
    stage: Stage, seat: Seat, subuser: str
) -> None:
    rates = stage.sendgrid.account.burn_rates
    rates[subuser] = 20
    stage.sendgrid.start_burn()
    panel = await seat.open_panel("SendGrid")
    left = panel.locator(f"[data-subuser={subuser}] .remain")
    await expect(left).not_to_have_text("1,200")
    mail = panel.get_by_role("switch", name="send mail")
    await mail.click()  # not uncheck(): news of mail may show the old state until the sandbox has heard
    await stage.slack.until(lambda: not rates)


async def test_a_sandbox_that_has_ended_is_missed(stage: Stage, browser: Browser, tmp_path: Path) -> None:
    page = await browser.new_page()  # its console tells of the lost connection, so nobody listens to it
    another = PageServer(stage.slack, stage.sendgrid, database=tmp_path / "x.db", cast=CAST, usage=USAGE)
    async with another:
        await page.goto(another.url)
        await expect(page.get_by_role("radio", name=re.compile("Alice"))).to_be_visible()
    await expect(page.get_by_text("The sandbox does not answer.")).to_be_visible()
    await page.close()
