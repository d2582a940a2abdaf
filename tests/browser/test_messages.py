"""What people see of messages: theirs alone, unread, edited in place, with names and their own time."""

import re

import pytest
from playwright.async_api import expect

from creditbot.sandbox.world import APPROVALS, BOB, GENERAL

from .conftest import PHONE, OpenPage
from .seat import Seat
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_answer_is_visible_to_one_person_only(seat: Seat, subuser: str) -> None:
    await seat.type(f"/credits balance {subuser}")
    answer = seat.message(f"Credits of {subuser}")
    await expect(answer).to_contain_text("Only visible to you")
    await seat.act_as("Bob")
    await expect(answer).to_have_count(0)


async def test_a_card_changes_where_it_stands(seat: Seat, subuser: str) -> None:
    await seat.ask(subuser)
    await seat.act_as("Bob")
    await seat.go_to("credit-approvals")
    before = await seat.card(subuser).get_attribute("data-ts")
    await seat.approve(subuser)
    await expect(seat.card(subuser)).to_contain_text("Applied: +5,000")
    assert await seat.card(subuser).get_attribute("data-ts") == before
    await expect(seat.card(subuser).get_by_role("button", name="Approve")).to_have_count(0)


async def test_unread_messages_are_marked_for_each_person(seat: Seat, subuser: str) -> None:
    await seat.act_as("Bob")
    await seat.go_to("credit-approvals")
    await seat.go_to("general")
    await seat.ask(subuser)
    channel = seat.page.get_by_role("button", name=re.compile("credit-approvals.*unread"))
    await expect(channel).to_be_visible()
    await seat.act_as("Bob")
    await expect(channel.locator(".badge")).to_have_text("1")
    await channel.click()
    await expect(channel).to_have_count(0)


async def test_mentions_are_names_and_dates_are_the_readers_own(stage: Stage, open_page: OpenPage) -> None:
    text = f"<@{BOB}> may act until <!date^1795336200^{{date_short}} at {{time}}|later>, &lt;b&gt; `*kept*`"
    message = stage.slack.workspace.post(APPROVALS, stage.slack.bot_user_id, text=text)
    for zone, time in (("Europe/Berlin", "9:30 AM"), ("America/New_York", "3:30 AM")):
        seat = await open_page(stage, timezone_id=zone)
        await seat.go_to("credit-approvals")
        shown = seat.page.locator(f'[data-ts="{message.ts}"] .body')
        await expect(shown).to_have_text(f"@Bob may act until Nov 22, 2026 at {time}, <b> *kept*")


async def test_a_link_to_a_card_leads_to_it_in_the_page(
    stage: Stage, open_page: OpenPage, subuser: str
) -> None:
    workspace, bot = stage.slack.workspace, stage.slack.bot_user_id
    seat = await open_page(stage)
    card = workspace.post(APPROVALS, bot, text=f"The card of {subuser}")
    for number in range(30):
        workspace.post(APPROVALS, bot, text=f"{subuser}, later {number}")
    link = f"https://sandbox.slack.com/archives/{APPROVALS}/p{card.ts.replace('.', '')}"
    workspace.post(GENERAL, bot, text=f"See <{link}|the card of {subuser}>")
    await seat.go_to("general")
    await seat.page.get_by_role("link", name=f"the card of {subuser}").last.click()
    found = seat.page.locator(f'#messages [data-ts="{card.ts}"]')
    await expect(found).to_be_focused()
    await expect(found).to_be_in_viewport()
    assert len(seat.page.context.pages) == 1


async def test_a_thread_is_read_and_answered_beside_the_channel(seat: Seat) -> None:
    await seat.type("Who has looked at the newsletter?")
    said = seat.message("Who has looked at the newsletter?")
    await said.hover()
    await said.get_by_role("button", name="Reply in thread").click()
    thread = seat.page.get_by_role("log", name="Thread")
    await seat.act_as("Alice")
    await seat.page.get_by_role("textbox", name="Reply").fill("I have.")
    await seat.page.get_by_role("button", name="Reply", exact=True).click()
    await expect(thread).to_contain_text("I have.")
    await expect(said.get_by_role("button", name="1 reply")).to_be_visible()
    await expect(seat.messages).not_to_contain_text("I have.")


async def test_what_people_type_is_shown_and_never_run(seat: Seat, subuser: str) -> None:
    await seat.ask(subuser, reason="<img src=x onerror=alert(1)> *stars* <!channel>")
    await seat.act_as("Bob")
    await seat.go_to("credit-approvals")
    await expect(seat.card(subuser)).to_contain_text(
        "Reason: <img src=x onerror=alert(1)> *stars* <!channel>"
    )
    await expect(seat.card(subuser).locator("img:not(.avatar)")).to_have_count(0)


async def test_a_reload_comes_back_to_the_same_place(seat: Seat) -> None:
    await seat.act_as("Erin")
    await seat.go_to("credit-approvals")
    await seat.page.reload()
    await expect(seat.page.get_by_role("radio", name=re.compile("Erin"))).to_be_checked()
    await expect(seat.page.get_by_role("heading", name="# credit-approvals")).to_be_visible()


async def test_a_thread_is_still_open_after_a_reload(seat: Seat) -> None:
    await seat.type("Who has the figures?")
    said = seat.message("Who has the figures?")
    await said.hover()
    await said.get_by_role("button", name="Reply in thread").click()
    await seat.page.reload()
    thread = seat.page.get_by_role("log", name="Thread")
    await expect(thread).to_contain_text("Who has the figures?")


async def test_what_comes_in_below_is_announced_to_whoever_reads_further_up(
    stage: Stage, seat: Seat, subuser: str
) -> None:
    for number in range(40):
        stage.slack.say(BOB, f"Line {number}", channel=GENERAL)
    last = seat.message("Line 39")
    await expect(last).to_be_in_viewport()
    await seat.messages.evaluate("log => { log.scrollTop = 0 }")
    await expect(last).not_to_be_in_viewport()
    below = seat.page.get_by_role("button", name="New messages below")
    await expect(below).to_be_hidden()
    stage.slack.say(BOB, "One more", channel=GENERAL)
    await below.click()
    await expect(seat.message("One more")).to_be_in_viewport()
    await expect(below).to_be_hidden()
    await seat.messages.evaluate("log => { log.scrollTop = 0 }")
    await seat.type(f"/credits balance {subuser}")
    await expect(seat.message(f"Credits of {subuser}")).to_be_in_viewport()


async def test_on_a_phone_each_drawer_has_a_button_that_closes_it(stage: Stage, open_page: OpenPage) -> None:
    seat = await open_page(stage, viewport=PHONE, has_touch=True)
    for opens, closes, drawer in (
        ("Channels", "Close channels", "#nav"),
        ("SendGrid and the record", "Close the panel", "#panel"),
    ):
        await seat.page.get_by_role("button", name=opens, exact=True).click()
        await expect(seat.page.locator(drawer)).to_be_visible()
        await seat.page.get_by_role("button", name=closes).click()
        await expect(seat.page.locator(drawer)).to_be_hidden()
