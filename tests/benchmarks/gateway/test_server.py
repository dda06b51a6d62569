"""The loopback Discord used by bots of discord.py alone, and then by the full bot."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import discord
import pytest
from aiohttp import web

from benchmarks.gateway import LoopbackDiscord, World, only
from bot import create_bot
from classifiers import Classifier
from tests.loopback import Skipper, configured, connected, until


class Greeter(discord.AutoShardedClient):
    """Reacts to each hello, and keeps what it receives."""

    def __init__(self, shards: int = 1) -> None:
        intents = discord.Intents(guilds=True, messages=True, reactions=True, message_content=True)
        super().__init__(intents=intents, shard_count=shards, max_messages=None)
        self.heard: list[str] = []
        self.reactions: list[str] = []

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message.content)
        if message.content == "hello":
            await message.add_reaction("👋")

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        self.reactions.append(str(payload.emoji))


def decompression(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the decompression that discord.py chooses with or without Zstandard installed."""
    with monkeypatch.context() as patch:
        if name == "zlib-stream":
            patch.setitem(sys.modules, "zstandard", None)
        spec = importlib.util.spec_from_file_location("discord.utils_again", discord.utils.__file__)
        assert spec
        assert spec.loader
        utils: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(utils)
    assert name == utils._ActiveDecompressionContext.COMPRESSION_TYPE
    return utils._ActiveDecompressionContext


@pytest.mark.parametrize("compression", ["zlib-stream", "zstd-stream"])
async def test_bot_receives_messages_and_its_own_reaction_with_either_compression(
    loopback: LoopbackDiscord, compression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discord.utils._ActiveDecompressionContext", decompression(compression, monkeypatch))
    bot = Greeter()
    async with connected(bot, loopback):
        message_id = await loopback.say("hello")
        await loopback.say("a" * 2000)
        await until(lambda: len(bot.heard) == 2 and bot.reactions)
    assert bot.heard == ["hello", "a" * 2000]
    assert [(reaction.message_id, reaction.emoji) for reaction in loopback.routes.reactions] == [(message_id, "👋")]
    assert bot.reactions == ["👋"]


@pytest.mark.parametrize("mid_frame", [False, True])
async def test_bot_resumes_after_a_cut_and_gets_each_missed_message_once(
    loopback: LoopbackDiscord, skipper: Skipper, mid_frame: bool
) -> None:
    bot = Greeter()
    async with connected(bot, loopback):
        await loopback.say("before")
        await until(lambda: bot.heard)
        loopback.gateway.cut(mid_frame=mid_frame)
        for number in range(3):
            await loopback.say(f"meanwhile {number}")
        await until(lambda: len(bot.heard) == 4, skipper)
        await loopback.say("after")
        await until(lambda: len(bot.heard) == 5)
    assert bot.heard == ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2", "after"]
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_bot_resumes_after_a_reconnect_request(loopback: LoopbackDiscord) -> None:
    bot = Greeter()
    async with connected(bot, loopback):
        await loopback.gateway.request_reconnect()
        await loopback.say("hello")
        await until(lambda: bot.heard)
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


@pytest.mark.parametrize("resumable", [True, False])
async def test_invalid_session_is_resumed_if_resumable_and_else_replaced(
    loopback: LoopbackDiscord, skipper: Skipper, resumable: bool
) -> None:
    bot = Greeter()
    async with connected(bot, loopback):
        skipper.skip(5)
        await loopback.gateway.invalidate(resumable=resumable)
        await until(lambda: loopback.gateway.identified + loopback.gateway.resumed == 2, skipper)
        await loopback.say("hello")
        await until(lambda: bot.heard)
    assert (loopback.gateway.identified, loopback.gateway.resumed) == ((1, 1) if resumable else (2, 0))


async def test_bot_begins_a_new_session_if_resuming_is_refused(loopback: LoopbackDiscord, skipper: Skipper) -> None:
    bot = Greeter()
    async with connected(bot, loopback):
        skipper.skip(5)
        loopback.gateway.refuses_resume = True
        loopback.gateway.cut()
        await until(lambda: loopback.gateway.identified == 2, skipper)
        await until(lambda: not bot.guilds[0].unavailable)
        await loopback.say("hello")
        await until(lambda: bot.heard)
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (2, 0)


class TestShards:
    """Four servers, two for each of two shards."""

    @pytest.fixture
    def world(self) -> World:
        return World(servers=4)

    @pytest.fixture
    def loopback_options(self) -> dict[str, Any]:
        return {"shards": 2}

    async def test_each_shard_gets_the_messages_of_its_own_servers(
        self, loopback: LoopbackDiscord, skipper: Skipper
    ) -> None:
        bot = Greeter(shards=2)
        async with connected(bot, loopback, skipper):
            for channel in range(4):
                await loopback.say(f"in {channel}", channel)
            await until(lambda: len(bot.heard) == 4)
            assert sorted(bot.heard) == ["in 0", "in 1", "in 2", "in 3"]
            assert [guild.shard_id for guild in sorted(bot.guilds, key=lambda guild: guild.id)] == [1, 0, 1, 0]
        assert (loopback.gateway.identified, loopback.gateway.events["READY"]) == (2, 2)

    async def test_shard_that_identifies_too_early_gets_invalid_session_and_retries(
        self, loopback: LoopbackDiscord, skipper: Skipper
    ) -> None:
        class Hasty(Greeter):
            async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
                """Wait for nothing."""

        bot = Hasty(shards=2)
        async with connected(bot, loopback, skipper):
            pass
        assert loopback.gateway.early_identifies > 0
        assert loopback.gateway.identified == 2


async def test_full_bot_reacts_over_a_real_socket(
    loopback: LoopbackDiscord, models: dict[str, Classifier], migrated: Path
) -> None:
    shutil.copy(migrated, "emobot.db")
    async with connected(create_bot(configured(loopback), models=models), loopback):
        message_id = await loopback.say("happy")
        await until(lambda: loopback.routes.reactions)
    assert [(reaction.message_id, reaction.emoji) for reaction in loopback.routes.reactions] == [(message_id, "😃")]


async def test_full_bot_answers_a_command_that_is_registered_late(
    loopback: LoopbackDiscord, models: dict[str, Classifier], migrated: Path
) -> None:
    async def late(request: web.Request) -> None:
        if request.method == "PUT":
            await asyncio.sleep(0.05)

    shutil.copy(migrated, "emobot.db")
    loopback.api.fault = only("/commands", late)
    async with connected(create_bot(configured(loopback), models=models), loopback):
        assert loopback.offers("compare")
        asked = await loopback.slash("compare", text="odd weather")
        await until(lambda: asked.callback)
    assert asked.callback
    assert asked.callback["type"] == 4
    assert "love" in json.dumps(asked.callback)


async def test_full_bot_updates_its_panel_when_a_button_is_pressed(
    loopback: LoopbackDiscord, models: dict[str, Classifier], migrated: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(migrated, "emobot.db")
    async with connected(create_bot(configured(loopback), models=models), loopback):
        asked = await loopback.slash("settings")
        await until(lambda: asked.callback)
        buttons = re.findall(r'"custom_id": "([^"]+)"', json.dumps(asked.callback))
        pressed = await loopback.press(buttons[0], asked)
        await until(lambda: pressed.callback)
    assert pressed.callback
    assert pressed.callback["type"] == 7  # an update of the message
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
