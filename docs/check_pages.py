"""Check the study's interactive pages in headless Chromium, for desktop and phone, in light and dark mode.

    pip install -e '.[pages,screenshots]'
    python train.py study --pages
    python docs/check_pages.py

A page must load nothing, fit into the window, show the keyboard focus, and change when a control is changed with the
keyboard. Screenshots are written to build/screenshots, for people to look at.
"""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "study" / "pages"
SCREENSHOTS = ROOT / "build" / "screenshots"
WINDOWS: dict[str, ViewportSize] = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    """Check all pages.

    Raises:
        RuntimeError: a page has a problem.
    """
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for file in sorted(PAGES.glob("*.html")):
            for window, scheme in product(WINDOWS, SCHEMES):
                if problems := _check_page(browser, file, window, scheme):
                    raise RuntimeError(f"{file.name}, {window}, {scheme}: " + "; ".join(problems))
            print(file)
        browser.close()


def _check_page(browser: Browser, file: Path, window: str, scheme: Literal["light", "dark"]) -> list[str]:
    """Take screenshots of a page, before and after each control was used; return the problems found."""
    page = browser.new_page(viewport=WINDOWS[window], color_scheme=scheme)
    problems: list[str] = []
    page.on("request", lambda request: problems.append(f"loads {request.url}"))
    page.on("console", lambda message: problems.append(f"logs {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"fails: {error}"))
    page.goto(file.as_uri())
    problems.remove(f"loads {file.as_uri()}")
    if file.name != "index.html":
        page.locator("#chart svg").wait_for()
    problems += _check_width(page)
    page.screenshot(path=SCREENSHOTS / f"{file.stem}-{window}-{scheme}.png", full_page=True)
    problems += _check_keyboard(page)
    page.screenshot(path=SCREENSHOTS / f"{file.stem}-{window}-{scheme}-keyboard.png", full_page=True)
    page.close()
    return problems


def _check_width(page: Page) -> list[str]:
    """Return a problem if the page is wider than the window."""
    excess = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"is {excess} px wider than the window"] if excess > 0 else []


def _check_keyboard(page: Page) -> list[str]:
    """Change each control with the keyboard; return the problems found."""
    problems = []
    controls = page.locator("#controls :is(select, input)").count()
    page.keyboard.press("Tab")  # the link to the list of figures
    for number in range(controls):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.closest('label')?.innerText")
        if page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "none":
            problems.append(f"does not show the keyboard focus on control {number + 1}, {name}")
        before = page.evaluate("[document.activeElement.value, document.querySelector('svg').outerHTML].join()")
        for key in ("ArrowDown", "ArrowUp"):  # at either end of its range, a control changes with only one of them
            page.keyboard.press(key)
            page.wait_for_timeout(300)
            after = page.evaluate("[document.activeElement.value, document.querySelector('svg').outerHTML].join()")
            if after != before:
                break
        else:
            problems.append(f"does not change with control {number + 1}, {name}")
    if controls:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # opens the tables
        if not page.locator("table").first.locator("td").first.is_visible():
            problems.append("has no table")
    return problems


if __name__ == "__main__":
    main()
