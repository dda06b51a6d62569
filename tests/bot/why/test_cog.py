from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord

from bot.configuration import Configuration
from bot.errors import BUSY
from bot.reactions.gate import NO_WORDS, NOT_A_PERSON, NOT_READY, NOT_TO_BE_READ
from bot.ui.request_limits import MAX_TEXTS, TOO_MANY
from classifiers import LABELS, Prediction
from tests.bot.clock import ManualClock
from tests.bot.interactions import install_bracket_language, untranslated_words, use_menu_in_direct_message
from tests.bot.support import StubClassifier, World, database_content, prediction_of

MENU = "Why?"
REACTED, WOULD = "I reacted with 😃.", "If it were written now, I would react with 😃."
HEARD = "I hear **joy** with a certainty of 90%; to react I need 50%."
WORD = "These words counted most: **happy**"
PAUSE = "After each reaction I pause in that channel for 10 seconds."
ENOUGH = "I react to at most 35% of the messages that a channel gets in ten minutes."
AT_ONCE = "By now, a new message here may get a reaction again."


def setting(name: str) -> str:
    return f"-# Anyone who manages this server can change that in `/settings`: **{name}**"


async def why(world: World, message: discord.Message, channel: simcord.ChannelHandle | None = None) -> list[str]:
    """Return the lines that Alice sees, privately, when she opens the menu of a message."""
    return lines_of(await world.alice.context_menu(channel or world.channel, MENU, message))


async def why_of(world: World, text: str) -> list[str]:
    return await why(world, await world.alice.send(world.channel, text))


def lines_of(result: simcord.InteractionResult) -> list[str]:
    assert result.response
    assert result.response.ephemeral
    assert result.response.components == []
    return result.response.content.split("\n")


async def test_explanation_of_a_reaction_is_private(world: World, bob: simcord.MemberActor) -> None:
    message = await bob.send(world.channel, "so happy today")
    assert await why(world, message) == [REACTED, HEARD, WORD]
    assert world.emoji_of(message) == ["😃"]
    assert len(world.channel.history(viewer=bob)) == 1


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("plain words", ["I hear no emotion in it."]),
        ("https://example.com/happy", [NO_WORDS]),
        (
            "my grandpa just died lol",
            ["It seems to be about self-harm, death or grave illness; I never react to that."],
        ),
    ],
)
async def test_silence_is_explained_in_plain_words(world: World, text: str, lines: list[str]) -> None:
    assert await why_of(world, text) == lines


async def test_message_in_another_language_is_explained_as_not_understood(world: World, bilstm: StubClassifier) -> None:
    bilstm.predictions["çok mutluyum"] = Prediction(LABELS, (0.9, *(0.1,) * 27), (0.3,) * 28, known=0.0)
    assert await why_of(world, "çok mutluyum") == ["I know too few of its words; I understand only English."]


@pytest.mark.parametrize(("certainty", "lines"), [(0.45, [setting("Liveliness: lively")]), (0.31, [])])
async def test_livelier_setting_is_suggested_only_if_sufficient(
    world: World, bilstm: StubClassifier, certainty: float, lines: list[str]
) -> None:
    bilstm.predictions["hmm"] = prediction_of(joy=certainty)
    certainty_line = f"I hear **joy** with a certainty of {certainty:.0%}; to react I need 50%."
    words = "These words counted most: **hmm**"
    assert await why_of(world, "hmm") == ["I am not certain enough.", certainty_line, words, *lines]


async def test_settings_that_keep_an_emotion_silent_are_named(world: World) -> None:
    await world.configure(muted=["joy"])
    assert await why_of(world, "happy") == [
        "This emotion is muted in this server.",
        HEARD,
        WORD,
        setting("Muted emotions"),
    ]


class TestWithLabelsOfAnotherDataSet:
    @pytest.fixture
    def bilstm(self) -> StubClassifier:
        labels = ("self_doubt", "neutral")
        doubt, none = Prediction(labels, (0.9, 0.1), (0.3, 0.3)), Prediction(labels, (0.1, 0.9), (0.3, 0.3))
        return StubClassifier({"odd": doubt, "": none}, labels=labels)

    async def test_label_without_emoji_is_named_with_the_setting_for_emoji(self, world: World) -> None:
        assert await why_of(world, "odd") == [
            "I have no emoji for this emotion.",
            "I hear **self\\_doubt** with a certainty of 90%; to react I need 50%.",
            "These words counted most: **odd**",
            setting("Changed emoji"),
        ]


