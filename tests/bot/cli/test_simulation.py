from __future__ import annotations

import asyncio
import re
import time
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import simcord
from simcord.preview import _require_preview_runtime

from bot.analysis.analyzer import Analyzer
from bot.cli import demo_content, simulation
from bot.configuration import Configuration
from bot.reactions.outcomes import Outcome
from bot.ui.card import draw_card
from classifiers import EMOJI, Classifier, MissingExtraError, Prediction
from tests.bot.interactions import panel_text
from tests.bot.support import PREDICTIONS, StubClassifier, prediction_of, reactions_of

pytestmark = pytest.mark.usefixtures("quick_demo")


@pytest.fixture
def stub_models() -> dict[str, Classifier]:
    predictions = {**PREDICTIONS, "job": prediction_of(joy=0.9), "Congratulations": prediction_of(admiration=0.9)}
    return {"rnn": StubClassifier(predictions), "bilstm": StubClassifier(predictions)}


async def test_demo_starts_with_a_conversation_and_reactions(stub_models: dict[str, Classifier]) -> None:
    async with simulation.open_demo(Configuration(), models=stub_models) as demo:
        *messages, welcome = demo.channels[0].history()
        assert [message.content for message in messages] == [line.text for line in demo_content.QUIET]
        assert [[str(reaction.emoji) for reaction in message.reactions] for message in messages[:2]] == [
            ["😃"],
            ["👏"],
        ]
        assert len({message.author.id for message in messages}) > 1
        assert len({f"{message.created_at:%H:%M}" for message in messages}) == len(messages)
        assert (welcome.content, welcome.author.name) == (demo_content.WELCOME, "Emobot")


async def test_messages_are_read_at_once_not_in_batches(
    stub_models: dict[str, Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(Analyzer)["__init__"].__kwdefaults__, "batch_delay", 3600.0)
    async with simulation.open_demo(Configuration(), models=stub_models) as demo:
        you, channel = demo.preview.viewers[0], demo.channels[0]
        for _ in range(2):  # the second is read for the mood alone
            await you.send(channel, "so happy")
        assert reactions_of(demo.bot).outcomes[Outcome.COOLING_DOWN]


@pytest.mark.usefixtures("avatars")
async def test_everybody_who_writes_has_an_avatar(stub_models: dict[str, Classifier]) -> None:
    async with simulation.open_demo(Configuration(), models=stub_models) as demo:
        shown = (await demo.preview.snapshot())["messages"].values()
        people = {message["author"]["name"]: message["author"]["avatar_available"] for message in shown}
        assert people == {"Maya": True, "Jonas": True, "Priya": True, "Emobot": False}  # the page has the bot's


async def test_page_is_served_on_localhost_while_the_demo_runs(stub_models: dict[str, Classifier]) -> None:
    async with aiohttp.ClientSession() as session:
        async with simulation.open_demo(Configuration(), models=stub_models) as demo:
            url = demo.preview.url
            assert url.startswith("http://127.0.0.1:")
            async with session.get(url) as page:
                assert page.status == 200
                assert "<html" in await page.text()
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)


async def test_visitors_get_reactions_and_can_compare(stub_models: dict[str, Classifier]) -> None:
    async with simulation.open_demo(Configuration(), models=stub_models) as demo:
        you = demo.preview.viewers[0]
        assert you.user.global_name == "You"
        await you.send(demo.channels[0], "so happy")
        shown = await demo.preview.snapshot()
        newest = shown["messages"][shown["messageIndex"][-1]["id"]]
        assert newest["reactions"]
        assert {"compare", "settings"} <= set(you.available_commands(demo.channels[0]))
        result = await you.slash(demo.channels[0], "compare", text="so happy")
        assert result.response
        assert "They agree on **joy**" in panel_text(result.response)


