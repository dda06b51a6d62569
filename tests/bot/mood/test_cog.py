from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import discord
import pytest
import simcord
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType
from simcord.interactions import base_payload

from bot.errors import UNSAVED
from bot.mood import cog
from bot.mood.over_time import PERIODS
from bot.store import MoodCount, StoreError
from tests.bot.languages import language
from tests.bot.support import World

KEPT = "-# Only counts per channel and hour are kept, never per person, for 90 days."
HIDDEN = discord.PermissionOverwrite(view_channel=False)


def count(world: World, channel_id: int, *, hours_ago: float = 0, **messages: int) -> None:
    """Count messages of some emotions."""
    when = world.env.now() - timedelta(hours=hours_ago)
    for emotion, number in messages.items():
        world.bot.store.count_mood(world.guild.id, channel_id, when, emotion, number)


def picture_lines(result: simcord.InteractionResult) -> list[str]:
    """Return the lines of an answer with a picture."""
    assert result.response
    assert len(result.response.attachments) == 1
    return result.response.content.split("\n")


def refusal_text(result: simcord.InteractionResult) -> str:
    """Return the text of a private answer without a picture."""
    assert result.response
    assert result.ephemeral
    assert result.response.attachments == []
    return result.response.content


async def test_mood_of_the_channel_is_public(world: World, bob: simcord.MemberActor) -> None:
    count(world, world.channel.id, joy=15, neutral=12, anger=3)
    count(world, world.guild.create_text_channel("other").id, grief=50)
    result = await world.alice.slash(world.channel, "mood")
    assert picture_lines(result) == [
        f"### <#{world.channel.id}> · 7 days",
        "😃 joy 50% · 😡 anger 10%",
        "30 messages. The messages are too unevenly spread to show a trend.",
        KEPT,
    ]
    assert not result.deferred
    assert not result.followups
    assert len(world.channel.history(viewer=bob)) == 1


async def test_hours_follow_the_time_of_discord_not_the_host_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await world.alice.send(world.channel, "happy")
    count(world, world.channel.id, joy=30)
    wrong = discord.utils.utcnow() + timedelta(days=3650)
    monkeypatch.setattr(discord.utils, "utcnow", lambda: wrong)
    result = await world.alice.slash(world.channel, "mood", period="day")
    assert "32 messages." in picture_lines(result)[2]


@pytest.mark.usefixtures("real_pictures")
async def test_picture_has_alternative_text(world: World) -> None:
    count(world, world.channel.id, joy=15, neutral=12, anger=3)
    result = await world.alice.slash(world.channel, "mood")
    assert result.response
    [picture] = result.response.attachments
    assert picture.filename == "mood.png"
    png = await picture.read()
    assert png.startswith(b"\x89PNG")
    assert len(png) > 5000
    assert picture.description == (
        "Bar chart of the mood over time. This channel, 7 days. 30 messages. Shares: joy etc. 50%, "
        "neutral 40%, anger etc. 10%, surprise etc. 0%, sadness etc. 0%, fear etc. 0%, "
        "disgust 0%. The messages are too unevenly spread to show a trend."
    )


async def test_emotion_and_its_group_are_both_named(world: World) -> None:
    count(world, world.channel.id, joy=17, love=12, gratitude=10, neutral=61)
    result = await world.alice.slash(world.channel, "mood")
    assert picture_lines(result)[1] == "😃 joy 17% · ❤️ love 12% · 🙏 gratitude 10%"
    assert result.response
    assert "Shares: neutral 61%, joy etc. 39%, " in str(result.response.attachments[0].description)


@pytest.mark.parametrize(("period", "messages"), [("day", 20), ("week", 50), ("month", 90)])
async def test_period_can_be_chosen(world: World, period: str, messages: int) -> None:
    count(world, world.channel.id, joy=20)
    count(world, world.channel.id, joy=30, hours_ago=6 * 24)
    count(world, world.channel.id, joy=40, hours_ago=26 * 24)
    count(world, world.channel.id, joy=50, hours_ago=29 * 24)
    title, _, numbers, _ = picture_lines(await world.alice.slash(world.channel, "mood", period=period))
    assert title.endswith(f" · {PERIODS[period].name}")
    assert numbers.startswith(f"{messages} messages. ")


