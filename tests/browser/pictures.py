"""The README's pictures, taken on the way through the tests when `make screenshots` asks for them."""

import io
import os
from pathlib import Path

from PIL import Image
from playwright.async_api import Page

FOLDER = os.environ.get("CREDITBOT_SCREENSHOTS")
SHOWN = {"desktop-pending", "desktop-in-doubt", "phone-in-doubt"}
"""The pictures that the README shows or links to."""

COLOURS = 128
"""Enough for text and flat surfaces, and a third of the size of full colour."""


async def take(page: Page, name: str) -> None:
    """Keep what the page shows as `name`.png, if pictures are wanted."""
    if not FOLDER or name not in SHOWN:
        return
    picture = await page.screenshot(animations="disabled", caret="hide")
    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(Path(FOLDER) / f"{name}.png", optimize=True)
