from __future__ import annotations

import errno
import logging
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.cli import demo_page, simulation
from bot.cli.demo_visits import Demo
from bot.configuration import Configuration
from bot.reactions.gate import NOT_TO_BE_READ
from tests.bot.support import PREDICTIONS, StubClassifier

pytestmark = pytest.mark.usefixtures("quick_demo")

SKIP_REASON = "it needs a browser: pip install -e '.[screenshots]' && playwright install chromium"
SIZES = ((1024, 640), (390, 844))  # in the other tests it is 1280 pixels wide
TYPE_ON_ARRIVAL_SCRIPT = """() => {
  const field = document.querySelector("#channel-composer textarea");
  const type = () => field.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
  new MutationObserver(type).observe(document.getElementById("channel-message-list"), { childList: true });
}"""
LOW_CONTRAST_SCRIPT = Path(__file__).with_name("contrast.js").read_text("utf-8")


@asynccontextmanager
async def serve() -> AsyncIterator[tuple[Demo, URL]]:
    """Yield the demo and the address of its page; not a fixture, because SimCord must end in the task that began it."""
    models = {"rnn": StubClassifier(PREDICTIONS), "bilstm": StubClassifier(PREDICTIONS)}
    async with simulation.open_demo(Configuration(), models=models) as demo, demo_page.serve(demo) as url:
        yield demo, URL(url)


class Visitor:
    """A page of the demo, as a browser that sends the same requests."""

    def __init__(self, session: aiohttp.ClientSession, url: URL) -> None:
        self._session = session
        self._url = url
        self.headers = {"X-Simcord-Capability": url.fragment}

    async def open(self) -> None:
        state = await self.post("/api/pages")
        self.headers["X-Simcord-Context"] = state["context"]["id"]

    async def state(self) -> Any:
        async with self._session.get(self._url.with_path("/api/state"), headers=self.headers) as response:
            return await response.json()

    async def messages(self) -> Any:
        state = await self.state()
        return [state["messages"][message] for message in state["timeline"]]

    async def act(self, kind: str, **body: object) -> Any:
        state = await self.state()
        sequence = state["lastAction"]["sequence"] + 1 if state["lastAction"] else 1
        envelope = {
            "protocol_version": 3,
            "kind": kind,
            "request_id": str(sequence),
            "sequence": sequence,
            "generation": state["context"]["generation"],
            "bot_generation": state["botGeneration"],
            "published_revision": state["publishedRevision"],
        }
        receipt = await self.post("/api/action", **envelope, **body)
        assert receipt["settlement"] == "settled", receipt
        return receipt

    async def post(self, path: str, **body: object) -> Any:
        async with self._session.post(self._url.with_path(path), json=body, headers=self.headers) as response:
            assert response.status == 200
            return await response.json()


@asynccontextmanager
async def visit(url: URL, pages: int = 1) -> AsyncIterator[list[Visitor]]:
    """Yield several open pages of the demo."""
    async with aiohttp.ClientSession() as session:
        visitors = [Visitor(session, url) for _ in range(pages)]
        for visitor in visitors:
            await visitor.open()
        yield visitors


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """Yield Playwright's browser, the Chromium on PATH or its own; skip the test if there is neither."""
    playwright_api = pytest.importorskip("playwright.async_api", reason=SKIP_REASON)
    async with playwright_api.async_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which(playwright.chromium.executable_path)
        if not program:
            pytest.skip(SKIP_REASON)
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def open_page(browser: Any, url: URL, width: int, height: int) -> Any:
    """Return a page of the demo in a window of this size."""
    page = await browser.new_page(viewport={"width": width, "height": height})
    await page.goto(str(url))
    return page


async def test_page_title_is_emobot(session: aiohttp.ClientSession) -> None:
    async with serve() as (_, url):
        async with session.get(url) as response:
            html = await response.text()
        assert "<title>Emobot – the demo</title>" in html
        assert "<strong>Emobot</strong>" in html
        assert "SimCord" not in html
        for path in re.findall(r'(?:href|src)="(/[^"]+)"', html):
            async with session.get(url.with_path(path)) as response:
                assert response.status == 200


