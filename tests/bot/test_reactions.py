from __future__ import annotations

import asyncio
import logging

import aiohttp
import discord
import pytest
import simcord
from simcord.enums import MessageType

from bot import create_bot
from bot.settings import Settings
from tests.bot.scripted import ScriptedClassifier, World, reactions_of


async def test_reacts_with_the_emoji_of_the_emotion(world: World) -> None:
    for text, emoji in (("I am so happy today", "😃"), ("thanks, dear", "🙏"), ("odd", "❤️")):
        message = await world.alice.send(world.channel, text)
        assert world.emoji_of(message) == [emoji]
    assert world.outcomes == {"reacted": 3}
    assert len(world.channel.history()) == 3  # it reacts and does not speak


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nothing to feel here", "neutral"),
        ("plain words", "neutral"),
        ("hmm", "unsure"),
        ("https://example.com/happy", "markup"),
        ("`happy = True`", "markup"),
    ],
)
async def test_stays_silent_for_a_reason(world: World, text: str, reason: str) -> None:
    message = await world.alice.send(world.channel, text)
    assert world.emoji_of(message) == []
    assert world.outcomes == {reason: 1}
    assert world.reaction_requests() == 0


@pytest.mark.parametrize("settings", [Settings(min_certainty=0.4)])
async def test_the_minimum_certainty_can_be_set(world: World) -> None:
    message = await world.alice.send(world.channel, "hmm")
    assert world.emoji_of(message) == ["😃"]


@pytest.mark.parametrize("settings", [Settings(reacts_with="rnn")])
async def test_the_model_that_reacts_can_be_set(world: World, bilstm: ScriptedClassifier) -> None:
    message = await world.alice.send(world.channel, "odd")
    assert world.emoji_of(message) == ["😨"]
    assert bilstm.batches == []


async def test_other_bots_are_not_read(world: World) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    message = await robot.send(world.channel, "I am so happy today")
    assert (world.emoji_of(message), world.outcomes) == ([], {"bot": 1})


async def test_webhooks_are_not_read(world: World) -> None:
    message = await world.guild.create_webhook(world.channel).send("I am so happy today")
    assert (world.emoji_of(message), world.outcomes) == ([], {"webhook": 1})


async def test_it_does_not_read_itself(world: World) -> None:
    message = await world.bot.get_partial_messageable(world.channel.id).send("I am so happy today")
    await world.env.settle()
    assert (world.emoji_of(message), world.outcomes) == ([], {"itself": 1})


async def test_empty_messages_are_not_read(world: World, bilstm: ScriptedClassifier) -> None:
    message = await world.alice.send(world.channel, "", attachments=[("happy.txt", b"happy")])
    assert (world.emoji_of(message), world.outcomes) == ([], {"empty": 1})
    assert bilstm.batches == []


async def test_system_messages_are_not_read(world: World) -> None:
    world.guild.create_system_message(world.channel, MessageType.NEW_MEMBER, author=world.alice)
    await world.env.settle()
    assert world.outcomes == {"system": 1}


async def test_edits_are_not_read_again(world: World) -> None:
    message = await world.alice.send(world.channel, "nothing")
    await world.alice.edit(message, "I am so happy today")
    assert (world.emoji_of(message), world.outcomes) == ([], {"neutral": 1})


async def test_threads(world: World) -> None:
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.create_thread(name="aside", type=discord.ChannelType.public_thread)
    await world.env.settle()
    [thread] = world.channel.threads
    message = await world.alice.send(thread, "I am so happy today")
    assert world.emoji_of(message, thread) == ["😃"]


async def test_direct_messages(world: World) -> None:
    message = await world.alice.send_dm("I am so happy today")
    assert world.emoji_of(message, world.alice.user.dm_channel) == ["😃"]


@pytest.mark.parametrize("missing", ["add_reactions", "read_message_history"])
async def test_asks_nothing_of_discord_without_the_permission(
    world: World, bilstm: ScriptedClassifier, missing: str
) -> None:
    assert world.bot.user
    me = world.guild.me
    assert me
    quiet = world.guild.create_text_channel("quiet", overwrites={me: discord.PermissionOverwrite(**{missing: False})})
    message = await world.alice.send(quiet, "I am so happy today")
    assert (world.emoji_of(message, quiet), world.outcomes) == ([], {"not permitted": 1})
    assert world.reaction_requests() == 0
    assert bilstm.batches == []


CHANNEL_ERRORS = [(403, 50013, "forbidden"), (403, 50001, "no access")]
MESSAGE_ERRORS = [
    (404, 10008, "message gone"),
    (400, 10014, "unknown emoji"),
    (403, 30010, "too many reactions"),
    (403, 90001, "blocked by the author"),
]
FAILURES = [(500, 0, "Discord failed"), (503, 0, "Discord failed")]
REFUSALS = [(400, 50035, "refused"), (403, 50278, "refused")]


