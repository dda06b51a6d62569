from __future__ import annotations

from typing import Any

import discord
import pytest
import simcord

from bot import create_bot
from bot.configuration import Configuration
from classifiers import Classifier
from tests.bot.support import put_requests


async def test_commands_are_synced_once_and_again_only_after_a_change(
    simcord_env: simcord.Env, models: dict[str, Classifier]
) -> None:
    assert len(put_requests(simcord_env)) == 1
    await simcord_env.restart_bot(create_bot(Configuration(), models=models))
    assert len(put_requests(simcord_env)) == 1

    changed = create_bot(Configuration(), models=models)

    @changed.tree.command(description="A new one")
    async def wave(_interaction: discord.Interaction) -> None:
        pass

    await simcord_env.restart_bot(changed)
    assert len(put_requests(simcord_env)) == 2
    await simcord_env.restart_bot(create_bot(Configuration(), models=models))
    assert len(put_requests(simcord_env)) == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "another"),
        ("contexts", [0, 1]),
        ("integration_types", [0]),
        ("options", []),
    ],
)
async def test_any_difference_that_users_would_notice_is_synced(
    simcord_env: simcord.Env, models: dict[str, Classifier], field: str, value: Any
) -> None:
    simcord_env.backend.commands[None]["compare", 1][field] = value
    await simcord_env.restart_bot(create_bot(Configuration(), models=models))
    assert len(put_requests(simcord_env)) == 2


class TestInDevelopment:
    @pytest.fixture
    def configuration(self) -> Configuration:
        return Configuration(dev_guild=4194304)

    async def test_the_commands_are_synced_to_one_server(
        self, simcord_env: simcord.Env, configuration: Configuration, models: dict[str, Classifier]
    ) -> None:
        [path] = put_requests(simcord_env)
        assert path.endswith("/guilds/4194304/commands")
        await simcord_env.restart_bot(create_bot(configuration, models=models))
        assert len(put_requests(simcord_env)) == 1
        guild = simcord_env.create_guild(id=4194304)
        alice = guild.add_member(simcord_env.create_user("alice"))
        result = await alice.slash(guild.create_text_channel("general"), "privacy")
        assert result.response


DEVELOPMENT = 4194304


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize("first", [None, DEVELOPMENT])
async def test_development_commands_are_removed_after_development(
    models: dict[str, Classifier], first: int | None
) -> None:
    first_bot = create_bot(Configuration(dev_guild=first), models=models)
    async with first_bot, simcord.run(first_bot) as env:
        guild = env.create_guild(id=DEVELOPMENT)

        def commands(server: int | None) -> set[tuple[str, int]]:
            return set(env.backend.commands.get(server, {}))

        all_commands = commands(first)
        assert ("compare", 1) in all_commands
        await env.restart_bot(create_bot(Configuration(dev_guild=DEVELOPMENT), models=models))
        assert (commands(None), commands(guild.id)) == (set(), all_commands)
        await env.restart_bot(create_bot(Configuration(), models=models))
        assert (commands(None), commands(guild.id)) == (all_commands, set())
        before = len(env.http_requests)
        await env.restart_bot(create_bot(Configuration(), models=models))
        requests = [request for request in env.http_requests[before:] if "/commands" in request.path]
        assert [request.method for request in requests] == ["GET"]  # nothing more at any later start


@pytest.mark.usefixtures("stores")
async def test_server_that_allows_no_commands_does_not_stop_the_sync(
    models: dict[str, Classifier], caplog: pytest.LogCaptureFixture
) -> None:
    first = create_bot(Configuration(dev_guild=DEVELOPMENT), models=models)
    async with first, simcord.run(first) as env:
        env.create_guild(id=DEVELOPMENT)
        env.inject_error("GET", "/applications/*/guilds/*/commands", status=403, code=50001)
        await env.restart_bot(create_bot(Configuration(), models=models))
        assert ("compare", 1) in env.backend.commands[None]
    assert "could not be synced" not in caplog.text


async def test_a_bot_that_may_not_sync_still_reacts(
    simcord_env: simcord.Env, models: dict[str, Classifier], caplog: pytest.LogCaptureFixture
) -> None:
    simcord_env.inject_error("GET", "/applications/*/guilds/*/commands", status=403, code=50001)
    bot = create_bot(Configuration(dev_guild=4194304), models=models)
    await simcord_env.restart_bot(bot)
    assert "could not be synced to the server 4194304 of EMOBOT_DEV_GUILD" in caplog.text
    guild = simcord_env.create_guild()
    channel = guild.create_text_channel("general")
    await guild.add_member(simcord_env.create_user("alice")).send(channel, "happy")
    assert channel.history()[0].reactions
