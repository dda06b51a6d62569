from __future__ import annotations

import asyncio

import aiohttp
import pytest
import simcord
from simcord.preview import _require_preview_runtime

from bot import Emobot, create_bot, demo
from bot.settings import Settings
from classifiers import EMOJI, MissingExtraError
from tests.bot.scripted import SCRIPT, ScriptedClassifier, believing


@pytest.fixture
def bot() -> Emobot:
    script = {**SCRIPT, "job": believing(joy=0.9), "Congratulations": believing(admiration=0.9)}
    models = {"rnn": ScriptedClassifier(script), "bilstm": ScriptedClassifier(script)}
    return create_bot(Settings(), models=models)


async def test_a_conversation_to_which_the_bot_has_reacted(bot: Emobot) -> None:
    async with demo.opened(bot) as preview:
        *messages, welcome = preview.channel.history()
        assert [message.content for message in messages] == [text for _, text in demo.CONVERSATION]
        assert [[str(reaction.emoji) for reaction in message.reactions] for message in messages[:2]] == [
            ["😃"],
            ["👏"],
        ]
        assert len({message.author.id for message in messages}) > 1
        assert (welcome.content, welcome.author.name) == (demo.WELCOME, "Emobot")


async def test_its_page_is_served_on_this_machine_only_and_not_for_longer(bot: Emobot) -> None:
    async with aiohttp.ClientSession() as session:
        async with demo.opened(bot) as preview:
            url = preview.url
            assert url.startswith("http://127.0.0.1:")
            async with session.get(url) as page:
                assert page.status == 200
                assert "<html" in await page.text()
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)


async def test_visitors_are_reacted_to_and_can_compare(bot: Emobot) -> None:
    async with demo.opened(bot) as preview:
        you = preview.viewers[0]
        assert you.user.global_name == "You"
        await you.send(preview.channel, "so happy")
        shown = await preview.snapshot()
        newest = shown["messages"][shown["messageIndex"][-1]["id"]]
        assert newest["reactions"]
        assert you.available_commands(preview.channel) == ("compare",)
        result = await you.slash(preview.channel, "compare", text="so happy")
        assert result.response
        assert result.response.embeds


async def test_it_ends_when_it_is_closed_in_the_browser(
    bot: Emobot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[simcord.Preview] = []
    wait_closed = simcord.Preview.wait_closed

    async def close_then_wait(preview: simcord.Preview) -> None:
        opened.append(preview)
        await preview.close()
        await wait_closed(preview)

    monkeypatch.setattr(simcord.Preview, "wait_closed", close_then_wait)
    await asyncio.wait_for(demo.run(bot, 0), 20)
    assert capsys.readouterr().out.startswith("Emobot is waiting for you at http://127.0.0.1:")
    assert bot.is_closed()
    assert len(opened) == 1


async def test_half_of_the_extra_is_not_enough(bot: Emobot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simcord.preview._PREVIEW_RUNTIME_MODULES", ("no_such_module",))
    _require_preview_runtime.cache_clear()
    with pytest.raises(MissingExtraError, match="The demo needs more packages"):
        async with demo.opened(bot):
            pass
    _require_preview_runtime.cache_clear()


async def test_the_shipped_weights_make_a_lively_demo() -> None:
    bot = create_bot()
    async with demo.opened(bot) as preview:
        *messages, _welcome = preview.channel.history()
        emoji = [str(reaction.emoji) for message in messages for reaction in message.reactions]
        assert set(emoji) <= set(EMOJI.values())
        assert len(set(emoji)) >= 4
        assert len(emoji) < len(messages)  # it can also be silent
