from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import discord
import pytest
import simcord
from simcord.backend import serializers
from simcord.enums import MessageType

from bot import create_bot
from bot.analysis.analyzer import Analyzer
from bot.configuration import Configuration
from bot.reactions import cog
from bot.reactions.pace import PROFILES, WAITING_PER_WEIGHT, Profile
from bot.server_settings import Liveliness
from classifiers import LABELS, Prediction
from tests.bot.clock import ManualClock
from tests.bot.interactions import panel_text
from tests.bot.support import PREDICTIONS, StubClassifier, World, reactions_of


@pytest.mark.usefixtures("new_server")
@pytest.mark.parametrize("clock", [ManualClock()])
async def test_bot_reacts_more_often_in_its_first_hour_in_a_server(world: World, clock: ManualClock) -> None:
    async def reactions_to_three_messages() -> int:
        clock.now += 3600
        messages = []
        for _ in range(3):
            messages.append(await world.alice.send(world.channel, "happy"))
            clock.now += 3
        return sum(world.emoji_of(message) == ["😃"] for message in messages)

    assert await reactions_to_three_messages() == 3
    await world.rest(3600)
    assert await reactions_to_three_messages() == 1


@pytest.mark.usefixtures("no_pace_limits")
async def test_bot_reacts_with_the_emoji_of_the_emotion(world: World) -> None:
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
async def test_each_reason_for_no_reaction_is_counted(world: World, text: str, reason: str) -> None:
    message = await world.alice.send(world.channel, text)
    assert world.emoji_of(message) == []
    assert world.outcomes == {reason: 1}
    assert world.reaction_requests() == 0


async def test_grave_message_gets_no_reaction_and_an_edit_into_one_removes_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = await world.alice.send(world.channel, "happy, for my grandpa just died lol")
    assert (world.emoji_of(message), world.outcomes) == ([], {"grave": 1})
    assert f"Message {message.id} in channel {world.channel.id}: grave." in caplog.messages
    other = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(other) == ["😃"]
    await world.alice.edit(other, "happy, and i want to die")
    assert world.emoji_of(other) == []
    assert "grandpa" not in caplog.text


@pytest.mark.parametrize("configuration", [Configuration(min_certainty=0.4)])
async def test_configured_minimum_certainty_replaces_that_of_the_model(world: World) -> None:
    message = await world.alice.send(world.channel, "hmm")
    assert world.emoji_of(message) == ["😃"]


@pytest.mark.parametrize("configuration", [Configuration(reacts_with="rnn")])
async def test_the_model_named_in_the_configuration_reacts(world: World, bilstm: StubClassifier) -> None:
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


async def test_own_messages_are_not_read(world: World) -> None:
    message = await world.bot.get_partial_messageable(world.channel.id).send("I am so happy today")
    await world.env.settle()
    assert (world.emoji_of(message), world.outcomes) == ([], {"itself": 1})


async def test_empty_messages_are_not_read(world: World, bilstm: StubClassifier) -> None:
    message = await world.alice.send(world.channel, "", attachments=[("happy.txt", b"happy")])
    assert (world.emoji_of(message), world.outcomes) == ([], {"empty": 1})
    assert bilstm.batches == []


async def test_forwarded_messages_are_not_read(world: World, bilstm: StubClassifier) -> None:
    message = await world.alice.send(world.channel, "plain")
    message = await world.alice.forward(message, world.channel)
    assert (world.emoji_of(message), world.outcomes) == ([], {"neutral": 1, "empty": 1})
    assert bilstm.batches == [["plain"]]


async def test_system_messages_are_not_read(world: World) -> None:
    world.guild.create_system_message(world.channel, MessageType.NEW_MEMBER, author=world.alice)
    await world.env.settle()
    assert world.outcomes == {"system": 1}


async def open_thread(
    world: World, kind: discord.ChannelType = discord.ChannelType.public_thread
) -> simcord.ChannelHandle:
    """Return a thread in the channel; a private one has Alice as a member."""
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    thread = await channel.create_thread(name="aside", type=kind)
    await thread.add_user(discord.Object(world.alice.id))
    await world.env.settle()
    [handle] = world.channel.threads
    return handle


async def test_a_message_in_a_thread_gets_a_reaction(world: World) -> None:
    thread = await open_thread(world)
    message = await world.alice.send(thread, "I am so happy today")
    assert world.emoji_of(message, thread) == ["😃"]


