"""axe-core finds nothing serious, at both widths, in both themes."""

import itertools
from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.extent import short_or_long

from .conftest import DESKTOP, PHONE, OpenPage
from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

SERIOUS = {"serious", "critical"}
EVERY = list(itertools.product(("desktop", "phone"), ("light", "dark")))
LOOKS = short_or_long([("desktop", "light"), ("phone", "dark")], EVERY)


async def faults(page: Page) -> list[str]:
    """axe-core's serious findings, with the elements that they are about."""
    await page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
    found: dict[str, Any] = await page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


async def look_around(seat: Seat, subuser: str) -> list[str]:
    """Every view that the main job leads through."""
    page = seat.page
    found = []
    await seat.box.fill("/credits ")
    found += await faults(page)
    await seat.type("/credits help")
    await seat.ask(subuser)
    await seat.go_to("credit-approvals")
    await expect(seat.card(subuser)).to_be_visible()
    found += await faults(page)
    await seat.card(subuser).get_by_role("button", name="Approve").click()
    found += await faults(page)
    await page.keyboard.press("Escape")
    await seat.open_panel("SendGrid")
    found += await faults(page)
    await seat.open_panel("Record")
    found += await faults(page)
    await seat.close_panel()
    await seat.type("/credits request")
    await seat.modal.get_by_role("button", name="Ask for approval").click()
    found += await faults(page)
    await page.keyboard.press("Escape")
    await seat.go_to("creditbot")
    await page.get_by_role("tab", name="Home").click()
    found += await faults(page)
    return found


@pytest.mark.parametrize(("device", "theme"), LOOKS)
async def test_no_serious_fault_is_found(
    stage: Stage, open_page: OpenPage, subuser: str, device: str, theme: Literal["light", "dark"]
) -> None:
    size = DESKTOP if device == "desktop" else PHONE
    seat = await open_page(stage, viewport=size, color_scheme=theme, reduced_motion="reduce")
    assert await look_around(seat, subuser) == []


async def test_the_theme_can_be_chosen(seat: Seat) -> None:
    root = seat.page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    await seat.page.get_by_role("button", name="Dark theme").click()
    await expect(root).to_have_attribute("data-theme", "dark")
    await seat.page.reload()
    await expect(root).to_have_attribute("data-theme", "dark")