def test_elements_that_our_script_changes_exist_in_simcord() -> None:
    theirs = files("simcord.preview").joinpath("static", "index.html").read_text("utf-8")
    assert [text for text in demo_page._REPLACEMENTS if text not in theirs] == []
    shown = demo_page.our_page(theirs)
    ours = "".join(file.read_text("utf-8") for file in files("bot.cli").joinpath("page").iterdir())
    ids = re.findall(r'(?m)^#([a-z][a-z-]+)|getElementById\("([a-z-]+)"\)', ours)
    assert len(ids) > 8
    assert [name for pair in ids for name in pair if name and f'id="{name}"' not in shown] == []


async def test_proxy_answers_only_requests_with_the_key_and_from_this_page(
    session: aiohttp.ClientSession,
) -> None:
    async with serve() as (_, url):
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


async def test_page_is_told_when_the_demo_has_ended(session: aiohttp.ClientSession) -> None:
    async with serve() as (demo, url):
        await demo.preview.close()
        async with session.get(url.with_path("/api/state")) as response:
            assert response.status == 410


async def test_port_in_use_is_reported() -> None:
    demo: Any = SimpleNamespace(preview=SimpleNamespace(url="http://127.0.0.1:9/#key"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(demo_page.PortError, match=f"Port {port} is taken"):
            async with demo_page.serve(demo, port):
                pass


async def test_privileged_port_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_site: web.TCPSite) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(web.TCPSite, "start", start)
    demo: Any = SimpleNamespace(preview=SimpleNamespace(url="http://127.0.0.1:9/#key"))
    with pytest.raises(demo_page.PortError, match="Port 80 may not be opened: choose another one with --port"):
        async with demo_page.serve(demo, 80):
            pass


async def test_changing_the_channel_affects_what_is_shown_and_written() -> None:
    async with serve() as (demo, url), visit(url, 2) as (moving, staying):
        match_day = demo.channels[1]
        await moving.post("/demo/channel", channel=str(match_day.id))
        await moving.act("viewer", viewer_id=(await moving.state())["viewerId"])
        state = await moving.state()
        assert state["channel"]["name"] == "match-day"
        assert len(state["messages"]) == len(match_day.history())
        await staying.act("send_message", content="hello to all")
        await moving.act("send_message", content="what a match")
        assert (await staying.state())["channel"]["name"] == "lounge"
        assert [channel.history()[-1].content for channel in demo.channels] == ["hello to all", "what a match"]


async def test_requests_without_the_key_are_refused(
    session: aiohttp.ClientSession,
) -> None:
    async with serve() as (demo, url), visit(url) as [visitor]:
        path, body = url.with_path("/demo/channel"), {"channel": str(demo.channels[1].id)}
        for headers, status in (
            (visitor.headers, 200),
            ({**visitor.headers, "Origin": "http://example.org"}, 401),
            ({**visitor.headers, "X-Simcord-Capability": ""}, 401),
            ({**visitor.headers, "X-Simcord-Context": "no page"}, 401),
        ):
            async with session.post(path, json=body, headers=headers) as response:
                assert response.status == status, headers


async def test_message_menu_commands_are_answered_privately() -> None:
    async with serve() as (demo, url), visit(url) as [visitor]:
        happy = demo.channels[0].history()[0]
        answers = {
            "Compare emotions": "They agree on **joy**",
            "Take the reaction back": "Reaction removed.",
            "Was this right?": "I hear **joy** 😃 in that message.",
            "Why?": "Someone removed my reaction, so I add no other.",
        }
        assert sorted(answers) == sorted(demo.commands)
        for command, answer in answers.items():
            await visitor.post("/demo/command", message=str(happy.id), command=command)
            newest = (await visitor.messages())[-1]
            assert newest["ephemeral"]
            assert answer in str(newest), command
        assert len(await visitor.messages()) - len(demo.channels[0].history(viewer=demo.preview.viewers[1])) == 4


async def test_only_the_cross_of_the_author_takes_the_reaction_back() -> None:
    async with serve() as (demo, url), visit(url) as [visitor]:
        first, lounge = demo.channels[0].history()[0], demo.channels[0]
        _you, _maya, jonas, _priya = demo.preview.viewers
        await visitor.act("viewer", viewer_id=str(jonas.id))
        await visitor.post("/demo/reaction", message=str(first.id), emoji="❌")
        assert [str(reaction.emoji) for reaction in lounge.history()[0].reactions] == ["😃", "❌"]
        await visitor.act("viewer", viewer_id=str(first.author.id))
        await visitor.post("/demo/reaction", message=str(first.id), emoji="❌")
        shown = (await visitor.messages())[0]["reactions"]
        assert [(reaction["emoji"]["name"], reaction["count"]) for reaction in shown] == [("❌", 2)]


async def test_thoughts_have_the_sentences_of_the_menu_why() -> None:
    async with serve() as (demo, url), visit(url) as [visitor]:
        happy, *_, plain, welcome = demo.channels[0].history()
        elsewhere = demo.channels[1].history()[0]
        asked = [str(message.id) for message in (happy, plain, welcome, elsewhere)]
        thoughts = await visitor.post("/demo/thoughts", messages=asked)
        for message in (happy, plain):
            await visitor.post("/demo/command", message=str(message.id), command="Why?")
            assert thoughts[str(message.id)].pop("why") == (await visitor.messages())[-1]["content"]
        assert [thoughts[message] for message in asked] == [
            {
                "author": "Maya",
                "text": happy.content,
                "emotion": "joy",
                "emoji": "😃",
                "certainty": 0.9,
                "required": pytest.approx(0.375),
            },
            {
                "author": "Priya",
                "text": plain.content,
                "emotion": "neutral",
                "emoji": None,
                "certainty": 0.9,
                "required": None,
            },
            None,
            None,
        ]


async def test_thoughts_leave_out_people_who_opted_out() -> None:
    async with serve() as (demo, url), visit(url) as [visitor]:
        happy = demo.channels[0].history()[0]
        await demo.bot.store.opt_out(happy.author.id)
        thoughts = await visitor.post("/demo/thoughts", messages=[str(happy.id)])
        assert thoughts == {str(happy.id): {"author": "Maya", "text": happy.content, "why": NOT_TO_BE_READ}}


async def test_actions_impossible_in_discord_are_refused(session: aiohttp.ClientSession) -> None:
    async with serve() as (demo, url), visit(url) as [visitor]:
        message, elsewhere = (str(channel.history()[0].id) for channel in demo.channels)
        for action, body in (
            ("channel", {"channel": "1"}),
            ("reaction", {"message": "1", "emoji": "❌"}),
            ("reaction", {"message": elsewhere, "emoji": "❌"}),
            ("reaction", {"message": message, "emoji": "words"}),
            ("command", {"message": message, "command": "compare"}),
        ):
            async with session.post(url.with_path(f"/demo/{action}"), json=body, headers=visitor.headers) as response:
                assert response.status == 404, body


async def test_malformed_requests_are_refused_in_one_sentence_without_a_line_in_the_log(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as (demo, url), visit(url) as [visitor]:
        message = str(demo.channels[0].history()[0].id)
        unusable = (
            b"",
            b"{",
            b"\xff",
            b"[" * 100_000,
            b"null",
            b"[]",
            b"{}",
            b'{"channel": null, "message": null, "messages": null}',
            b'{"channel": "x", "message": "x", "messages": ["x"], "emoji": "x", "command": "x"}',
            b'{"channel": 1e999, "message": 1e999, "messages": [1e999], "emoji": "x", "command": "x"}',
            f'{{"channel": [], "message": {message}, "messages": 1, "emoji": [], "command": {{}}}}'.encode(),
            b'{"channel": %s, "message": %s, "messages": [%s]}' % ((b"9" * 5000,) * 3),
        )
        requests = [
            *((f"/demo/{action}", {}, body, 400) for action in demo_page._ACTIONS for body in unusable),
            ("/api/pages", {}, b"[" * 100_000, 400),
            ("/demo/channel", {"Content-Type": "text/plain; charset=none"}, b"{}", 400),
            ("/demo/channel", {"Content-Encoding": "gzip", "Connection": "close"}, b"{}", 400),
            ("/demo/channel", {}, BytesIO(bytes(demo_page._MAX_REQUEST_SIZE + 1)), 413),
            ("/api/state", {}, BytesIO(bytes(demo_page._MAX_REQUEST_SIZE)), 405),
            ("/demo/none", {}, b"{}", 404),
            ("//none", {}, b"{}", 404),
        ]
        for path, headers, body, status in requests:
            address = URL(f"{url.origin()}{path}", encoded=True)
            async with session.post(address, data=body, headers=visitor.headers | headers) as response:
                assert response.status == status, (path, body)
                assert "\n" not in await response.text()
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.usefixtures("avatars")
async def test_newest_message_and_its_reaction_are_visible_in_windows_of_any_size() -> None:
    async with serve() as (_, url), chromium() as browser:
        for width, height in SIZES:
            page = await open_page(browser, url, width, height)
            newest = page.locator("#channel-message-list > article:last-child")
            await _wait_until_visible(page, newest.locator(".message-content > *").last)
            for text in (f"so happy in {width} pixels", "and more of it"):
                await _say(page, text)
                await _wait_until_visible(page, newest.get_by_text(text))
                if "happy" in text:
                    await _wait_until_visible(page, newest.locator(".reaction-chip"))
                    await _assert_thoughts_shown(page, text)
            await page.get_by_label("Viewing as").select_option("Maya")
            await _wait_until_visible(page, newest.get_by_text("and more of it"))
            channels = page.get_by_role("navigation", name="Channels")
            await channels.get_by_role("button", name="match-day").click()
            await _wait_until_visible(page, newest.get_by_text("see you all on Saturday"))
            assert await channels.locator("[aria-current=true]").text_content() == "match-day"
            await page.get_by_role("textbox", name="Message").fill("/compare")
            await page.get_by_role("option", name="/compare").click()
            cross = await page.get_by_role("button", name="Exit command mode").bounding_box()
            assert cross["x"] + cross["width"] <= width
            await page.close()


@pytest.mark.slow
async def test_answer_is_visible_to_a_user_who_goes_on_writing() -> None:
    async with serve() as (_, url), chromium() as browser:
        page = await open_page(browser, url, 1280, 640)
        newest = page.locator("#channel-message-list > article:last-child")
        await _wait_until_visible(page, newest.locator(".message-content > *").last)
        await page.evaluate(TYPE_ON_ARRIVAL_SCRIPT)
        await page.get_by_role("textbox", name="Message").fill("/privacy")
        await page.get_by_role("option", name="/privacy").click()
        await page.keyboard.press("Enter")
        await _wait_until_visible(page, newest.get_by_role("button", name="Opt out"))


@pytest.mark.slow
@pytest.mark.usefixtures("avatars")
async def test_address_without_the_key_is_answered_with_what_to_open() -> None:
    async with serve() as (_, url), chromium() as browser:
        page = await open_page(browser, url.with_fragment(None), 1280, 800)
        advice = page.get_by_text(
            "Open the whole address that python -m bot demo printed, including what follows the #."
        )
        await advice.wait_for()
        await page.goto(str(url))
        await page.locator("#channel-message-list > article").first.wait_for()
        assert not await advice.is_visible()


async def _say(page: Any, text: str) -> None:
    """Write a message; SimCord ignores an Enter that arrives while the page reports its new size."""
    field = page.get_by_role("textbox", name="Message")
    await field.fill(text)
    while await field.input_value():
        await page.keyboard.press("Enter")
        await page.wait_for_timeout(100)


async def _assert_thoughts_shown(page: Any, text: str) -> None:
    """Check the panel: beside the conversation in a wide window, below it and folded in a narrow one."""
    thought, summary = page.locator(".thought").filter(has_text=text), page.get_by_text("What Emobot thinks")
    await thought.wait_for(state="attached")
    conversation, window = page.locator("#preview-stage"), page.viewport_size
    if window["width"] < 900:
        assert not await thought.is_visible()
        await summary.get_by_text("😃 joy 90%").wait_for()
        await summary.click()
    await thought.get_by_text("I reacted with 😃.").wait_for()
    chat, panel = await conversation.bounding_box(), await page.locator("#thoughts").bounding_box()
    if window["width"] < 900:
        assert panel["y"] >= chat["y"] + chat["height"]
    else:
        assert panel["x"] >= chat["x"] + chat["width"]
    assert panel["x"] + panel["width"] <= window["width"]
    assert panel["y"] + panel["height"] <= window["height"]
    await summary.click()
    await thought.wait_for(state="hidden")


@pytest.mark.slow
@pytest.mark.usefixtures("avatars")
async def test_message_menu_works_by_mouse_and_keyboard_and_updates_the_panel() -> None:
    async with serve() as (demo, url), chromium() as browser:
        page = await open_page(browser, url, 1280, 800)
        first, newest = (
            page.locator(f"#channel-message-list > article:{place}-of-type") for place in ("first", "last")
        )
        await first.click(button="right")
        await page.get_by_role("menuitem", name="Why?").click()
        await newest.get_by_text("I reacted with 😃").wait_for()
        await newest.get_by_text("Only you can see this").wait_for()
        assert await newest.get_by_role("button").count() == 0
        async with demo.turn(None):
            await demo.preview.viewers[0].slash(demo.channels[0], "about")  # its box is an <article> as well
        await demo.preview.refresh()
        await newest.get_by_text("What people say").wait_for()
        assert await newest.locator(".open-menu").count() == 0
        button = first.get_by_role("button", name="Reactions and apps for Maya's message")
        await button.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        assert await button.evaluate("button => button === document.activeElement")
        for key in ("Enter", "ArrowUp", "ArrowDown", "ArrowRight", "Enter"):
            await page.keyboard.press(key)
        await first.get_by_role("button", name="👍").wait_for()
        await first.click(button="right")
        await page.get_by_role("menuitem", name="React with ❌").click()
        await first.get_by_role("button", name="❌").wait_for()
        assert await first.get_by_role("button", name="😃").count() == 0
        thought = page.locator(".thought").last
        await thought.get_by_text("Someone removed my reaction, so I add no other.").wait_for()
        await page.get_by_role("button", name="match-day").click()
        await _wait_until_visible(page, newest.get_by_text("see you all on Saturday"))
        await thought.get_by_role("button", name="Jonas My own prediction was so wrong").click()
        await _wait_until_visible(page, first.get_by_text("My own prediction was so wrong"))


@pytest.mark.slow
@pytest.mark.usefixtures("avatars")
async def test_text_has_enough_contrast_in_light_and_dark() -> None:
    async with serve() as (demo, url), chromium() as browser:
        page, you = await open_page(browser, url, 1280, 1000), demo.preview.viewers[0]
        await page.locator("article").get_by_text("nothing you write is kept").wait_for()
        for name, options in (("compare", {"text": "so happy"}), ("settings", {}), ("privacy", {})):
            async with demo.turn(None):
                await you.slash(demo.channels[0], name, **options)
        await demo.preview.refresh()
        await page.get_by_role("button", name="Opt out").wait_for()
        await _assert_readable(page, "Liveliness")
        await page.locator("#preview-app[aria-busy=false]").wait_for()  # an update would close the list again
        await page.locator(".select-trigger").first.click()
        await _assert_readable(page, "even on a good guess")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Try a variation").click()
        await _assert_readable(page, "Change a word")
        await page.keyboard.press("Escape")
        await page.locator("article").first.click(button="right")
        await _assert_readable(page, "Was this right?")
        await page.keyboard.press("Escape")
        await page.get_by_role("textbox", name="Message").fill("/")
        await _assert_readable(page, "See a picture of the mood")


async def _assert_readable(page: Any, what: str) -> None:
    """Check the contrast of the page in both colour schemes, once it shows the given text."""
    await page.locator(f"text={what} >> visible=true").first.wait_for()
    for scheme, (darkest, lightest) in {"light": (0.8, 1.0), "dark": (0.0, 0.1)}.items():
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = await page.evaluate(LOW_CONTRAST_SCRIPT)
        assert what in found["seen"]
        assert found["hard"] == [], scheme
        assert darkest <= found["luminance"] <= lightest


async def _wait_until_visible(page: Any, what: Any) -> None:
    """Wait until an element is wholly between the top of the conversation and the input field."""
    await what.wait_for()
    for _ in range(50):
        box = await what.bounding_box()
        above = await page.locator("#channel-timeline").bounding_box()
        below = await page.locator("#channel-composer").bounding_box()
        if box and above and below and above["y"] <= box["y"] and box["y"] + box["height"] <= below["y"]:
            return
        await page.wait_for_timeout(100)
    pytest.fail(f"{box} is not between {above} and {below}")