async def test_days_begin_in_the_time_zone_of_the_server(world: World) -> None:
    midnight = world.env.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=27)
    for hours, emotion in ((-8, "grief"), (-7, "joy"), (0, "love")):
        world.bot.store.count_mood(world.guild.id, world.channel.id, midnight + timedelta(hours=hours), emotion, 20)
    assert picture_lines(await world.alice.slash(world.channel, "mood", period="month"))[1] == "❤️ love 100%"
    await world.configure(time_zone="Asia/Bangkok")  # where it is seven hours later
    picture = picture_lines(await world.alice.slash(world.channel, "mood", period="month"))
    assert picture[1] == "😃 joy 50% · ❤️ love 50%"


class TestWholeServer:
    async def test_server_mood_covers_the_channels_that_the_asker_can_see(self, world: World) -> None:
        count(world, world.channel.id, joy=15)
        count(world, world.guild.create_text_channel("other").id, anger=5)
        count(world, world.guild.create_forum_channel("forum").id, fear=5)
        count(world, world.guild.create_voice_channel("voice").id, love=5)
        count(world, 123456789012345678, grief=100)  # a deleted channel
        result = await world.alice.slash(world.channel, "mood", where="server")
        assert result.ephemeral
        assert picture_lines(result) == [
            "### The whole server · 7 days",
            "😃 joy 50% · 😡 anger 17% · 😨 fear 17%",
            "30 messages. The messages are too unevenly spread to show a trend.",
            f"{KEPT} Only channels that you can see are counted.",
        ]
        assert result.response
        assert "The whole server, 7 days." in str(result.response.attachments[0].description)

    async def test_hidden_channels_are_left_out(self, world: World) -> None:
        everyone = world.guild.default_role
        staff = world.guild.create_role("staff")
        secret = world.guild.create_text_channel(
            "secret", overwrites={everyone: HIDDEN, staff: discord.PermissionOverwrite(view_channel=True)}
        )
        bob = world.guild.add_member(world.env.create_user("bob"), roles=[staff])
        count(world, world.channel.id, joy=20)
        count(world, secret.id, grief=80)
        assert picture_lines(await world.alice.slash(world.channel, "mood", where="server"))[1] == "😃 joy 100%"
        assert picture_lines(await bob.slash(world.channel, "mood", where="server"))[1] == "🕊️ grief 80% · 😃 joy 20%"

    async def test_voice_channels_that_the_asker_may_not_join_are_left_out(self, world: World) -> None:
        voice = world.guild.create_voice_channel("voice")
        deny = discord.Permissions(connect=True).value
        world.env.backend.set_overwrite(voice.id, Overwrite(world.guild.default_role.id, OverwriteType.ROLE, deny=deny))
        await world.env.settle()
        count(world, world.channel.id, joy=20)
        count(world, voice.id, grief=80)
        assert picture_lines(await world.alice.slash(world.channel, "mood", where="server"))[1] == "😃 joy 100%"

    async def test_other_servers_are_left_out(self, world: World) -> None:
        count(world, world.channel.id, joy=20)
        world.bot.store.count_mood(world.env.create_guild().id, world.channel.id, world.env.now(), "grief", 80)
        assert picture_lines(await world.alice.slash(world.channel, "mood", where="server"))[1] == "😃 joy 100%"


async def test_thread_shows_the_mood_of_its_channel(world: World) -> None:
    count(world, world.channel.id, joy=20)
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.create_thread(name="aside", type=discord.ChannelType.public_thread)
    [thread] = world.channel.threads
    assert picture_lines(await world.alice.slash(thread, "mood"))[:2] == [
        f"### <#{world.channel.id}> · 7 days",
        "😃 joy 100%",
    ]


async def test_private_thread_has_no_mood(world: World, bob: simcord.MemberActor) -> None:
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    thread = await channel.create_thread(name="secret", type=discord.ChannelType.private_thread)
    await thread.add_user(discord.Object(world.alice.id))
    [secret] = world.channel.threads
    for _ in range(20):
        await world.alice.send(secret, "happy")
    for where in ("channel", "server"):
        result = await bob.slash(world.channel, "mood", where=where)
        assert refusal_text(result).startswith("I counted 0 messages in that time;")


@pytest.mark.parametrize("messages", [0, 19])
async def test_no_picture_of_too_few_messages(world: World, messages: int) -> None:
    count(world, world.channel.id, joy=messages)
    result = await world.alice.slash(world.channel, "mood")
    assert refusal_text(result) == (
        f"I counted {messages} messages in that time; for a picture I need 20. Please ask again later."
    )


