"""Record the moving picture of README.md: somebody writes, Emobot reacts, and /compare answers.

    pip install -e '.[screenshots]'
    python docs/moving_picture.py

The demo is seen in headless Chromium, once in light and once in dark. Each gives a WebP that loops and one of its last
picture, for readers who prefer no motion.
"""

from __future__ import annotations

import asyncio
import io
import shutil
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.async_api import Page, async_playwright

from bot.cli import demo_page, simulation
from bot.configuration import load_configuration

FOLDER = Path(__file__).parent
WINDOW = {"width": 720, "height": 700}
MESSAGE = "I can't believe we won, this is amazing!"
COMPARED = "great job breaking the build again, genius"
LARGEST = 500_000
"""How many bytes each file may have."""


class Recorder:
    """Takes pictures of a page, each with the time for which it is shown."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.pictures: list[Image.Image] = []
        self.milliseconds: list[int] = []

    async def show(self, milliseconds: int) -> None:
        """Take a picture as soon as all pictures and fonts of the page are there."""
        await self._page.locator("#preview-app[aria-busy=false]").wait_for()
        self.pictures.append(Image.open(io.BytesIO(await self._page.screenshot(animations="disabled"))).convert("RGB"))
        self.milliseconds.append(milliseconds)

    async def write(self, text: str) -> None:
        """Type a text, as fast as somebody who is used to it, and show each third letter."""
        for start in range(0, len(text), 3):
            await self._page.keyboard.type(text[start : start + 3])
            await self.show(130)

    def save(self, name: str) -> None:
        """Write the moving picture, and its last picture as a still one.

        Raises:
            RuntimeError: one of them is too large.
        """
        first, *others = self.pictures
        moving = {"save_all": True, "append_images": others, "duration": self.milliseconds, "loop": 0}
        for path, picture, options in (
            (FOLDER / f"{name}.webp", first, {**moving, "minimize_size": True}),
            (FOLDER / f"{name}-still.webp", self.pictures[-1], {}),
        ):
            picture.save(path, method=6, quality=80, **options)
            print(path)
            if path.stat().st_size > LARGEST:
                raise RuntimeError(f"{path} has more than {LARGEST:,} bytes: show fewer pictures.")


async def record(scheme: Literal["light", "dark"], name: str) -> None:
    """Let somebody write and compare in a demo of their own, and save what is seen of it."""
    async with (
        simulation.opened(load_configuration()) as demo,
        demo_page.served(demo) as url,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = await browser.new_page(viewport=WINDOW, color_scheme=scheme)
        await page.goto(url)
        await page.wait_for_timeout(4000)  # the page tells its size first, and must not be interrupted in that
        recorder = Recorder(page)
        await page.locator("#channel-composer-input").click()
        await recorder.show(1000)
        await recorder.write(MESSAGE)
        await page.keyboard.press("Enter")
        sent = page.locator("article", has_text=MESSAGE).last
        await sent.wait_for()
        await sent.locator(".reaction-chip").wait_for()
        await page.wait_for_timeout(1000)  # until the portrait is there
        await recorder.show(2500)
        await recorder.write("/compare")
        await page.get_by_text("See how the RNN and the BiLSTM").wait_for()
        await recorder.show(900)
        await page.keyboard.press("Enter")
        await page.get_by_text("OPTIONS", exact=True).wait_for()
        await page.keyboard.press("Enter")  # the first option is the text
        await page.locator(".command-option-input").wait_for()
        await recorder.write(COMPARED)
        await recorder.show(500)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Heat map").wait_for()
        await page.wait_for_timeout(1500)
        await recorder.show(6000)
        await browser.close()
    recorder.save(name)


async def record_all() -> None:
    """Record in light and in dark."""
    await record("light", "talk")
    await record("dark", "talk-dark")


if __name__ == "__main__":
    asyncio.run(record_all())