async def test_a_direct_message_gets_a_reaction(world: World) -> None:
    message = await world.alice.send_dm("I am so happy today")
    assert world.emoji_of(message, world.alice.user.dm_channel) == ["😃"]


@pytest.mark.parametrize("missing", ["add_reactions", "read_message_history"])
async def test_missing_permission_sends_no_request(world: World, bilstm: StubClassifier, missing: str) -> None:
    assert world.bot.user
    me = world.guild.me
    assert me
    quiet = world.guild.create_text_channel("quiet", overwrites={me: discord.PermissionOverwrite(**{missing: False})})
    message = await world.alice.send(quiet, "I am so happy today")
    assert (world.emoji_of(message, quiet), world.outcomes) == ([], {"not permitted": 1})
    assert world.reaction_requests() == 0
    assert bilstm.batches == []


async def test_message_without_permission_is_not_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise those of a busy channel would push out messages to which the bot has reacted."""
    with monkeypatch.context() as patched:
        patched.setattr(cog, "may_react", lambda _: False)
        message = await world.alice.send(world.channel, "happy")
    await world.alice.edit(message, "so happy")
    assert (world.emoji_of(message), world.outcomes) == ([], {"not permitted": 1})


async def test_failing_model_is_logged_without_the_text(
    world: World,
    bilstm: StubClassifier,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(text: str) -> None:
        raise ValueError(f"cannot read {text!r}")

    monkeypatch.setattr(bilstm, "_predict", fail)
    await world.alice.send(world.channel, "a secret")
    assert [type(error) for error in world.env.errors] == [ValueError]
    assert "on_message failed" in caplog.text
    assert "secret" not in caplog.text
    monkeypatch.undo()
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]


# ---------------------------------------------------------------- pace


async def test_a_channel_gets_few_reactions_and_pauses_between_them(world: World) -> None:
    await world.alice.send(world.channel, "happy")
    await world.alice.send(world.channel, "happy")  # at once: too soon
    await world.env.advance_time(10)
    await world.alice.send(world.channel, "happy")  # 1 of 3 messages has a reaction, a second would be too many
    for _ in range(2):
        await world.alice.send(world.channel, "nothing")
    await world.alice.send(world.channel, "happy")
    elsewhere = world.guild.create_text_channel("elsewhere")
    await world.alice.send(elsewhere, "happy")
    assert world.outcomes == {"reacted": 3, "cooling down": 1, "enough": 3}


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_message_read_for_the_mood_gets_no_reaction_although_the_pause_ends(
    world: World, clock: ManualClock, bilstm: StubClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROFILES, Liveliness.NORMAL, Profile(strictness=0, share=1, free=100, cooldown=10))
    await world.alice.send(world.channel, "happy")
    predict = bilstm._predict

    def predict_slowly(text: str) -> Prediction:
        clock.now += 60
        return predict(text)

    monkeypatch.setattr(bilstm, "_predict", predict_slowly)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == []
    assert world.outcomes == {"reacted": 1, "cooling down": 1}


async def test_a_lively_server_gets_more_reactions(world: World) -> None:
    await world.configure(liveliness="lively")
    for _ in range(4):
        await world.alice.send(world.channel, "hmm")
        await world.env.advance_time(2)
    assert world.outcomes == {"reacted": 3, "enough": 1}


async def test_a_message_in_another_language_gets_no_reaction(world: World, bilstm: StubClassifier) -> None:
    joy = PREDICTIONS["happy"]
    bilstm.predictions["glücklich"] = Prediction(LABELS, joy.scores, joy.thresholds, joy.certainty, known=0.25)
    await world.alice.send(world.channel, "ich bin so glücklich")
    assert world.outcomes == {"not understood": 1}
    assert await world.moods() == {}


@pytest.mark.parametrize(("status", "code"), [(503, 0), (403, 50013), (400, 50035)])
async def test_failed_reaction_does_not_count_for_the_pace(world: World, status: int, code: int) -> None:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=status, code=code)
    await world.alice.send(world.channel, "happy")
    await world.env.advance_time(5)
    if status == 403:
        await world.env.advance_time(55)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]


async def test_refused_reaction_counts_for_the_pace_of_the_channel(world: World) -> None:
    """Each refusal would count towards a ban."""
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=403, code=90001)
    await world.alice.send(world.channel, "happy")
    await world.alice.send(world.channel, "happy")
    assert world.outcomes == {"blocked by the author": 1, "cooling down": 1}


# ---------------------------------------------------------------- settings and opt-outs


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"enabled": False}, "switched off"),
        ({"channel_rule": "only"}, "channel left out"),
        ({"muted": ["joy"]}, "muted"),
    ],
)
async def test_settings_can_prevent_reactions(
    world: World, bilstm: StubClassifier, changes: dict[str, object], outcome: str
) -> None:
    await world.configure(**changes)
    message = await world.alice.send(world.channel, "happy")
    assert (world.emoji_of(message), world.outcomes) == ([], {outcome: 1})
    assert bool(bilstm.batches) == (outcome == "muted")  # excluded channels are not even read


async def test_a_server_chooses_its_emoji_and_its_model(world: World, bilstm: StubClassifier) -> None:
    party = world.guild.create_emoji("party")
    await world.configure(model="rnn", emoji={"fear": "🫣", "joy": f"<:party:{party.id}>"})
    message = await world.alice.send(world.channel, "odd")
    assert world.emoji_of(message) == ["🫣"]
    assert bilstm.batches == []
    await world.rest()
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == [f"<:party:{party.id}>"]


async def test_deleted_custom_emoji_falls_back_to_the_default(world: World) -> None:
    await world.configure(emoji={"joy": "<:party:123456789012345678>"})
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]


async def test_thread_has_the_settings_of_its_channel(world: World) -> None:
    await world.configure(channels=[world.channel.id])
    thread = await open_thread(world)
    await world.alice.send(thread, "happy")
    await world.configure(channels=[])
    await world.alice.send(thread, "happy")
    assert world.outcomes == {"itself": 1, "channel left out": 1, "reacted": 1}  # "itself" opened the thread
    assert await world.moods(world.channel.id) == {"joy": 1}


async def test_thread_of_a_hidden_channel_gets_no_reaction(world: World) -> None:
    thread = await open_thread(world)
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    channel.guild._remove_channel(channel)
    await world.alice.send(thread, "happy")
    assert world.outcomes == {"itself": 1, "not permitted": 1}
    assert world.env.errors == []


async def test_unknown_channel_gets_no_reaction(world: World, bilstm: StubClassifier) -> None:
    """The server may have excluded it; Discord also sends messages of threads that the bot does not know yet."""
    thread = await open_thread(world)
    channel = world.bot.get_channel(thread.id)
    assert isinstance(channel, discord.Thread)
    channel.guild._remove_thread(channel)
    await world.alice.send(thread, "happy")
    assert world.outcomes == {"itself": 1, "channel left out": 1}
    assert bilstm.batches == []


async def test_category_setting_covers_its_channels(world: World) -> None:
    staff = world.guild.create_category("staff")
    office = world.guild.create_text_channel("office", category=staff)
    await world.configure(channels=[staff.id])
    await world.alice.send(office, "happy")
    assert world.outcomes == {"channel left out": 1}


async def test_age_restricted_channels_are_read_only_if_enabled(world: World) -> None:
    den = world.guild.create_text_channel("den")
    channel = world.bot.get_channel(den.id)
    assert isinstance(channel, discord.TextChannel)
    channel.nsfw = True  # SimCord has no such channels
    await world.alice.send(den, "happy")
    await world.configure(age_restricted=True)
    await world.alice.send(den, "happy")
    assert world.outcomes == {"age-restricted": 1, "reacted": 1}


async def test_messages_in_voice_and_announcement_channels_get_reactions(world: World) -> None:
    for channel in (world.guild.create_voice_channel("voice"), world.guild.create_news_channel("news")):
        message = await world.alice.send(channel, "happy")
        assert world.emoji_of(message, channel) == ["😃"]


async def test_messages_after_an_opt_out_are_not_read(world: World, bilstm: StubClassifier) -> None:
    await world.bot.store.opt_out(world.alice.id)
    await world.alice.send(world.channel, "happy")
    assert (world.outcomes, bilstm.batches) == ({"opted out": 1}, [])
    await world.bot.store.opt_in(world.alice.id)
    await world.alice.send(world.channel, "happy")
    assert world.outcomes == {"opted out": 1, "reacted": 1}


async def test_nothing_is_read_before_opt_outs_are_loaded(world: World, bilstm: StubClassifier) -> None:
    world.bot.store.cache.ready = False
    await world.alice.send(world.channel, "happy")
    assert (world.outcomes, bilstm.batches) == ({"not ready": 1}, [])


# ---------------------------------------------------------------- moods


async def test_moods_are_counted_whether_or_not_there_is_a_reaction(world: World) -> None:
    for text in ("happy", "happy", "nothing", "hmm"):
        await world.alice.send(world.channel, text)
    await world.alice.send_dm("happy")
    assert await world.moods(world.channel.id) == {"joy": 3, "neutral": 1}
    assert await world.moods() == {"joy": 3, "neutral": 1}


async def test_moods_of_private_threads_are_not_counted(world: World) -> None:
    thread = await open_thread(world, discord.ChannelType.private_thread)
    message = await world.alice.send(thread, "happy")
    assert world.emoji_of(message, thread) == ["😃"]
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message, thread) == ["🙏"]
    assert await world.moods() == {}


async def test_moods_of_forum_posts_are_counted_for_their_forum(world: World) -> None:
    forum = world.guild.create_forum_channel("questions")
    channel = world.bot.get_channel(forum.id)
    assert isinstance(channel, discord.ForumChannel)
    await channel.create_thread(name="How?", content="plain")
    await world.env.settle()
    [post] = forum.threads
    await world.alice.send(post, "happy")
    assert await world.moods(forum.id) == {"joy": 1}


async def test_moods_are_not_counted_where_disabled(world: World) -> None:
    await world.configure(mood=False)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]
    assert await world.moods() == {}


# ---------------------------------------------------------------- what is not read


async def pause(world: World) -> str:
    await world.alice.send(world.channel, "happy")
    return "cooling down"


async def use_up_the_share(world: World) -> str:
    await world.alice.send(world.channel, "happy")
    await world.env.advance_time(11)
    return "enough"


async def be_refused_by_discord(world: World) -> str:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=403, code=50013)
    await world.alice.send(world.channel, "happy")
    await world.env.advance_time(11)
    return "backing off"


async def let_discord_fail(world: World) -> str:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=503)
    await world.alice.send(world.guild.create_text_channel("elsewhere"), "happy")
    return "held back"


OBSTACLES = [pause, use_up_the_share, be_refused_by_discord, let_discord_fail]


@pytest.mark.parametrize("arrange", OBSTACLES)
async def test_message_that_cannot_get_a_reaction_is_not_read(
    world: World, bilstm: StubClassifier, arrange: Callable[[World], Awaitable[str]]
) -> None:
    await world.configure(mood=False)
    outcome = await arrange(world)
    await world.alice.send(world.channel, "thanks")
    assert world.outcomes[outcome] == 1
    assert bilstm.batches == [["happy"]]


@pytest.mark.parametrize("arrange", OBSTACLES)
async def test_every_message_counts_for_the_mood_of_a_quiet_channel(
    world: World, arrange: Callable[[World], Awaitable[str]]
) -> None:
    reactions_of(world.bot)._chance = lambda: 0.999
    await arrange(world)
    await world.alice.send(world.channel, "thanks")
    assert (await world.moods())["gratitude"] == 1


async def test_edit_is_not_read_where_the_bot_may_no_longer_react(
    world: World, bilstm: StubClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.configure(mood=False)
    message = await world.alice.send(world.channel, "nothing")
    monkeypatch.setattr(discord.TextChannel, "permissions_for", lambda *_: discord.Permissions(view_channel=True))
    await world.alice.edit(message, "happy")
    assert (world.reaction_requests(), bilstm.batches) == (0, [["nothing"]])


async def test_message_read_only_for_the_mood_may_wait_for_a_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    urgent: list[bool] = []
    classify = Analyzer.classify

    async def remember(*arguments: Any, **options: Any) -> Any:
        urgent.append(options["urgent"])
        return await classify(*arguments, **options)

    monkeypatch.setattr(Analyzer, "classify", remember)
    await pause(world)
    await world.alice.send(world.channel, "thanks")
    assert urgent == [True, False]


async def test_fewer_messages_are_read_for_the_mood_while_texts_wait(
    world: World, bilstm: StubClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    reactions_of(world.bot)._chance = iter((0.9, 0.2)).__next__
    await pause(world)
    # With so many waiting texts, one message in three is read.
    monkeypatch.setattr("bot.analysis.analyzer.Analyzer.texts_waiting", 2 * WAITING_PER_WEIGHT)
    await world.alice.send(world.channel, "nothing")
    await world.alice.send(world.channel, "thanks")
    assert bilstm.batches == [["happy"], ["thanks"]]
    assert await world.moods() == {"joy": 1, "gratitude": 3}


async def test_sampled_message_of_a_busy_channel_counts_for_several_until_edited_or_deleted(
    world: World, bilstm: StubClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reactions.pace.MESSAGES_PER_WEIGHT", 2)
    reactions_of(world.bot)._chance = iter((0.2, 0.4, 0.3, 0.9, 0.9, 0.1)).__next__
    await pause(world)
    await world.alice.send(world.channel, "nothing")
    third = await world.alice.send(world.channel, "hmm")  # the third, so one in two is read: 0.4 is below 1/2
    fourth = await world.alice.send(world.channel, "thanks")
    fifth = await world.alice.send(world.channel, "odd")  # one in three, and 0.9 is not below 1/3
    assert bilstm.batches == [["happy"], ["nothing"], ["hmm"], ["thanks"]]
    assert await world.moods() == {"joy": 3, "neutral": 1, "gratitude": 2}
    await world.alice.delete(third)
    assert await world.moods() == {"joy": 1, "neutral": 1, "gratitude": 2}
    await world.alice.edit(fourth, "odd")  # which draws again
    assert await world.moods() == {"joy": 1, "neutral": 1}
    await world.alice.edit(fifth, "thanks")
    assert await world.moods() == {"joy": 1, "neutral": 1, "gratitude": 3}
    await world.alice.delete(fifth)
    await world.alice.delete(fourth)
    assert await world.moods() == {"joy": 1, "neutral": 1}


# ---------------------------------------------------------------- edits and deletions


async def test_an_edit_replaces_the_reaction(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == ["🙏"]
    await world.alice.edit(message, "nothing")
    assert world.emoji_of(message) == []
    assert await world.moods() == {"neutral": 1}
    await world.alice.edit(message, "thanks for nothing")
    assert world.outcomes == {"reacted": 1}


async def test_no_second_reaction_is_added_if_the_first_cannot_be_removed(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    world.env.inject_error("DELETE", "/channels/*/reactions/*", status=403, code=50013)
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == ["😃"]
    world.env.inject_error("DELETE", "/channels/*/reactions/*", status=403, code=50013)
    await world.alice.edit(message, "nothing")
    assert world.emoji_of(message) == ["😃"]
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == ["🙏"]
    assert reactions_of(world.bot)._history.channels.holding_back([world.channel.id]) == []


async def test_edit_with_the_same_emotion_sends_no_request(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.edit(message, "so happy")
    assert world.emoji_of(message) == ["😃"]
    assert world.reaction_requests() == 1


async def test_an_edit_can_bring_a_first_reaction(world: World) -> None:
    message = await world.alice.send(world.channel, "nothing")
    await world.alice.edit(message, "happy")
    assert world.emoji_of(message) == ["😃"]


async def opt_out(world: World) -> None:
    await world.bot.store.opt_out(world.alice.id)


async def switch_off(world: World) -> None:
    await world.configure(enabled=False)


async def leave_out(world: World) -> None:
    await world.configure(channels=[world.channel.id])


async def restrict(world: World) -> None:
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    channel.nsfw = True  # SimCord has no such channels


OBJECTIONS = [opt_out, switch_off, leave_out, restrict]


@pytest.mark.parametrize("objection", OBJECTIONS)
@pytest.mark.parametrize(("before", "batches"), [("plain", [["plain"]]), ("happy", [["happy"]])])
async def test_edit_after_an_objection_is_not_read_and_the_reaction_is_removed(
    world: World,
    bilstm: StubClassifier,
    objection: Callable[[World], Awaitable[None]],
    before: str,
    batches: list[list[str]],
) -> None:
    message = await world.alice.send(world.channel, before)
    await objection(world)
    await world.alice.edit(message, "thanks")
    assert bilstm.batches == batches
    assert world.emoji_of(message) == []
    assert await world.moods() == {}


@pytest.mark.parametrize("objection", OBJECTIONS)
async def test_objection_while_a_message_is_read_prevents_the_reaction(
    world: World, monkeypatch: pytest.MonkeyPatch, objection: Callable[[World], Awaitable[None]]
) -> None:
    classify = world.bot.analyzer.classify

    async def read_and_object(*arguments: Any, **options: Any) -> Prediction:
        prediction = await classify(*arguments, **options)
        await objection(world)
        return prediction

    monkeypatch.setattr(world.bot.analyzer, "classify", read_and_object)
    await world.alice.send(world.channel, "happy")
    assert world.reaction_requests() == 0
    assert await world.moods() == {}


@pytest.mark.parametrize("objection", OBJECTIONS)
async def test_objection_while_a_reaction_is_sent_removes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, objection: Callable[[World], Awaitable[None]]
) -> None:
    add = world.bot.http.add_reaction

    async def object_and_add(channel_id: int, message_id: int, emoji: str) -> None:
        await objection(world)
        await add(channel_id, message_id, emoji)

    monkeypatch.setattr(world.bot.http, "add_reaction", object_and_add)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == []
    assert world.outcomes == {"taken back": 1}


@pytest.mark.parametrize("objection", OBJECTIONS)
async def test_objection_while_an_earlier_reaction_is_removed_prevents_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch, objection: Callable[[World], Awaitable[None]]
) -> None:
    message = await world.alice.send(world.channel, "happy")
    remove = world.bot.http.remove_own_reaction

    async def object_and_remove(channel_id: int, message_id: int, emoji: str) -> None:
        await objection(world)
        await remove(channel_id, message_id, emoji)

    monkeypatch.setattr(world.bot.http, "remove_own_reaction", object_and_remove)
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == []
    assert world.reaction_requests() == 1


async def test_message_deleted_while_it_is_read_leaves_no_data(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    classify = world.bot.analyzer.classify

    async def read_and_lose(*arguments: Any, **options: Any) -> Prediction:
        prediction = await classify(*arguments, **options)
        [message] = world.channel.history()
        payload: Any = {"id": message.id, "channel_id": world.channel.id, "guild_id": world.guild.id}
        await reactions_of(world.bot).on_raw_message_delete(discord.RawMessageDeleteEvent(payload))
        return prediction

    monkeypatch.setattr(world.bot.analyzer, "classify", read_and_lose)
    await world.alice.send(world.channel, "happy")
    assert world.outcomes == {"message gone": 1}
    assert world.reaction_requests() == 0
    assert await world.moods() == {}


async def test_edit_that_leaves_no_words_removes_the_reaction(world: World, bilstm: StubClassifier) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.edit(message, "https://example.com")
    assert (world.emoji_of(message), bilstm.batches) == ([], [["happy"]])
    assert await world.moods() == {}


async def test_late_message_is_not_read(world: World, bilstm: StubClassifier) -> None:
    await world.configure(mood=False)
    message = await world.alice.send(world.channel, "nothing")
    await world.env.advance_time(16)
    payload = dict(
        serializers.message_payload(world.env.backend, world.env.backend.get_message(world.channel.id, message.id))
    )
    world.env.backend.emit("MESSAGE_CREATE", payload | {"content": "happy"})
    await world.env.settle()
    assert (world.outcomes, bilstm.batches) == ({"neutral": 1, "stale": 1}, [["nothing"]])


async def test_edit_of_an_older_message_has_the_age_of_the_edit(world: World) -> None:
    message = await world.alice.send(world.channel, "nothing")
    await world.env.advance_time(60)
    await world.alice.edit(message, "happy")
    assert world.emoji_of(message) == ["😃"]


async def test_update_without_an_edit_is_not_read(world: World, bilstm: StubClassifier) -> None:
    """For example, Discord adding the preview of a link: such an update has no time of an edit."""
    message = await world.alice.send(world.channel, "happy")
    backend = world.env.backend
    payload = dict(serializers.message_payload(backend, backend.get_message(world.channel.id, message.id)))
    assert payload["edited_timestamp"] is None
    backend.emit("MESSAGE_UPDATE", payload)
    await world.env.settle()
    assert world.env.errors == []
    assert bilstm.batches == [["happy"]]


async def test_a_late_edit_is_not_read(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.env.advance_time(121)
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == ["😃"]


async def test_deleted_message_leaves_no_data(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.delete(message)
    assert await world.moods() == {}
    assert world.env.errors == []


async def test_messages_deleted_in_bulk_leave_no_data(world: World) -> None:
    messages = [await world.alice.send(world.channel, text) for text in ("happy", "nothing", "happy")]
    world.env.backend.bulk_delete_messages(world.channel.id, [message.id for message in messages[:2]])
    await world.env.settle()
    assert await world.moods() == {"joy": 1}
    assert world.env.errors == []


async def test_bot_with_default_configuration_and_shipped_weights_reacts_and_compares() -> None:
    bot = create_bot()
    async with bot, simcord.run(bot) as env:
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
        words = panel_text(compared.response)
        assert re.findall(r"\*\*(RNN|BiLSTM)\*\*", words) == ["RNN", "BiLSTM"]
        assert "They agree on **gratitude**" in words
