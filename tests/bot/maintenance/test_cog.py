from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import discord
import pytest

from bot.connection.clock import DiscordTime
from bot.maintenance.cog import Maintenance
from bot.server_settings import Liveliness, ServerSettings
from bot.store import GRACE_PERIOD, Store, StoreError
from tests.bot.clock import ManualClock
from tests.bot.support import World

LIVELY = ServerSettings(liveliness=Liveliness.LIVELY)


@pytest.fixture
def time() -> DiscordTime:
    return DiscordTime(ManualClock())


@pytest.fixture
def maintenance(world: World, time: DiscordTime) -> Maintenance:
    """A second maintenance cog beside that of the bot, whose loops the test runs itself."""
    time.note(world.env.now())
    return Maintenance(world.bot, world.bot.store, time)


async def leave(world: World) -> discord.Guild:
    guild = world.bot.get_guild(world.guild.id)
    assert guild
    await guild.leave()
    await world.env.settle()
    return guild


async def test_store_is_open_before_the_first_message(world: World) -> None:
    assert world.bot.store.ready


async def test_killed_bot_loses_the_counts_of_at_most_five_seconds(world: World) -> None:
    for messages in (1, 2):
        await world.alice.send(world.channel, "happy")
        await world.env.advance_time(5)
        fresh = Store(world.bot.configuration.database_url)  # it knows only what was written
        await fresh.refresh()
        exported = await fresh.export_guild(world.guild.id)
        assert [(mood["emotion"], mood["messages"]) for mood in exported["moods"]] == [("joy", messages)]


async def test_nothing_is_written_without_waiting_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.env.advance_time(5)
    monkeypatch.setattr(world.bot.store.sync, "_write_moods", pytest.fail)
    await world.env.advance_time(50)


async def test_server_that_was_left_is_erased_after_the_grace_period(world: World) -> None:
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    await world.alice.send(world.channel, "happy")
    await leave(world)
    now = discord.utils.utcnow()
    await world.bot.store.purge(now + GRACE_PERIOD - timedelta(hours=1))
    assert world.bot.store.settings(world.guild.id) == LIVELY
    await world.bot.store.purge(now + GRACE_PERIOD + timedelta(hours=1))
    assert world.bot.store.settings(world.guild.id) == ServerSettings()
    assert await world.bot.store.known_guilds() == {}


async def test_server_rejoined_within_the_grace_period_keeps_its_settings(
    world: World, maintenance: Maintenance
) -> None:
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    guild = await leave(world)
    await maintenance.on_guild_join(guild)
    await world.bot.store.purge(discord.utils.utcnow() + 2 * GRACE_PERIOD)
    assert world.bot.store.settings(world.guild.id) == LIVELY


async def test_server_left_while_the_bot_was_offline_is_noticed(world: World, maintenance: Maintenance) -> None:
    elsewhere = 123456789012345678
    await world.bot.store.save_settings(elsewhere, LIVELY)
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    await maintenance.tidy()
    known = await world.bot.store.known_guilds()
    assert known[elsewhere] is not None
    assert known[world.guild.id] is None


async def test_a_return_to_a_server_during_an_outage_is_noted_later(world: World, maintenance: Maintenance) -> None:
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    await world.bot.store.mark_left(world.guild.id, discord.utils.utcnow())
    await maintenance.tidy()
    assert await world.bot.store.known_guilds() == {world.guild.id: None}