@pytest.mark.parametrize(("status", "code", "outcome"), CHANNEL_ERRORS + MESSAGE_ERRORS + FAILURES + REFUSALS)
async def test_an_error_of_discord_is_counted_and_borne(
    world: World, caplog: pytest.LogCaptureFixture, status: int, code: int, outcome: str
) -> None:
    caplog.set_level(logging.DEBUG)
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=status, code=code)
    message = await world.alice.send(world.channel, "I am so happy today")
    assert (world.emoji_of(message), world.outcomes) == ([], {outcome: 1})
    assert world.env.errors == []
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    assert "happy" not in caplog.text


@pytest.mark.parametrize(("status", "code", "outcome"), MESSAGE_ERRORS + FAILURES)
async def test_an_error_that_is_not_about_the_channel_does_not_touch_the_next(
    world: World, status: int, code: int, outcome: str
) -> None:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=status, code=code)
    await world.alice.send(world.channel, "happy")
    message = await world.alice.send(world.channel, "happy")
    assert (world.emoji_of(message), world.outcomes) == (["😃"], {outcome: 1, "reacted": 1})


async def test_after_refusals_the_channel_is_left_alone_longer_and_longer(world: World) -> None:
    other = world.guild.create_text_channel("other")
    for pause in (60, 120, 240):
        world.env.inject_error("PUT", "/channels/*/reactions/*", status=403, code=50013)
        await world.alice.send(world.channel, "happy")
        requests = world.reaction_requests()
        await world.env.advance_time(pause - 1)
        message = await world.alice.send(world.channel, "happy")
        assert world.emoji_of(message) == []
        assert world.reaction_requests() == requests
        elsewhere = await world.alice.send(other, "happy")
        assert world.emoji_of(elsewhere, other) == ["😃"]
        await world.env.advance_time(1)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]
    assert world.outcomes == {"forbidden": 3, "backing off": 3, "reacted": 4}


async def test_after_any_other_refusal_the_pause_is_short(world: World) -> None:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=400, code=50035)
    await world.alice.send(world.channel, "happy")
    await world.alice.send(world.channel, "happy")
    await world.env.advance_time(5)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]
    assert world.outcomes == {"refused": 1, "backing off": 1, "reacted": 1}


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), ConnectionResetError()])
async def test_a_broken_connection_is_borne(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.bot.http, "add_reaction", fail)
    await world.alice.send(world.channel, "happy")
    assert world.outcomes == {"Discord failed": 1}


async def test_a_reaction_that_would_come_too_late_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py sleeps until a rate limit is over, here for a minute."""

    async def wait(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(world.bot.http, "add_reaction", wait)
    await world.alice.send(world.channel, "happy")
    await world.env.advance_time(14)
    assert world.outcomes == {}
    await world.env.advance_time(2)
    assert world.outcomes == {"rate limited": 1}


async def test_messages_that_arrive_late_are_left_alone(world: World) -> None:
    """As after a lost connection, when Discord sends what was missed."""
    message = await world.alice.send(world.channel, "nothing")
    await world.env.advance_time(16)
    message.content = "happy"
    await reactions_of(world.bot).on_message(message)
    assert world.outcomes == {"neutral": 1, "stale": 1}


async def test_a_crowd_in_one_channel_gets_few_reactions_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await world.alice.send(world.channel, "nothing")
    message.content = "happy"
    started = asyncio.Semaphore(0)
    granted = asyncio.Event()

    async def wait(*_: object) -> None:
        started.release()
        await granted.wait()

    monkeypatch.setattr(world.bot.http, "add_reaction", wait)
    crowd = [asyncio.create_task(reactions_of(world.bot).on_message(message)) for _ in range(10)]
    for _ in range(4):
        await started.acquire()
    await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
    granted.set()
    await asyncio.gather(*crowd)
    assert world.outcomes == {"neutral": 1, "crowded": 6, "reacted": 4}


async def test_a_model_that_fails_is_reported_without_the_text(
    world: World,
    bilstm: ScriptedClassifier,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(text: str) -> None:
        raise ValueError(f"cannot read {text!r}")

    monkeypatch.setattr(bilstm, "_predict", fail)
    await world.alice.send(world.channel, "a secret")
    assert [type(error) for error in world.env.errors] == [ValueError]
    assert "on_message failed with ValueError" in caplog.text
    assert "secret" not in caplog.text
    monkeypatch.undo()
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]


async def test_with_the_shipped_weights_and_nothing_set() -> None:
    bot = create_bot()
    async with simcord.run(bot) as env:
        guild = env.create_guild()
        channel = guild.create_text_channel("general")
        alice = guild.add_member(env.create_user("alice"))
        await alice.send(channel, "Thank you so much, I really appreciate it!")
        await alice.send(channel, "The meeting is at ten on Thursday.")
        grateful, neutral = channel.history()
        assert [str(reaction.emoji) for reaction in grateful.reactions] == ["🙏"]
        assert neutral.reactions == []
        compared = await alice.slash(channel, "compare", text="Thank you so much!")
        assert compared.response
        [embed] = compared.response.embeds
        assert [str(field.name).split(" · ")[0] for field in embed.fields] == ["RNN", "BiLSTM"]
        assert all("gratitude" in str(field.value) for field in embed.fields)
    await bot.close()