async def test_picture_of_just_enough_messages(world: World) -> None:
    count(world, world.channel.id, joy=20)
    assert picture_lines(await world.alice.slash(world.channel, "mood"))[1] == "😃 joy 100%"


async def test_uncounted_channel_is_reported(world: World) -> None:
    count(world, world.channel.id, joy=20)
    await world.configure(mood=False)
    result = await world.alice.slash(world.channel, "mood")
    assert refusal_text(result) == (
        "Moods are not counted in this server. Those who manage it can change that with /settings."
    )


async def test_mood_is_available_to_everybody_in_servers_only(world: World) -> None:
    assert "mood" in world.alice.available_commands(world.channel)
    assert "mood" not in world.alice.user.available_commands()
    [command] = [command for command in world.bot.tree.get_commands() if command.name == "mood"]
    payload = command.to_dict(world.bot.tree)
    assert payload["default_member_permissions"] is None
    assert (payload["contexts"], payload["integration_types"]) == ([0], [0])
    assert [[choice["name"] for choice in option["choices"]] for option in payload["options"]] == [
        ["This channel", "The whole server"],
        ["24 hours", "7 days", "4 weeks"],
    ]


async def test_slow_answer_is_deferred(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    count(world, world.channel.id, joy=20)
    answers = delay_moods(world, monkeypatch)
    result = await world.alice.slash(world.channel, "mood")
    assert result.deferred
    answers.set()
    await world.env.settle()
    assert picture_lines(result)[1] == "😃 joy 100%"
    assert len(world.channel.history()) == 1


async def test_slow_answer_without_a_picture_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = delay_moods(world, monkeypatch)
    result = await world.alice.slash(world.channel, "mood")
    answers.set()
    await world.env.settle()
    assert result.response
    assert result.response.content.startswith("I counted 0 messages in that time;")
    assert len(world.channel.history()) == 1


def delay_moods(world: World, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Make the store return no moods before the event is set, and the bot defer its answer at once."""
    monkeypatch.setattr(cog, "DEFER_AFTER", 0)
    answers, moods = asyncio.Event(), world.bot.store.moods

    async def moods_slowly(*args: Any) -> list[MoodCount]:
        await world.env.external_wait(answers.wait(), reason="a slow store")
        return await moods(*args)

    monkeypatch.setattr(world.bot.store, "moods", moods_slowly)
    return answers


async def test_every_word_is_translated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cog, "translator", lambda _locale: language("«{}»".format))
    count(world, world.channel.id, joy=20)
    result = await world.alice.slash(world.channel, "mood", where="server")
    assert picture_lines(result) == [
        "### «The whole server» · «7 days»",
        "😃 «joy» 100%",
        "«20 messages.» «The messages are too unevenly spread to show a trend.»",
        f"-# «{KEPT.removeprefix('-# ')}» «Only channels that you can see are counted.»",
    ]
    assert result.response
    assert str(result.response.attachments[0].description).startswith("«Bar chart of the mood over time. «The whole")


async def test_pictures_are_drawn_one_at_a_time_and_off_the_event_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def draw_and_note(*_: object) -> bytes:
        assert threading.current_thread() is not threading.main_thread()
        steps.append("begins")
        time.sleep(0.2)
        steps.append("ends")
        return b"\x89PNG"

    monkeypatch.setattr(cog, "draw", draw_and_note)
    count(world, world.channel.id, joy=20)
    backend = world.env.backend
    command = backend.find_command("mood", None)
    assert command
    data = {"id": command["id"], "name": "mood", "type": 1, "options": []}
    for _ in range(2):
        _, payload = base_payload(
            backend, type=2, channel_id=world.channel.id, guild_id=world.guild.id, user_id=world.alice.id, data=data
        )
        backend.emit("INTERACTION_CREATE", payload)
    await world.env.settle()
    assert len(world.channel.history()) == 2
    assert steps == ["begins", "ends"] * 2


async def test_a_store_that_does_not_answer_is_reported_to_the_user(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StoreError("the database does not answer")

    monkeypatch.setattr(world.bot.store, "moods", fail)
    result = await world.alice.slash(world.channel, "mood")
    assert refusal_text(result) == UNSAVED
    assert len(world.env.errors) == 1
