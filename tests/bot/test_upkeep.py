from __future__ import annotations

from datetime import timedelta

import discord
import pytest

from bot.cogs.upkeep import Upkeep
from bot.server_settings import Liveliness, ServerSettings
from bot.store import GRACE, Store, StoreError
from tests.bot.scripted import World

LIVELY = ServerSettings(liveliness=Liveliness.LIVELY)


@pytest.fixture
def upkeep(world: World) -> Upkeep:
    cog = world.bot.get_cog("Upkeep")
    assert isinstance(cog, Upkeep)
    return cog


async def leave(world: World) -> discord.Guild:
    guild = world.bot.get_guild(world.guild.id)
    assert guild
    await guild.leave()
    await world.env.settle()
    return guild


async def test_the_store_is_open_before_the_first_message(world: World) -> None:
    assert world.bot.store.ready


async def test_a_bot_that_is_killed_loses_the_counts_of_five_seconds_at_most(world: World) -> None:
    for messages in (1, 2):
        await world.alice.send(world.channel, "happy")
        await world.env.advance_time(5)
        heir = Store(world.bot.settings.database_url.get_secret_value())  # which knows only what was written
        await heir.refresh()
        exported = await heir.export_guild(world.guild.id)
        assert [(mood["emotion"], mood["messages"]) for mood in exported["moods"]] == [("joy", messages)]


async def test_where_nothing_is_said_nothing_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.env.advance_time(5)
    monkeypatch.setattr(world.bot.store, "_write_moods", pytest.fail)
    await world.env.advance_time(50)


async def test_a_server_that_is_left_is_forgotten_after_a_grace_period(world: World) -> None:
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    await world.alice.send(world.channel, "happy")
    await leave(world)
    now = discord.utils.utcnow()
    await world.bot.store.purge(now + GRACE - timedelta(hours=1))
    assert world.bot.store.settings(world.guild.id) == LIVELY
    await world.bot.store.purge(now + GRACE + timedelta(hours=1))
    assert world.bot.store.settings(world.guild.id) == ServerSettings()
    assert await world.bot.store.known_guilds() == {}


async def test_a_server_that_comes_back_in_time_keeps_its_settings(world: World, upkeep: Upkeep) -> None:
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    guild = await leave(world)
    await upkeep.on_guild_join(guild)
    await world.bot.store.purge(discord.utils.utcnow() + 2 * GRACE)
    assert world.bot.store.settings(world.guild.id) == LIVELY


async def test_a_server_that_was_left_while_the_bot_was_away_is_noticed(world: World, upkeep: Upkeep) -> None:
    elsewhere = 123456789012345678
    await world.bot.store.save_settings(elsewhere, LIVELY)
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    await upkeep.tidy()
    known = await world.bot.store.known_guilds()
    assert known[elsewhere] is not None
    assert known[world.guild.id] is None


async def test_a_return_that_the_store_missed_is_made_up_for(world: World, upkeep: Upkeep) -> None:
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    await world.bot.store.mark_left(world.guild.id, discord.utils.utcnow())
    await upkeep.tidy()
    assert await world.bot.store.known_guilds() == {world.guild.id: None}


async def test_servers_of_other_processes_are_left_to_them(
    world: World, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.bot.store.save_settings(1 << 22, LIVELY)  # of shard 1
    monkeypatch.setattr(world.bot, "shard_count", 2)
    await upkeep.tidy()
    assert await world.bot.store.known_guilds() == {1 << 22: None}


async def test_a_store_that_fails_costs_no_more_than_a_line_in_the_log(
    world: World, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise StoreError("The database is on fire.")

    for name in ("purge", "mark_left", "mark_present"):
        monkeypatch.setattr(world.bot.store, name, fail)
    await upkeep.tidy()
    assert "The database is on fire." in caplog.text
    guild = await leave(world)
    await upkeep.on_guild_join(guild)
