"""Look at the pictures to explore in headless Chromium, on a desk and on a phone, in light and in dark.

    pip install -e '.[pages,screenshots]'
    python train.py study --pages
    python docs/look_at_pages.py

Each page must load nothing, fit the window, show where the keyboard is, and change when a control is changed by
keyboard. Screenshots are kept in build/looks, for people to look at.
"""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "study" / "pages"
LOOKS = ROOT / "build" / "looks"
WINDOWS: dict[str, ViewportSize] = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    """Look at all pages.

    Raises:
        RuntimeError: a page does not do what it should.
    """
    LOOKS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for file in sorted(PAGES.glob("*.html")):
            for window, scheme in product(WINDOWS, SCHEMES):
                if wrong := _look_at(browser, file, window, scheme):
                    raise RuntimeError(f"{file.name}, {window}, {scheme}: " + "; ".join(wrong))
            print(file)
        browser.close()


def _look_at(browser: Browser, file: Path, window: str, scheme: Literal["light", "dark"]) -> list[str]:
    """Take pictures of a page, at first and after each control was used; return what is wrong with it."""
    page = browser.new_page(viewport=WINDOWS[window], color_scheme=scheme)
    noted: list[str] = []
    page.on("request", lambda request: noted.append(f"loads {request.url}"))
    page.on("console", lambda message: noted.append(f"says {message.text}"))
    page.on("pageerror", lambda error: noted.append(f"fails: {error}"))
    page.goto(file.as_uri())
    noted.remove(f"loads {file.as_uri()}")
    if file.name != "index.html":
        page.locator("#chart svg").wait_for()
    noted += _seen(page)
    page.screenshot(path=LOOKS / f"{file.stem}-{window}-{scheme}.png", full_page=True)
    noted += _by_keyboard(page)
    page.screenshot(path=LOOKS / f"{file.stem}-{window}-{scheme}-by-keyboard.png", full_page=True)
    page.close()
    return noted


def _seen(page: Page) -> list[str]:
    """Return what is wrong with the page as it is shown at first."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"is {wide} px wider than the window"] if wide > 0 else []


def _by_keyboard(page: Page) -> list[str]:
    """Change each control by keyboard; return what is wrong."""
    wrong = []
    controls = page.locator("#controls :is(select, input)").count()
    page.keyboard.press("Tab")  # the link to all pictures
    for number in range(controls):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.closest('label')?.innerText")
        if page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "none":
            wrong.append(f"does not show that the keyboard is at control {number + 1}, {name}")
        before = page.evaluate("[document.activeElement.value, document.querySelector('svg').outerHTML].join()")
        for key in ("ArrowDown", "ArrowUp"):  # one of them is enough, wherever the control begins
            page.keyboard.press(key)
            page.wait_for_timeout(300)
            after = page.evaluate("[document.activeElement.value, document.querySelector('svg').outerHTML].join()")
            if after != before:
                break
        else:
            wrong.append(f"does not change with control {number + 1}, {name}")
    if controls:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # unfolds the tables
        if not page.locator("table").first.locator("td").first.is_visible():
            wrong.append("has no table")
    return wrong


if __name__ == "__main__":
    main()
