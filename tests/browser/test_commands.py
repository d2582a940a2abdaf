"""The box at the bottom: commands are completed, explained, sent, or refused."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from .conftest import OpenPage
from .seat import Seat
from .stage import set_up

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_command_is_completed_by_keyboard(seat: Seat) -> None:
    await seat.box.press_sequentially("/cr")
    options = seat.page.get_by_role("listbox", name="Commands").get_by_role("option")
    await expect(options.filter(has_text="/credits add SUBUSER AMOUNT REASON")).to_be_visible()
    await seat.box.press("ArrowDown")
    await seat.box.press("ArrowDown")
    await expect(seat.page.locator("[role=option][aria-selected=true]")).to_contain_text("/credits add")
    await seat.box.press("Tab")
    await expect(seat.box).to_have_value("/credits add ")
    await expect(seat.box).to_be_focused()


async def test_the_usage_marks_what_is_typed_next(seat: Seat) -> None:
    marked = seat.page.locator("#usage b")
    await seat.box.fill("/credits add ")
    await expect(marked).to_have_text("SUBUSER")
    await seat.box.fill("/credits add acme ")
    await expect(marked).to_have_text("AMOUNT")
    await seat.box.fill("/credits add acme 5000 Black Friday and")
    await expect(marked).to_have_text("REASON")


async def test_escape_closes_the_list_and_enter_sends(seat: Seat) -> None:
    await seat.box.fill("/credits h")
    await seat.box.press("Escape")
    await expect(seat.page.get_by_role("listbox", name="Commands")).to_be_hidden()
    await seat.box.fill("/credits help")
    await seat.box.press("Enter")
    await expect(seat.message("Commands")).to_be_visible()
    await expect(seat.box).to_have_value("")


async def test_two_commands_in_a_row_are_both_sent(seat: Seat, subuser: str) -> None:
    await seat.type("/credits help")
    await seat.type(f"/credits balance {subuser}")
    await expect(seat.message("Commands")).to_be_visible()
    await expect(seat.message(f"Credits of {subuser}")).to_be_visible()


async def test_a_command_that_no_app_has_is_refused(seat: Seat) -> None:
    await seat.type("/weather Berlin")
    await expect(seat.page.get_by_role("alert").first).to_contain_text("There is no command /weather here")
    await expect(seat.box).to_have_value("/weather Berlin")


async def test_an_app_that_takes_no_messages_says_so(seat: Seat) -> None:
    await seat.go_to("creditbot")
    await expect(seat.page.get_by_text("Sending messages to this app has been turned off.")).to_be_visible()
    await expect(seat.box).to_be_hidden()


async def test_home_says_that_nothing_was_published(seat: Seat) -> None:
    await seat.go_to("creditbot")
    await seat.page.get_by_role("tab", name="Home").click()
    await expect(seat.page.get_by_role("heading", name="No Home tab yet")).to_be_visible()


async def test_a_command_typed_before_the_bot_is_there_waits_for_it(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with set_up(tmp_path, bot_late=True) as stage:
        seat = await open_page(stage)
        await expect(seat.page.get_by_text("creditbot is starting")).to_be_visible()
        await seat.type("/credits help")
        await stage.bot.start()
        await expect(seat.message("Commands")).to_be_visible()
        await expect(seat.messages).not_to_contain_text("failed")
        await seat.page.close()