@pytest.mark.parametrize(
    ("changes", "sentence", "name"),
    [
        ({"enabled": False}, "My reactions are turned off in this server.", "Reactions"),
        ({"channel_rule": "only"}, "This server's settings exclude this channel.", "Channels"),
    ],
)
async def test_nothing_is_read_in_excluded_channels(
    world: World, bilstm: StubClassifier, changes: dict[str, object], sentence: str, name: str
) -> None:
    await world.configure(**changes)
    assert await why_of(world, "happy") == [sentence, setting(name)]
    assert bilstm.batches == []


async def test_messages_of_people_who_opted_out_are_not_read(
    world: World, bob: simcord.MemberActor, bilstm: StubClassifier
) -> None:
    message = await bob.send(world.channel, "happy")
    bilstm.batches.clear()
    await world.bot.store.opt_out(bob.id)
    assert await why(world, message) == [NOT_TO_BE_READ]
    assert bilstm.batches == []


async def test_nothing_is_shown_if_the_author_opts_out_meanwhile(
    world: World, bob: simcord.MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await bob.send(world.channel, "happy")
    explain = world.bot.analyzer.explain

    async def explain_slowly(text: str, *names: str) -> Any:
        explained = await explain(text, *names)
        await world.bot.store.opt_out(bob.id)
        return explained

    monkeypatch.setattr(world.bot.analyzer, "explain", explain_slowly)
    assert await why(world, message) == [NOT_TO_BE_READ]


async def test_messages_of_bots_and_forwarded_texts_are_not_read(
    world: World, bob: simcord.MemberActor, bilstm: StubClassifier
) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    assert await why(world, await robot.send(world.channel, "happy")) == [NOT_A_PERSON]
    assert bilstm.batches == []
    forwarded = await bob.forward(await bob.send(world.channel, "happy"), world.channel)
    bilstm.batches.clear()
    assert (await why(world, forwarded))[0].startswith("It has no text of its own")
    assert bilstm.batches == []


async def test_missing_permission_is_named(world: World) -> None:
    me = world.guild.me
    assert me
    forbidden = discord.PermissionOverwrite(add_reactions=False)
    quiet = world.guild.create_text_channel("quiet", overwrites={me: forbidden})
    message = await world.alice.send(quiet, "happy")
    assert await why(world, message, quiet) == ["I lack a permission in this channel; `/settings` shows which one."]


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_pause_is_explained_with_the_time_of_the_next_reaction(world: World, clock: ManualClock) -> None:
    await world.alice.send(world.channel, "happy")
    for _ in range(6):  # so that the share is not used up
        message = await world.alice.send(world.channel, "happy")
    pause, certainty_line, words, following, change = await why(world, message)
    assert (pause, certainty_line, words, change) == (PAUSE, HEARD, WORD, setting("Liveliness: lively"))
    assert seconds_to_next(message, following) == pytest.approx(10, abs=2)
    clock.now += 10
    assert await why(world, message) == [PAUSE, HEARD, WORD, AT_ONCE, setting("Liveliness: lively")]


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_used_up_share_is_explained_with_the_time_of_the_next_reaction(world: World, clock: ManualClock) -> None:
    await world.alice.send(world.channel, "happy")
    clock.now += 60
    message = await world.alice.send(world.channel, "happy")
    share, *_, following, change = await why(world, message)
    assert (share, change) == (ENOUGH, setting("Liveliness: lively"))
    assert seconds_to_next(message, following) == pytest.approx(540, abs=2)


async def test_unread_message_is_explained_by_what_its_text_says(world: World) -> None:
    await world.configure(mood=False)
    await world.alice.send(world.channel, "happy")
    assert await why_of(world, "plain words") == ["I hear no emotion in it."]
    assert (await why_of(world, "happy"))[:3] == [PAUSE, HEARD, WORD]
    assert world.outcomes == {"reacted": 1, "cooling down": 2}


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_smaller_share_after_dislikes_is_explained(world: World, clock: ManualClock) -> None:
    await world.configure(liveliness="lively")
    await world.alice.react(await world.alice.send(world.channel, "happy"), "❌")
    clock.now += 60
    assert (await why_of(world, "happy"))[0] == ENOUGH  # half of the 70% of a lively server


@pytest.mark.usefixtures("new_server")
async def test_shorter_pause_in_a_new_server_is_explained(world: World) -> None:
    await world.alice.send(world.channel, "happy")
    pause, *_ = await why_of(world, "happy")
    assert pause == PAUSE.replace("10", "2")


async def test_setting_that_resets_dislikes_is_named(world: World, bilstm: StubClassifier) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.react(message, "❌")
    assert await why(world, message) == [
        "Someone removed my reaction, so I add no other.",
        HEARD.replace("50", "75"),
        WORD,
    ]
    await world.rest()
    bilstm.predictions["nice"] = prediction_of(joy=0.6)
    assert await why_of(world, "nice") == [
        "I am not certain enough.",
        "I hear **joy** with a certainty of 60%; to react I need 75%.",
        "These words counted most: **nice**",
        setting("Holding back: React as usual"),
    ]


async def test_refusal_is_explained_without_naming_who_blocked_the_bot(world: World) -> None:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=403, code=90001)
    assert await why_of(world, "happy") == ["Discord did not let me react to it.", HEARD, WORD]


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_forgotten_message_is_judged_as_if_written_now(world: World, clock: ManualClock) -> None:
    message = await world.alice.send(world.channel, "happy")
    clock.now += 3600
    assert await why(world, message) == [WOULD, HEARD, WORD]


