from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import simcord
from discord.ext import commands
from yarl import URL

from benchmarks.gateway import LoopbackDiscord
from benchmarks.gateway.contract import MISSING, Contract, find_contract
from bot import Emobot, create_bot
from bot.analysis.analyzer import AnalyzerClosedError
from bot.configuration import Configuration, ConfigurationError
from bot.server_settings import ServerSettings
from bot.store import Store
from classifiers import Classifier, ModelDirectoryError, ModelName
from tests.bot.support import PREDICTIONS, StubClassifier, World, put_requests
from tests.loopback import serving


async def test_waiting_counts_are_written_before_disconnecting(
    models: dict[str, Classifier], stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    del stores  # so that they are closed
    bot = create_bot(Configuration(), models=models)
    written: list[int] = []

    async def count_more_while_leaving(_bot: commands.AutoShardedBot) -> None:
        written.extend(await Store(bot.configuration.database_url).known_guilds())
        bot.store.count_mood(2, 20, datetime.now(UTC), "joy")  # somebody wrote at the last moment

    monkeypatch.setattr(commands.AutoShardedBot, "close", count_more_while_leaving)
    bot.store.count_mood(1, 10, datetime.now(UTC), "joy")
    await bot.close()
    assert written == [1]
    assert set(await Store(bot.configuration.database_url).known_guilds()) == {1, 2}


def test_bot_requests_only_the_intents_it_needs(simcord_bot: Emobot) -> None:
    assert {name for name, wanted in simcord_bot.intents if wanted} == {
        *("guilds", "expressions", "guild_messages", "dm_messages", "guild_reactions", "dm_reactions"),
        "message_content",
    }
    assert simcord_bot.help_command is None


async def test_bot_is_sharded(models: dict[str, Classifier]) -> None:
    bot = create_bot(Configuration(), models=models)
    bot.shard_count = 2
    async with bot, simcord.run(bot) as env:
        for shard in range(2):
            guild = env.create_guild(shard_id=shard)
            channel = guild.create_text_channel("general")
            await guild.add_member(env.create_user(f"alice{shard}")).send(channel, "happy")
            assert channel.history()[0].reactions


@pytest.mark.parametrize(("shard_ids", "synced"), [((0, 2), 1), ((1, 3), 0)])
async def test_only_the_process_with_shard_0_syncs_the_commands(
    models: dict[str, Classifier], shard_ids: tuple[int, ...], synced: int
) -> None:
    bot = create_bot(Configuration(shard_count=4, shard_ids=shard_ids), models=models)
    async with bot, simcord.run(bot) as env:
        assert len(put_requests(env)) == synced


def test_each_process_has_its_share_of_the_request_limit(
    models: dict[str, Classifier],
) -> None:
    alone = Configuration()
    one_of_four = replace(alone, database_url="postgresql+asyncpg:///none", shard_count=16, shard_ids=(1, 5, 9, 13))
    for configuration, allowed in (
        (alone, 50),
        (one_of_four, 12.5),
        (replace(one_of_four, requests_per_second=500), 125),
        (replace(alone, shard_count=16), 50),
    ):
        assert create_bot(configuration, models=models).requests.allowed == allowed


@pytest.mark.parametrize(("configured", "shards"), [(None, 3), (2, 2), (4, 4)])
@pytest.mark.usefixtures("stores")
async def test_shard_count_is_configured_or_recommended_by_discord(
    models: dict[str, Classifier],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    configured: int | None,
    shards: int,
) -> None:
    async def do_nothing(_bot: commands.AutoShardedBot, *, reconnect: bool) -> None:
        pass

    monkeypatch.setattr(commands.AutoShardedBot, "connect", do_nothing)
    async with serving(LoopbackDiscord(shards=3), monkeypatch) as loopback:
        configuration = Configuration(
            shard_count=configured, api_base=loopback.api_base, gateway_url=loopback.gateway.url
        )
        async with create_bot(configuration, models=models) as bot:
            await bot.start(loopback.token)
            assert bot.shard_count == shards
    assert ("SHARD_COUNT is 2, but Discord recommends 3 shards." in caplog.text) == (configured == 2)


async def test_bot_closed_while_connecting_stops_retrying(models: dict[str, Classifier]) -> None:
    bot = create_bot(Configuration(), models=models)
    async with bot:
        await bot.close()
        await asyncio.wait_for(bot.launch_shard(URL("ws://127.0.0.1:1"), 0), 60)


async def test_mention_is_not_a_command(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert world.bot.user
    message = await world.alice.send(world.channel, f"{world.bot.user.mention} happy")
    assert world.emoji_of(message) == ["😃"]
    assert len(world.channel.history()) == 1
    assert caplog.records == []


async def test_closing_the_bot_closes_the_analyzer(world: World) -> None:
    await world.alice.send(world.channel, "happy")
    await world.bot.close()
    with pytest.raises(AnalyzerClosedError):
        await world.bot.analyzer.classify("happy", "bilstm")


async def test_messages_of_people_are_not_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    await world.alice.send(world.channel, "happy secret")
    await world.alice.slash(world.channel, "compare", text="happy secret")
    assert ": reacted." in caplog.text
    assert "secret" not in caplog.text


def test_no_two_commands_share_a_name(payloads: list[dict[str, Any]]) -> None:
    assert max(Counter((payload["type"], payload["name"].casefold()) for payload in payloads).values()) == 1


def test_docs_have_a_row_for_each_command(payloads: list[dict[str, Any]]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    commands = [payload["name"] for payload in payloads if payload["type"] == 1]
    menus = [payload["name"] for payload in payloads if payload["type"] == 3]
    assert sorted(re.findall(r"^\| `/(\w+)` \|", page, re.MULTILINE)) == sorted(commands)
    assert [name for name in menus if not re.search(rf"\*(Apps, )?{re.escape(name)}\*", page)] == []


def test_missing_model_is_refused() -> None:
    rnn = {"rnn": StubClassifier(PREDICTIONS)}
    with pytest.raises(
        ConfigurationError,
        match=r"^The bot reacts with bilstm, but .* holds only rnn: set EMOBOT_REACTS_WITH to rnn\.$",
    ):
        create_bot(Configuration(), models=rnn)
    assert create_bot(Configuration(reacts_with="rnn"), models=rnn)


@pytest.mark.parametrize("name", get_args(ModelName))
def test_any_model_can_be_the_reacting_one(name: ModelName) -> None:
    assert create_bot(Configuration(reacts_with=name), models={name: StubClassifier(PREDICTIONS)})
    assert ServerSettings(model=name).model == name


def test_a_missing_model_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelDirectoryError):
        create_bot(Configuration(models=tmp_path / "none"))


@pytest.fixture
async def payloads(simcord_env: simcord.Env) -> list[dict[str, Any]]:
    """The commands as they are sent to Discord."""
    [sync] = [request for request in simcord_env.http_requests if request.method == "PUT"]
    assert isinstance(sync.json, list)
    return sync.json


@pytest.fixture(scope="module")
def contract() -> Contract:
    return find_contract() or pytest.skip(MISSING)


def test_commands_match_the_openapi_description(contract: Contract, payloads: list[dict[str, Any]]) -> None:
    path = "/applications/{application_id}/commands"
    assert contract.errors("put", path, payloads) == []
    assert contract.errors("put", path, [{**payloads[0], "name": "x" * 33}])


async def test_answers_match_the_openapi_description(contract: Contract, world: World) -> None:
    path = "/interactions/{interaction_id}/{interaction_token}/callback"
    await world.alice.slash(world.channel, "compare", text="odd weather")
    await world.alice.slash(world.channel, "compare", text="<#1>")
    answers: list[Any] = [request.json for request in world.env.http_requests if request.path.endswith("/callback")]
    assert len(answers) == 2
    for answer in answers:
        assert contract.errors("post", path, answer) == []
        assert contract.errors("post", path, {**answer, "type": "text"})


def test_bot_imports_only_what_a_message_needs() -> None:
    """The other packages are installed here for training, so only a new process can show what is imported."""
    assert importlib.util.find_spec("tensorflow")
    program = (
        "import sys, bot, bot.__main__, bot.cli.run, bot.cli.simulation, classifiers\n"
        "heavy = {'tensorflow', 'keras', 'onnx', 'sklearn', 'matplotlib', 'torch', 'scipy'}\n"
        "late = {'alembic', 'asyncpg', 'babel', 'emoji', 'google.protobuf', 'prompt_toolkit', 'pydantic', 'rich'}\n"
        "late |= {'prometheus_client', 'sqlalchemy.orm'}\n"
        "print(sorted((heavy | late) & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(root)}
    )
    assert done.stdout == "[]\n"


async def test_stop_lost_by_discord_py_while_connecting_still_stops_the_bot(
    models: dict[str, Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to Python 3.11, its `wait_for` loses a cancellation that arrives just as the connection is made."""

    async def connect_and_lose(*_: object, **__: object) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

    monkeypatch.setattr(commands.AutoShardedBot, "launch_shard", connect_and_lose)
    async with create_bot(Configuration(), models=models) as bot:
        launching = asyncio.create_task(bot.launch_shard(URL(), 0))
        await asyncio.sleep(0)
        launching.cancel()
        await asyncio.wait([launching])
        assert launching.cancelled()
