"""What a person does at the page, in the words of a person."""

import re
from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect


@dataclass
class Seat:
    """One open page."""

    page: Page

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("combobox", name="Message or command")

    @property
    def messages(self) -> Locator:
        return self.page.get_by_role("log", name="Messages")

    @property
    def modal(self) -> Locator:
        return self.page.locator("dialog#modal")

    @property
    def confirmation(self) -> Locator:
        return self.page.locator("dialog#confirm")

    @property
    def guide(self) -> Locator:
        return self.page.get_by_role("region", name="What to try next")

    async def act_as(self, name: str) -> None:
        await self.page.get_by_role("radio", name=re.compile(name)).check()

    async def go_to(self, place: str) -> None:
        """Go to a channel or an app, through the drawer where the channels are one."""
        drawer = self.page.get_by_role("button", name="Channels", exact=True)
        if await drawer.is_visible():
            await drawer.click()
        nav = self.page.get_by_role("navigation", name="Channels and direct messages")
        await nav.get_by_role("button", name=re.compile(rf"^#?\s*{re.escape(place)}")).click()

    async def open_panel(self, tab: str) -> Locator:
        """Look at the other side, through its drawer where it is one."""
        drawer = self.page.get_by_role("button", name="SendGrid and the record")
        if await drawer.is_visible() and await drawer.get_attribute("aria-expanded") == "false":
            await drawer.click()
        await self.page.get_by_role("tab", name=tab).click()
        return self.page.locator("#panel-body")

    async def close_panel(self) -> None:
        await self.page.keyboard.press("Escape")

    async def type(self, text: str) -> None:
        """Type into the box and send it."""
        await self.box.fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()

    def message(self, text: str | re.Pattern[str]) -> Locator:
        """The newest message with this text in it."""
        return self.messages.get_by_role("article").filter(has_text=text).last

    def card(self, subuser: str) -> Locator:
        """The newest card about a subuser."""
        about = re.compile(rf": [+−][\d,]+ credits for {re.escape(subuser)}(?!\d)")
        cards = self.messages.get_by_role("article").filter(has_text=about)
        return cards.filter(has_not_text="Only visible to you").last

    async def ask(self, subuser: str, amount: int = 5000, reason: str = "Black Friday") -> None:
        """Alice asks, and is told that it was taken down."""
        await self.act_as("Alice")
        await self.go_to("general")
        await self.type(f"/credits add {subuser} {amount} {reason}")
        await expect(self.message(f"credits for {subuser}.")).to_be_visible()

    async def approve(self, subuser: str, as_: str = "Bob") -> Locator:
        """Go to the card as an approver, press Approve and confirm."""
        await self.act_as(as_)
        await self.go_to("credit-approvals")
        card = self.card(subuser)
        await card.get_by_role("button", name="Approve").click()
        await self.confirmation.get_by_role("button", name="Approve").click()
        return card