async def test_answer_in_direct_messages_names_no_settings(world: World) -> None:
    message = await world.alice.user.send_dm("hmm")
    lines = lines_of(await use_menu_in_direct_message(world, world.alice.user, MENU, message))
    assert lines[0] == "I am not certain enough."
    assert len(lines) == 3


async def test_menu_is_available_to_everybody_where_the_bot_is_a_member(world: World) -> None:
    command = world.env.backend.commands[None][MENU, 3]
    assert (command["contexts"], command["integration_types"]) == ([0, 1], [0])
    assert command.get("default_member_permissions") is None


async def test_many_questions_in_a_row_are_rate_limited(world: World, bob: simcord.MemberActor) -> None:
    message = await world.alice.send(world.channel, "happy")
    for _ in range(MAX_TEXTS):
        assert (await why(world, message))[0] == REACTED
    sentence = re.escape(TOO_MANY).replace(r"\{when\}", r"<t:\d+:R>")
    assert re.fullmatch(sentence, (await why(world, message))[0])
    assert lines_of(await bob.context_menu(world.channel, MENU, message))[0] == REACTED


async def test_overloaded_bot_says_that_it_is_busy(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.bot.analyzer.close()
    assert await why(world, message) == [BUSY]
    assert len(world.env.errors) == 1


class TestWithoutADatabase:
    @pytest.fixture
    def configuration(self, tmp_path: Path) -> Configuration:
        return Configuration(database_url=f"sqlite+aiosqlite:///{tmp_path}/nowhere/emobot.db")

    async def test_nothing_is_read_while_opt_outs_are_unknown(self, world: World, bilstm: StubClassifier) -> None:
        assert await why_of(world, "happy") == [NOT_READY]
        assert bilstm.batches == []


async def test_message_is_neither_stored_nor_logged(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    await why_of(world, "happy secret")
    await world.bot.store.close()
    stored = database_content(tmp_path)
    assert b"SQLite format 3" in stored
    assert b"secret" not in stored
    assert "secret" not in caplog.text


@pytest.mark.parametrize("text", ["happy", "plain", "hmm", "https://example.com"])
async def test_every_word_is_translated(world: World, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    message = await world.alice.send(world.channel, text)
    install_bracket_language(monkeypatch)
    result = await world.alice.context_menu(world.channel, MENU, message)
    assert result.response
    assert untranslated_words(result.response).replace(text, "") == ""


def seconds_to_next(message: discord.Message, line: str) -> float:
    """Return the seconds from a message to the moment that Discord counts down to in a line."""
    found = re.fullmatch(r"The next reaction here may come <t:(\d+):R> at the latest\.", line)
    assert found
    return int(found[1]) - message.created_at.timestamp()