async def test_servers_of_other_processes_are_not_marked_as_left(
    world: World, maintenance: Maintenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.bot.store.save_settings(1 << 22, LIVELY)  # of shard 1
    monkeypatch.setattr(world.bot, "shard_count", 2)
    await maintenance.tidy()
    assert await world.bot.store.known_guilds() == {1 << 22: None}


async def test_a_failure_of_the_store_is_logged_and_not_raised(
    world: World, maintenance: Maintenance, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise StoreError("The database is on fire.")

    for name in ("purge", "mark_left", "mark_present"):
        monkeypatch.setattr(world.bot.store, name, fail)
    await maintenance.tidy()
    assert "The database is on fire." in caplog.text
    guild = await leave(world)
    await maintenance.on_guild_join(guild)


async def test_bug_does_not_end_the_rounds_and_is_logged_without_its_text(
    world: World, maintenance: Maintenance, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception would end the loop, and nothing would be erased as long as the bot runs."""

    async def fail(*_: object) -> None:
        raise ValueError("what somebody wrote")

    monkeypatch.setattr(world.bot.store, "purge", fail)
    await maintenance.tidy()
    assert "failed" in caplog.text
    assert "what somebody wrote" not in caplog.text


async def stored_moods(world: World) -> int:
    return len((await world.bot.store.export_guild(world.guild.id))["moods"])


@pytest.mark.parametrize("years", [10, -10])
async def test_jump_of_the_host_clock_erases_nothing(
    world: World, maintenance: Maintenance, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    await world.bot.store.save_settings(world.guild.id, LIVELY)
    await world.alice.send(world.channel, "happy")
    await world.bot.store.refresh()
    jumped = world.env.now() + timedelta(days=365 * years)
    monkeypatch.setattr(discord.utils, "utcnow", lambda: jumped)
    await maintenance.on_guild_remove(await leave(world))
    await maintenance.tidy()
    assert await stored_moods(world) == 1
    assert world.bot.store.settings(world.guild.id) == LIVELY


async def test_data_too_old_by_the_time_of_discord_is_erased(
    world: World, maintenance: Maintenance, time: DiscordTime
) -> None:
    await world.alice.send(world.channel, "happy")
    await world.bot.store.refresh()
    time.note(world.env.now() + timedelta(days=world.bot.store.mood_days + 1))
    await maintenance.tidy()
    assert await stored_moods(world) == 0


async def test_one_of_several_processes_erases_each_hour(
    world: World, maintenance: Maintenance, time: DiscordTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.bot.store.claim_job("purge", world.env.now(), timedelta(0))  # as another process does
    purged: list[datetime] = []

    async def purge(now: datetime) -> bool:
        purged.append(now)
        return False

    monkeypatch.setattr(world.bot.store, "purge", purge)
    await maintenance.tidy()
    assert purged == []
    time.note(world.env.now() + timedelta(hours=1))
    await maintenance.tidy()
    assert len(purged) == 1


async def test_counts_are_written_between_two_batches_of_erasure(
    world: World, maintenance: Maintenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    writing: list[asyncio.Task[None]] = []

    async def purge(_: datetime) -> bool:
        done.append("erased")
        if not writing:
            writing.append(asyncio.create_task(maintenance.write()))
            await asyncio.sleep(0)  # so that it waits for its turn
        return len(done) == 1

    async def write() -> None:
        done.append("written")

    monkeypatch.setattr(world.bot.store, "purge", purge)
    monkeypatch.setattr(world.bot.store, "write", write)
    await maintenance.tidy()
    assert done == ["erased", "written", "erased"]


async def test_nothing_is_erased_before_the_time_of_discord_is_known(world: World) -> None:
    old = world.env.now() - timedelta(days=world.bot.store.mood_days + 1)
    world.bot.store.count_mood(world.guild.id, world.channel.id, old, "joy")
    await world.bot.store.refresh()
    await Maintenance(world.bot, world.bot.store, DiscordTime(ManualClock())).tidy()
    assert await stored_moods(world) == 1


async def test_past_days_are_packed_without_loss(world: World, maintenance: Maintenance, time: DiscordTime) -> None:
    await world.alice.send(world.channel, "happy")
    await world.bot.store.refresh()
    before = await world.bot.store.export_guild(world.guild.id)
    time.note(world.env.now() + timedelta(days=3))
    await maintenance.tidy()
    assert await world.bot.store.pack_moods(time.now()) is None
    assert await world.bot.store.export_guild(world.guild.id) == before


async def test_expired_data_is_erased_even_if_absences_cannot_be_noted(
    world: World, maintenance: Maintenance, time: DiscordTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> dict[int, datetime | None]:
        raise StoreError("It took too long.")

    await world.alice.send(world.channel, "happy")
    await world.bot.store.refresh()
    monkeypatch.setattr(world.bot.store, "known_guilds", fail)
    time.note(world.env.now() + timedelta(days=world.bot.store.mood_days + 1))
    await maintenance.tidy()
    assert await stored_moods(world) == 0
