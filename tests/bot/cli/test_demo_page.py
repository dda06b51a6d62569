from __future__ import annotations

import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import aiohttp
import pytest
import simcord
from yarl import URL

from bot.cli import demo_page, simulation
from bot.configuration import Configuration
from tests.bot.scripted import SCRIPT, ScriptedClassifier

NEEDED = "it needs a browser: pip install -e '.[screenshots]' && playwright install chromium"


@asynccontextmanager
async def served() -> AsyncIterator[tuple[simcord.Preview, URL]]:
    """SimCord's page of the demo, and the address of ours; no fixture, as SimCord must end where it has begun."""
    models = {"rnn": ScriptedClassifier(SCRIPT), "bilstm": ScriptedClassifier(SCRIPT)}
    async with simulation.opened(Configuration(), models=models) as preview, demo_page.served(preview.url) as url:
        yield preview, URL(url)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@asynccontextmanager
async def seen_in_chromium(url: URL, width: int, height: int) -> AsyncIterator[Any]:
    """Playwright's page of an address, in the Chromium of PATH or in its own; skips the test where there is none."""
    playwright_api = pytest.importorskip("playwright.async_api", reason=NEEDED)
    async with playwright_api.async_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which(playwright.chromium.executable_path)
        if not program:
            pytest.skip(NEEDED)
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": width, "height": height})
        await page.goto(str(url))
        yield page
        await browser.close()


async def test_the_page_bears_our_name(session: aiohttp.ClientSession) -> None:
    async with served() as (_, url):
        async with session.get(url) as response:
            html = await response.text()
        assert "<title>Emobot – the demo</title>" in html
        assert "<strong>Emobot</strong>" in html
        assert "SimCord" not in html
        for path in re.findall(r'(?:href|src)="(/[^"]+)"', html):
            async with session.get(url.with_path(path)) as response:
                assert response.status == 200


def test_what_is_replaced_hidden_and_scrolled_is_still_there_in_simcord() -> None:
    theirs = files("simcord.preview").joinpath("static", "index.html").read_text("utf-8")
    assert [text for text in demo_page._REPLACEMENTS if text not in theirs] == []
    ours = "".join(files("bot.cli").joinpath("page", name).read_text("utf-8") for name in ("emobot.css", "emobot.js"))
    ids = re.findall(r'#([a-z][a-z-]+)|getElementById\("([a-z-]+)"\)', ours)
    assert len(ids) > 8
    assert [name for pair in ids for name in pair if name and f'id="{name}"' not in theirs] == []


async def test_simcord_answers_through_it_to_who_has_the_key_and_comes_from_this_page(
    session: aiohttp.ClientSession,
) -> None:
    async with served() as (_, url):
        pages, key = url.with_path("/api/pages"), {"X-Simcord-Capability": url.fragment}
        for headers, status in (
            (key, 200),
            ({**key, "Origin": str(url.origin())}, 200),
            ({**key, "Origin": f"http://localhost:{url.port}"}, 200),
            ({**key, "Origin": "http://example.org"}, 401),
            ({**key, "Origin": f"http://example.org:{url.port}"}, 401),
            ({**key, "Host": f"example.org:{url.port}"}, 401),
            ({}, 401),
        ):
            async with session.post(pages, json={}, headers=headers) as response:
                assert response.status == status, headers
        async with session.get(url, headers={"Host": f"example.org:{url.port}"}) as response:
            assert response.status == 403


async def test_a_page_whose_demo_has_ended_is_told_so(session: aiohttp.ClientSession) -> None:
    async with served() as (preview, url):
        await preview.close()
        async with session.get(url.with_path("/api/state")) as response:
            assert response.status == 410


async def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(demo_page.PortTakenError, match=f"Port {port} is taken"):
            async with demo_page.served("http://127.0.0.1:9/#key", port):
                pass


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 640), (390, 844)])
async def test_the_newest_message_and_its_reaction_are_in_sight(width: int, height: int) -> None:
    async with served() as (_, url), seen_in_chromium(url, width, height) as page:
        newest = page.locator("#channel-message-list > article:last-child")
        await _comes_into_sight(page, newest.get_by_text("nothing you write is kept"))
        for number in range(4):
            await page.get_by_role("textbox", name="Message").fill(f"so happy, {number} times over")
            await page.keyboard.press("Enter")
            await _comes_into_sight(page, newest.get_by_text(f"{number} times over"))
            if number == 0:
                await _comes_into_sight(page, newest.locator(".reaction-chip"))
        await page.get_by_label("Viewing as").select_option("Maya")
        await _comes_into_sight(page, newest.get_by_text("3 times over"))


async def _comes_into_sight(page: Any, what: Any) -> None:
    """Wait until something stands wholly between the top of the conversation and the field to write in."""
    await what.wait_for()
    for _ in range(50):
        box = await what.bounding_box()
        above = await page.locator("#channel-timeline").bounding_box()
        below = await page.locator("#channel-composer").bounding_box()
        if box and above and below and above["y"] <= box["y"] and box["y"] + box["height"] <= below["y"]:
            return
        await page.wait_for_timeout(100)
    pytest.fail(f"{box} is not between {above} and {below}")
