"""A real browser at the page. Without one on the machine these tests are skipped, but never in CI."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from .seat import Seat
from .stage import Stage, set_up

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000
"""Milliseconds that something may take to show; a doubt is settled in six seconds."""

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

OpenPage = Callable[..., Awaitable[Seat]]


def executable() -> str:
    """Where a Chromium is."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        why = "no chromium found: apt-get install chromium (Debian), or brew install chromium"
        if os.environ.get("CI") or os.environ.get("CREDITBOT_REQUIRE_BROWSER"):
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One stage for all tests that bring a subuser of their own."""
    async with set_up(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_stage(browser: Browser, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which nothing has happened yet."""
    async with set_up(tmp_path) as stage:
        yield stage


@pytest.fixture
def subuser(stage: Stage) -> str:
    return stage.new_subuser()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens a stage's page. Whatever its console complains of, a breach of its policy too, fails the test."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # A refused act is answered 422, of which Chromium tells by itself.
        if message.type in {"error", "warning"} and "422" not in message.text:
            complaints.append(message.text)

    def asked_of(url: str, asked: Request) -> None:
        if not asked.url.startswith(url):
            complaints.append(f"{asked.url} is another host's")

    def watch(page: Page, url: str) -> None:
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked_of(url, asked))

    async with AsyncExitStack() as stack:

        async def open_(stage: Stage, **context: Any) -> Seat:
            for person in stage.slack.workspace.people:  # a form that an earlier test left open
                stage.slack.workspace.close_all(person)
            options = {"viewport": DESKTOP, "locale": "en-US", "timezone_id": "UTC"} | context
            opened = await stack.enter_async_context(await browser.new_context(**options))
            opened.set_default_timeout(PATIENCE)
            page = await opened.new_page()
            watch(page, stage.page.url)
            await page.goto(stage.page.url)
            await expect(page.get_by_role("radio", name="Alice")).to_be_visible()
            return Seat(page)

        yield open_
    assert not complaints


@pytest_asyncio.fixture(loop_scope="session")
async def seat(stage: Stage, open_page: OpenPage) -> Seat:
    """The page on a desktop, with the shared stage behind it."""
    return await open_page(stage)