async def test_demo_has_a_week_of_moods_and_pauses_only_briefly(
    stub_models: dict[str, Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = 0.0
    monkeypatch.setattr(simulation, "time", SimpleNamespace(perf_counter=lambda: time.perf_counter() + waited))
    async with simulation.open_demo(Configuration(), models=stub_models) as demo:
        you = demo.preview.viewers[0]
        picture = await you.slash(demo.channels[0], "mood")
        assert picture.response
        assert len(picture.response.attachments) == 1
        await you.send(demo.channels[0], "so happy")
        waited = 2.0  # by the real clock, since the simulated one stands still
        await you.send(demo.channels[0], "so happy")
        assert [len(message.reactions) for message in demo.channels[0].history()[-2:]] == [1, 1]


@pytest.mark.parametrize(
    ("labels", "seen"),
    [(("nice", "toxic"), {"nice", "toxic"}), (("sadness", "joy", "love"), {"sadness", "joy"}), (("love",), {"love"})],
)
async def test_past_moods_use_labels_of_the_model(labels: tuple[str, ...], seen: set[str]) -> None:
    prediction = Prediction(labels, (0.9, *(0.05 for _ in labels[1:])), (0.3,) * len(labels))
    models: dict[str, Classifier] = {"bilstm": StubClassifier({"": prediction}, labels=labels)}
    async with simulation.open_demo(Configuration(), models=models) as demo:
        picture = await demo.preview.viewers[0].slash(demo.channels[0], "mood")
        assert picture.response
        named = re.findall(r"(?:\S+ )?(\w+) \d+%", picture.response.content.split("\n")[1])
        assert set(named) == seen


async def test_demo_ends_when_it_is_closed_in_the_browser(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    previews: list[simcord.Preview] = []
    wait_closed = simcord.Preview.wait_closed

    async def close_then_wait(preview: simcord.Preview) -> None:
        previews.append(preview)
        await preview.close()
        await wait_closed(preview)

    monkeypatch.setattr(simcord.Preview, "wait_closed", close_then_wait)
    await asyncio.wait_for(simulation.run(Configuration(), 0), 20)
    assert capsys.readouterr().out.startswith("Emobot is waiting for you at http://127.0.0.1:")
    [preview] = previews
    assert preview.env.bot.is_closed()


async def test_drawing_is_warmed_up_before_the_address_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed_before = ""

    def draw(*arguments: Any) -> bytes:
        nonlocal printed_before
        printed_before += capsys.readouterr().out
        drawn.append(draw_card(*arguments))
        return drawn[-1]

    drawn: list[bytes] = []
    monkeypatch.setattr(simulation, "draw_card", draw)
    monkeypatch.setattr(simcord.Preview, "wait_closed", simcord.Preview.close)
    await asyncio.wait_for(simulation.run(Configuration(), 0), 20)
    assert drawn
    assert printed_before == ""
    assert "waiting for you" in capsys.readouterr().out


async def test_browser_opens_the_printed_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []
    monkeypatch.setattr(simcord.Preview, "wait_closed", simcord.Preview.close)
    await asyncio.wait_for(simulation.run(Configuration(), 0, urls.append), 20)
    [url] = urls
    assert f"waiting for you at {url}\n" in capsys.readouterr().out


async def test_slow_answers_get_more_time_than_simcord_gives_by_default(
    stub_models: dict[str, Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults: Any = vars(simcord.Env)["__init__"].__kwdefaults__
    monkeypatch.setitem(defaults, "settle_timeout", 5.0)
    async with simulation.open_demo(Configuration(), models=stub_models) as demo:
        assert 5.0 < demo.preview.env.settle_timeout < 15.0


async def test_partly_installed_extra_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simcord.preview._PREVIEW_RUNTIME_MODULES", ("no_such_module",))
    _require_preview_runtime.cache_clear()
    with pytest.raises(MissingExtraError, match="The demo needs more packages"):
        async with simulation.open_demo(Configuration()):
            pass
    _require_preview_runtime.cache_clear()


async def test_shipped_weights_react_in_the_demo() -> None:
    async with simulation.open_demo(Configuration()) as demo:
        *messages, _welcome = demo.channels[0].history()
        emoji = [str(reaction.emoji) for message in messages for reaction in message.reactions]
        assert set(emoji) <= set(EMOJI.values())
        assert len(set(emoji)) >= 4
        assert len(emoji) < len(messages)  # it can also be silent


async def test_bot_holds_back_in_the_busy_channel() -> None:
    async with simulation.open_demo(Configuration()) as demo:
        quiet, busy = ([message.reactions for message in channel.history()] for channel in demo.channels)
        assert sum(map(bool, quiet)) / len(quiet) > 0.6
        assert sum(map(bool, busy)) / len(busy) < 0.4
        assert [reactions for reactions in busy if "❌" in [str(reaction.emoji) for reaction in reactions]] == [busy[0]]
        outcomes = reactions_of(demo.bot).outcomes
        assert outcomes[Outcome.COOLING_DOWN]
        assert outcomes[Outcome.ENOUGH]


async def test_suggested_message_of_the_welcome_gets_a_reaction() -> None:
    [proposed] = re.findall(r"with feeling: \*(.+)\*", demo_content.WELCOME)
    async with simulation.open_demo(Configuration()) as demo:
        await demo.preview.viewers[0].send(demo.channels[0], proposed)
        assert demo.channels[0].history()[-1].reactions


async def test_demo_ignores_where_discord_is_and_how_the_real_bot_is_divided(
    stub_models: dict[str, Classifier],
) -> None:
    configuration = Configuration(
        api_base="http://127.0.0.1:1/api",
        gateway_url="ws://127.0.0.1:1",
        shard_count=4,
        shard_ids=(2, 3),
        dev_guild=5,
        database_url="postgresql+asyncpg://emobot@127.0.0.1:1/emobot",
    )
    async with simulation.open_demo(configuration, models=stub_models) as demo:
        panel = await demo.preview.viewers[0].slash(demo.channels[0], "compare", text="so happy")
        assert panel.response
        assert "They agree" in panel_text(panel.response)
