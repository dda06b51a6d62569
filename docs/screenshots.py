"""Take the pictures of README.md and docs/commands.md, in light and in dark: the demo, seen in headless Chromium.

    pip install -e '.[screenshots]'
    python docs/screenshots.py

Chromium is the one in PATH, or the one that `playwright install chromium` brings.
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
"""The window for an answer of the bot: it holds the longest, for to take a longer one Chromium would resize it, which
the page answers in the middle of the picture."""
TEXT = "great job breaking the build again, genius"
"""Praise that is not meant: the RNN believes it, the BiLSTM changes its mind at *genius*."""


async def take_all() -> None:
    """One picture after the other, in one conversation."""
    async with (
        simulation.opened(load_configuration()) as demo,
        demo_page.served(demo) as url,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = await browser.new_page(viewport=PAGE, device_scale_factor=1.5)
        await page.goto(url)
        await page.wait_for_timeout(3000)  # the page tells its size first, and must not be interrupted in that
        preview, (lounge, match_day) = demo.preview, demo.channels
        you = preview.viewers[0]
        await page.get_by_role("button", name="match-day").click()
        await page.get_by_text("see you all on Saturday").last.wait_for()
        async with demo.turn(None):
            await you.send(match_day, "I can't believe we won, this is amazing!")
        await _shoot(preview, page, page, "demo")
        await page.get_by_role("button", name="lounge").click()
        await page.get_by_text("What Emobot thinks").click()  # which folds it
        await page.set_viewport_size(ANSWER)
        await page.wait_for_timeout(3000)  # again it tells its size
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


async def _shoot(preview: simcord.Preview, page: Page, what: Page | Locator, name: str) -> None:
    """Wait until the page shows what there is, and keep how it, or a message of it, looks in light and in dark."""
    for scheme, suffix in (("light", ""), ("dark", "-dark")):
        await page.emulate_media(color_scheme=scheme)
        await preview.refresh()
        await page.wait_for_timeout(1500)
        await page.locator("#preview-app[aria-busy=false]").wait_for()  # pictures and fonts
        path = FOLDER / f"{name}{suffix}.png"
        await what.screenshot(path=path)
        if notice := await page.locator("#notice").text_content():
            raise RuntimeError(f"Take the pictures again, as the page was interrupted in that of {name}: {notice}")
        print(path)


if __name__ == "__main__":
    asyncio.run(take_all())
