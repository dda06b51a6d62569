"""Take the screenshots in README.md and docs/commands.md: the demo in headless Chromium, in light and in dark mode.

    pip install -e '.[screenshots]'
    python docs/screenshots.py

It uses the Chromium on the PATH, or the one that `playwright install chromium` installs.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import simcord
from playwright.async_api import Locator, Page, async_playwright

from bot.cli import demo_page, simulation
from bot.configuration import load_configuration

FOLDER = Path(__file__).parent
PAGE = {"width": 1280, "height": 800}
ANSWER = {"width": 690, "height": 1400}
"""The window for an answer of the bot. The longest answer must fit: otherwise Chromium would resize the window, and the
page would change in the middle of the screenshot."""
TEXT = "great job breaking the build again, genius"
"""Ironic praise: the RNN believes it, the BiLSTM changes its mind at *genius*."""


async def take_all() -> None:
    """Take all screenshots, one after another, in one demo."""
    async with (
        simulation.open_demo(load_configuration()) as demo,
        demo_page.serve(demo) as url,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = await browser.new_page(viewport=PAGE, device_scale_factor=1.5)
        await page.goto(url)
        await page.wait_for_timeout(3000)  # the page reports its size first, and must not be interrupted
        preview, (lounge, match_day) = demo.preview, demo.channels
        you = preview.viewers[0]
        await page.get_by_role("button", name="match-day").click()
        await page.get_by_text("see you all on Saturday").last.wait_for()
        async with demo.turn(None):
            await you.send(match_day, "I can't believe we won, this is amazing!")
        await _shoot(preview, page, page, "demo")
        await page.get_by_role("button", name="lounge").click()
        await page.get_by_text("What Emobot thinks").click()  # close this panel
        await page.set_viewport_size(ANSWER)
        await page.wait_for_timeout(3000)  # the page reports its size again
        for command, options in (("compare", {"text": TEXT}), ("mood", {}), ("settings", {})):
            answer = (await you.slash(lounge, command, **options)).response
            if answer is None:
                raise RuntimeError(f"/{command} was not answered")
            message = page.locator(f'article[data-message-id="{answer.id}"]')
            await _shoot(
                preview, page, message if command == "mood" else message.locator(".component-container"), command
            )
            if command == "compare":
                await you.click(answer, label="Heat map")
                await _shoot(preview, page, message.locator(".component-gallery"), "heat-map")
        await browser.close()


async def _shoot(preview: simcord.Preview, page: Page, subject: Page | Locator, name: str) -> None:
    """Wait until the page is up to date, and take a screenshot of it, or of a part, in light and in dark mode."""
    for scheme, suffix in (("light", ""), ("dark", "-dark")):
        await page.emulate_media(color_scheme=scheme)
        await preview.refresh()
        await page.wait_for_timeout(1500)
        await page.locator("#preview-app[aria-busy=false]").wait_for()  # until pictures and fonts are loaded
        path = FOLDER / f"{name}{suffix}.png"
        await subject.screenshot(path=path)
        if notice := await page.locator("#notice").text_content():
            raise RuntimeError(f"Take the screenshots again: the page was interrupted during {name}: {notice}")
        print(path)


if __name__ == "__main__":
    asyncio.run(take_all())
