"""Record the animation in README.md: someone writes a message, Emobot reacts, and /compare answers.

    pip install -e '.[screenshots]'
    python docs/animation.py

It shows the demo in headless Chromium, once in light and once in dark mode. For each there is a looping WebP file, and
a still one of the last frame for readers who prefer reduced motion.
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
MAX_BYTES = 500_000
"""The most bytes of each file."""


class Recorder:
    """Records screenshots of a page as the frames of an animation."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.frames: list[Image.Image] = []
        self.milliseconds: list[int] = []

    async def show(self, milliseconds: int) -> None:
        """Wait until the page has loaded its pictures and fonts, and add a frame that is shown for this time."""
        await self._page.locator("#preview-app[aria-busy=false]").wait_for()
        self.frames.append(Image.open(io.BytesIO(await self._page.screenshot(animations="disabled"))).convert("RGB"))
        self.milliseconds.append(milliseconds)

    async def write(self, text: str) -> None:
        """Type a text at the speed of a practised typist, with a frame for every third letter."""
        for start in range(0, len(text), 3):
            await self._page.keyboard.type(text[start : start + 3])
            await self.show(130)

    def save(self, name: str) -> None:
        """Write the animation, and a still picture of its last frame.

        Raises:
            RuntimeError: one of them is too large.
        """
        first, *others = self.frames
        animation = {"save_all": True, "append_images": others, "duration": self.milliseconds, "loop": 0}
        for path, frame, options in (
            (FOLDER / f"{name}.webp", first, {**animation, "minimize_size": True}),
            (FOLDER / f"{name}-still.webp", self.frames[-1], {}),
        ):
            frame.save(path, method=6, quality=80, **options)
            print(path)
            if path.stat().st_size > MAX_BYTES:
                raise RuntimeError(f"{path} has more than {MAX_BYTES:,} bytes: show fewer frames.")


async def record(scheme: Literal["light", "dark"], name: str) -> None:
    """Write a message and compare a text in a new demo, and save the animation."""
    async with (
        simulation.open_demo(load_configuration()) as demo,
        demo_page.serve(demo) as url,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = await browser.new_page(viewport=WINDOW, color_scheme=scheme)
        await page.goto(url)
        await page.wait_for_timeout(4000)  # the page reports its size first, and must not be interrupted
        recorder = Recorder(page)
        await page.locator("#channel-composer-input").click()
        await recorder.show(1000)
        await recorder.write(MESSAGE)
        await page.keyboard.press("Enter")
        sent = page.locator("article", has_text=MESSAGE).last
        await sent.wait_for()
        await sent.locator(".reaction-chip").wait_for()
        await page.wait_for_timeout(1000)  # until the avatar has loaded
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
    """Record the animation in light and in dark mode."""
    await record("light", "talk")
    await record("dark", "talk-dark")


if __name__ == "__main__":
    asyncio.run(record_all())
