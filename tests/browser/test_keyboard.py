"""The main job with the keyboard alone."""

import pytest
from playwright.async_api import Page, expect

from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

LABEL = """() => {
  const focused = document.activeElement;
  return (focused.labels?.[0] ?? focused).textContent;
}"""

FAR = 80
"""More steps of the Tab key than the page has stops."""


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control with this text or label has the focus."""
    for _ in range(FAR):
        await page.keyboard.press("Tab")
        label = await page.evaluate(LABEL)
        if name in label:
            return
    raise AssertionError(f"Tab never reached {name}")


async def test_asking_and_approving_take_no_mouse(stage: Stage, seat: Seat, subuser: str) -> None:
    page = seat.page
    await page.keyboard.press("Tab")  # "Skip to the message box"
    await page.keyboard.press("Enter")
    await expect(seat.box).to_be_focused()
    await page.keyboard.type(f"/credits add {subuser} 5000 Black Friday")
    await page.keyboard.press("Enter")
    await expect(seat.message(f"credits for {subuser}")).to_be_visible()
    await page.reload()  # the focus goes back to the top
    await expect(page.get_by_role("radio", name="Alice")).to_be_visible()
    await tab_to(page, "Alice")
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="Bob")).to_be_checked()
    await tab_to(page, "credit-approvals")
    await page.keyboard.press("Enter")
    await expect(seat.card(subuser)).to_be_visible()
    approve = seat.card(subuser).get_by_role("button", name="Approve")
    for _ in range(FAR):
        await page.keyboard.press("Tab")
        if await approve.evaluate("node => node === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(seat.confirmation.get_by_role("button", name="Approve")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(seat.card(subuser)).to_contain_text("balance after: 6,200")
    assert stage.sendgrid.account.applied(subuser) == [5000]


async def test_a_forms_focus_stays_inside_it(seat: Seat) -> None:
    await seat.type("/credits request")
    await expect(seat.modal).to_be_visible()
    for _ in range(12):
        await seat.page.keyboard.press("Tab")
        inside = (
            "() => document.activeElement === document.body || !!document.activeElement.closest('#modal')"
        )
        assert await seat.page.evaluate(inside)


async def test_the_tabs_of_the_panel_are_walked_by_arrows(seat: Seat) -> None:
    await seat.page.get_by_role("tab", name="SendGrid").focus()
    await seat.page.keyboard.press("ArrowRight")
    await expect(seat.page.get_by_role("tab", name="Record")).to_be_focused()
    await expect(seat.page.get_by_role("heading", name="Ledger")).to_be_visible()
