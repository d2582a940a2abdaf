"""A newcomer follows nothing but what the page suggests, to an applied change, a doubt, and its end."""

import re
from typing import Any, Literal

import pytest
from playwright.async_api import expect

from .conftest import DESKTOP, PHONE, OpenPage
from .pictures import take
from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEATS: list[Any] = [
    pytest.param("desktop", "light", id="desktop, light"),
    pytest.param("phone", "dark", id="phone, dark"),
]


async def do_as_told(seat: Seat, label: str) -> None:
    await seat.guide.get_by_role("button", name=label).click()


async def press_approve(seat: Seat) -> None:
    card = seat.card("acme")
    await card.get_by_role("button", name="Approve").click()
    await seat.confirmation.get_by_role("button", name="Approve").click()


async def to_an_applied_change(seat: Seat, shot: str) -> None:
    await expect(seat.guide).to_contain_text("Step 1 of 6")
    await do_as_told(seat, "Type it for me")
    await seat.page.keyboard.press("Enter")
    await expect(seat.message("Only visible to you")).to_contain_text("Request 1: +5,000 credits for acme")
    await do_as_told(seat, "Switch to Bob")
    await do_as_told(seat, "Open it")
    await expect(seat.guide).to_contain_text("Step 3 of 6")
    await expect(seat.card("acme")).to_contain_text("Waiting for approval")
    await take(seat.page, f"{shot}-pending")
    await press_approve(seat)
    await expect(seat.card("acme")).to_contain_text("balance after: 6,200")
    await take(seat.page, f"{shot}-applied")


async def to_a_doubt(seat: Seat, shot: str) -> None:
    await expect(seat.guide).to_contain_text("Step 4 of 6")
    await do_as_told(seat, "Show me")
    switch = seat.page.get_by_role("switch", name="Drop after applying")
    await expect(switch).to_be_focused()
    await seat.page.keyboard.press("Space")
    await expect(switch).to_be_checked()
    await seat.close_panel()
    # Whoever follows the guide is Bob by now, so somebody else must approve.
    await do_as_told(seat, "Type it for me")
    await seat.page.keyboard.press("Enter")
    await do_as_told(seat, "Switch to Carol")
    await expect(seat.card("acme")).to_contain_text("+250")
    await press_approve(seat)
    await expect(seat.card("acme").get_by_role("heading")).to_contain_text("In doubt: +250")
    await expect(seat.guide).to_contain_text("Step 5 of 6")
    await take(seat.page, f"{shot}-in-doubt")


async def to_its_end(seat: Seat) -> None:
    await expect(seat.card("acme")).to_contain_text("confirmed by the balance")
    await expect(seat.guide).to_contain_text("Step 6 of 6")
    await do_as_told(seat, "Install it for real")
    install = seat.page.get_by_role("dialog", name="Install it for real")
    await expect(install).to_contain_text("creditbot serve")
    await install.get_by_role("button", name="Close").click()


@pytest.mark.parametrize(("device", "theme"), SEATS)
async def test_the_page_leads_a_newcomer_to_an_applied_change_and_through_a_doubt(
    fresh_stage: Stage, open_page: OpenPage, device: str, theme: Literal["light", "dark"]
) -> None:
    size = DESKTOP if device == "desktop" else PHONE
    seat = await open_page(fresh_stage, viewport=size, color_scheme=theme, has_touch=device == "phone")
    await to_an_applied_change(seat, device)
    await to_a_doubt(seat, device)
    await to_its_end(seat)
    assert fresh_stage.sendgrid.account.applied("acme") == [5000, 250]


async def test_the_record_and_sendgrid_stand_beside_it(stage: Stage, seat: Seat, subuser: str) -> None:
    await seat.ask(subuser)
    await seat.approve(subuser)
    panel = await seat.open_panel("SendGrid")
    await expect(panel.locator(f"[data-subuser={subuser}]")).to_contain_text(re.compile(r"6,200.*\+5,000"))
    await expect(panel.get_by_role("listitem").filter(has_text=f"/{subuser}/")).to_contain_text("200")
    stage.sendgrid.account.send_mail(subuser, 200)
    await expect(panel.locator(f"[data-subuser={subuser}] .remain")).to_have_text("6,000")
    panel = await seat.open_panel("Record")
    row = panel.get_by_role("region", name="Requests").get_by_role("row").filter(has_text=subuser)
    await expect(row).to_contain_text("applied")
    await expect(row).to_contain_text("1,200 → 6,200")
    ledger = panel.get_by_role("region", name="Ledger").get_by_role("row")
    await expect(ledger.filter(has_text="requested").first).to_contain_text("Alice")
    await expect(ledger.filter(has_text="approved").first).to_contain_text("Bob")
