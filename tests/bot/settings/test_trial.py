"""*Try it here*: what a person who manages a server sees of a channel, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import discord
import pytest
import simcord
from simcord.components import validate_components, walk_components

from bot.errors import NOT_ALLOWED
from bot.i18n import LANGUAGES, translator
from bot.reactions.gate import NOT_READY
from bot.reactions.observers import MessageResult
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import PROFILES
from bot.reactions.policy import Decision
from bot.reactions.sentences import SENTENCES
from bot.server_settings import Liveliness
from bot.settings.permissions import permission_warning
from bot.settings.trial import DURATION, EDIT_INTERVAL, HIDDEN, MAX_SHOWN, Trial, Trials
from bot.settings.trial_panel import STOP, EndReason, TrialLine, TrialPanel, instructions, trial_line
from classifiers import Classifier
from tests.bot.clock import ManualClock
from tests.bot.interactions import bot_restarts, install_bracket_language, panel_text, private_text, untranslated_words
from tests.bot.settings.support import Panel, resign
from tests.bot.support import StubClassifier, World, prediction_of, reactions_of

COMPONENTS_V2 = 1 << 15

HEARD = "**joy**, 90% certain, 50% needed: "
REACTED = f"{HEARD}I reacted with 😃."
PACE = f"{HEARD}After each reaction I pause in that channel for 10 seconds."


@dataclass
class ShownTrial:
    """A trial as seen by the person who started it."""

    world: World
    owner: simcord.MemberActor
    message: simcord.ResponseMessage

    @property
    def text(self) -> str:
        return panel_text(self.message)

    @property
    def lines(self) -> dict[str, str]:
        """The text about each message, by its link."""
        lines = (line.split(" ", 2) for line in self.text.splitlines() if line.startswith("<t:"))
        return {link.removeprefix("[→](").removesuffix(")"): expected for _when, link, expected in lines}

    @property
    def runs(self) -> bool:
        """Whether there is a button to stop the trial."""
        return any(part.get("custom_id") == STOP for part in walk_components(self.message.components))

    def line_of(self, message: discord.Message) -> str:
        """Return the text about a message; empty if it is not shown."""
        return self.lines.get(message.jump_url, "")

    async def next_edit(self) -> None:
        await self.world.rest(EDIT_INTERVAL)

    async def stop(self) -> None:
        await self.owner.click(self.message, custom_id=STOP)


async def press(owner: simcord.MemberActor, channel: simcord.ChannelHandle) -> simcord.InteractionResult:
    """Open the settings in a channel and press the button."""
    opened = await owner.slash(channel, "settings")
    assert opened.response
    return await owner.click(opened.response, custom_id="settings:try")


async def start_trial(
    world: World, owner: simcord.MemberActor, channel: simcord.ChannelHandle | None = None
) -> ShownTrial:
    result = await press(owner, channel or world.channel)
    assert result.response
    assert result.ephemeral
    return ShownTrial(world, owner, result.response)


@pytest.fixture
async def trial(world: World, owner: simcord.MemberActor) -> ShownTrial:
    return await start_trial(world, owner)


async def test_trial_is_private_and_says_what_to_do_and_when_it_ends(world: World, trial: ShownTrial) -> None:
    first, rest = trial.text.removeprefix("## Try it here\n").split("\n", 1)
    started_at = discord.utils.snowflake_time(trial.message.id)
    until = first.partition("This ends <t:")[2].removesuffix(":R>.")
    assert first.startswith(f"Write something in <#{world.channel.id}>, or wait for others to: ")
    assert int(until) - started_at.timestamp() == pytest.approx(600, abs=2)
    assert rest == "-# I don't keep any of it, and I neither read nor show messages by people who have opted out."
    assert trial.runs
    assert world.channel.history(viewer=world.alice) == []


async def test_each_message_is_shown_with_its_emotion_and_reaction_or_the_reason_for_none(
    world: World, bilstm: StubClassifier, trial: ShownTrial
) -> None:
    bilstm.predictions["sad"] = prediction_of(sadness=0.9)
    expected = {
        "so happy today": REACTED,
        "happy again": PACE,
        "hmm": "**joy**, 45% certain, 50% needed: I am not certain enough.",
        "plain words": "I hear no emotion in it.",
        "https://example.com": "It contains no words that I can read.",
        "sad, for grandpa died": "It seems to be about self-harm, death or grave illness; I never react to that.",
    }
    messages = {text: await world.alice.send(world.channel, text) for text in expected}
    assert [*trial.lines.values()] == [REACTED]  # the first at once
    await trial.next_edit()
    assert trial.lines == {messages[text].jump_url: what for text, what in expected.items()}
    assert (
        trial.text.count(f"<t:{int(messages['hmm'].created_at.timestamp())}:T> [→]({messages['hmm'].jump_url}) ") == 1
    )
    assert not any(text in trial.text for text in expected)


async def test_webhooks_are_shown_but_neither_the_bot_itself_nor_other_channels(
    world: World, trial: ShownTrial
) -> None:
    webhook = await world.guild.create_webhook(world.channel).send("happy")
    await world.bot.get_partial_messageable(world.channel.id).send("happy")
    await world.alice.send(world.guild.create_text_channel("elsewhere"), "happy")
    await trial.next_edit()
    assert trial.lines == {webhook.jump_url: "I read only what people write."}


async def test_trial_in_a_thread_shows_its_messages(world: World, owner: simcord.MemberActor) -> None:
    await bot_channel(world).create_thread(name="aside", type=discord.ChannelType.public_thread)
    await world.env.settle()
    [thread] = world.channel.threads
    trial = await start_trial(world, owner, thread)
    await world.alice.send(world.channel, "plain")
    message = await world.alice.send(thread, "happy")
    assert trial.lines == {message.jump_url: REACTED}


async def test_edit_changes_the_line_of_a_message_and_a_deletion_removes_it(world: World, trial: ShownTrial) -> None:
    edited = await world.alice.send(world.channel, "happy")
    deleted = [await world.alice.send(world.channel, "plain") for _ in range(3)]
    await trial.next_edit()
    assert [*trial.lines] == [message.jump_url for message in (edited, *deleted)]
    await world.alice.edit(edited, "plain")
    await world.alice.delete(deleted[0])
    await trial.next_edit()
    assert [*trial.lines] == [message.jump_url for message in (edited, *deleted[1:])]
    assert trial.line_of(edited) == "I hear no emotion in it."


async def test_people_who_opted_out_are_neither_read_nor_shown(
    world: World, bob: simcord.MemberActor, bilstm: StubClassifier, trial: ShownTrial
) -> None:
    await world.bot.store.opt_out(bob.id)
    await bob.send(world.channel, "happy")
    await trial.next_edit()
    assert (trial.lines, bilstm.batches) == ({}, [])


async def test_people_who_opt_out_later_are_no_longer_shown(
    world: World, bob: simcord.MemberActor, trial: ShownTrial
) -> None:
    stays = await world.alice.send(world.channel, "plain")
    await bob.send(world.channel, "plain")
    await trial.next_edit()
    assert len(trial.lines) == 2
    await world.bot.store.opt_out(bob.id)
    await trial.next_edit()
    assert [*trial.lines] == [stays.jump_url]


async def test_opted_out_tester_is_told_why_their_messages_are_missing(
    world: World, owner: simcord.MemberActor
) -> None:
    await world.bot.store.opt_out(owner.id)
    trial = await start_trial(world, owner)
    assert "⚠️ You have opted out: I only read what you type into /compare." in trial.text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"enabled": False}, "My reactions are turned off in this server."),
        ({"channel_rule": "only"}, "This server's settings exclude this channel."),
        ({}, "I am turned off in age-restricted channels here."),
    ],
)
async def test_reason_is_shown_in_excluded_channels(
    world: World,
    owner: simcord.MemberActor,
    bilstm: StubClassifier,
    changes: dict[str, object],
    sentence: str,
) -> None:
    bot_channel(world).nsfw = True  # SimCord has no such channels
    await world.configure(**changes)
    trial = await start_trial(world, owner)
    message = await world.alice.send(world.channel, "happy")
    await trial.next_edit()
    assert (trial.line_of(message), bilstm.batches) == (sentence, [])


def bot_channel(world: World) -> discord.TextChannel:
    """Return the channel as the bot knows it."""
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    return channel


async def test_missing_permission_is_reported_at_the_start_and_at_each_message(
    world: World, owner: simcord.MemberActor
) -> None:
    channel = channel_without(world, "add_reactions")
    trial = await start_trial(world, owner, channel)
    assert "⚠️ In this channel I lack these permissions: Add Reactions." in trial.text
    message = await world.alice.send(channel, "happy")
    await trial.next_edit()
    assert trial.line_of(message) == "I lack a permission in this channel; `/settings` shows which one."


def channel_without(world: World, permission: str) -> simcord.ChannelHandle:
    """Return a channel in which the bot lacks a permission."""
    me = world.guild.me
    assert me
    return world.guild.create_text_channel(
        "closed", overwrites={me: discord.PermissionOverwrite(**{permission: False})}
    )


async def test_busy_channel_shows_the_latest_messages_with_one_edit_every_few_seconds(
    world: World, trial: ShownTrial
) -> None:
    messages = [await world.alice.send(world.channel, "plain") for _ in range(MAX_SHOWN + 3)]
    assert edits(world) == 1
    await trial.next_edit()
    assert edits(world) == 2
    assert [*trial.lines] == [message.jump_url for message in messages[3:]]
    await trial.next_edit()
    assert edits(world) == 2  # there is nothing new


def edits(world: World) -> int:
    """Return how often the bot has asked Discord to edit the message."""
    return sum(request.method == "PATCH" and "/webhooks/" in request.path for request in world.env.http_requests)


# ---------------------------------------------------------------- how it ends


def no_trial_is_active(world: World) -> bool:
    """Return whether no trial observes a channel or waits to edit its message."""
    tasks = [task for task in asyncio.all_tasks() if Trial.update_loop.coro.__qualname__ in task.get_name()]
    return tasks == [] and len(reactions_of(world.bot).observers) == 0


async def test_button_stops_the_trial(world: World, trial: ShownTrial) -> None:
    message = await world.alice.send(world.channel, "happy")
    await trial.stop()
    assert trial.text.splitlines()[1] == EndReason.STOPPED.value
    assert (trial.line_of(message), trial.runs) == (REACTED, False)
    shown = trial.text
    await world.alice.send(world.channel, "plain")
    await trial.next_edit()
    assert trial.text == shown
    assert no_trial_is_active(world)


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_trial_ends_after_ten_minutes(world: World, clock: ManualClock, trial: ShownTrial) -> None:
    clock.now += DURATION.total_seconds() - 1
    await trial.next_edit()
    assert trial.runs
    clock.now += 1
    await trial.next_edit()
    assert (trial.text.splitlines(), trial.runs) == (["## Try it here", EndReason.TIME.value], False)
    assert no_trial_is_active(world)


async def test_trial_requires_manage_server(world: World, owner: simcord.MemberActor) -> None:
    opened = await owner.slash(world.channel, "settings")
    assert opened.response
    resign(world, owner)
    result = await owner.click(opened.response, custom_id="settings:try")
    assert result.response
    assert (result.response.content, result.ephemeral) == (NOT_ALLOWED, True)


async def test_trial_ends_at_the_next_message_after_the_person_may_no_longer_manage_the_server(
    world: World, trial: ShownTrial
) -> None:
    seen = await world.alice.send(world.channel, "plain")
    await trial.next_edit()
    resign(world, trial.owner)
    await world.alice.send(world.channel, "happy")
    await trial.next_edit()
    assert (trial.text.splitlines(), trial.runs) == (["## Try it here", EndReason.NOT_ALLOWED.value], False)
    assert trial.line_of(seen) == ""
    assert no_trial_is_active(world)


async def test_trial_ends_at_the_next_message_after_the_channel_is_hidden_from_the_person(
    world: World, trial: ShownTrial
) -> None:
    channel = bot_channel(world)
    managers = channel.guild.get_role(world.guild.roles["managers"].id)
    assert managers
    await channel.set_permissions(managers, view_channel=False)
    await world.alice.send(world.channel, "happy")
    assert (trial.text.splitlines(), trial.runs) == (["## Try it here", EndReason.NOT_ALLOWED.value], False)


async def test_trial_ends_at_the_next_message_after_the_person_has_left(world: World, trial: ShownTrial) -> None:
    world.env.backend.remove_member(world.guild.id, trial.owner.id)
    await world.alice.send(world.channel, "happy")
    assert no_trial_is_active(world)


async def test_nothing_is_shown_while_discord_does_not_say_what_the_person_may(world: World, trial: ShownTrial) -> None:
    world.env.inject_error("GET", "/guilds/*/members/*", status=400, code=0)
    message = await world.alice.send(world.channel, "happy")
    assert (trial.line_of(message), trial.runs) == ("", True)
    await trial.next_edit()
    assert trial.line_of(message) == REACTED


async def test_former_manager_can_still_stop_the_trial(world: World, trial: ShownTrial) -> None:
    resign(world, trial.owner)
    await trial.stop()
    assert EndReason.STOPPED.value in trial.text


@pytest.mark.parametrize("clock", [ManualClock()])
@pytest.mark.parametrize("end", ["stop", "time", "restart"])
async def test_last_edit_shows_a_former_manager_no_message_that_they_have_not_seen(
    world: World, clock: ManualClock, trial: ShownTrial, end: str
) -> None:
    await world.alice.send(world.channel, "plain")
    resign(world, trial.owner)
    unseen = await world.alice.send(world.channel, "happy")  # too soon for another edit
    if end == "stop":
        await trial.stop()
    elif end == "time":
        clock.now += DURATION.total_seconds()
        await trial.next_edit()
    else:
        await world.bot.remove_cog("Settings")
    assert (trial.line_of(unseen), trial.runs) == ("", False)
    assert no_trial_is_active(world)


async def test_message_that_is_handled_while_the_trial_ends_is_not_shown(world: World, trial: ShownTrial) -> None:
    [running] = reactions_of(world.bot).observers.in_channel(world.channel.id)
    assert isinstance(running, Trial)
    await trial.stop()
    await running.message_handled(1, world.alice.id, MessageResult(Outcome.EMPTY))
    panel: Any = running.panel()
    assert SENTENCES[Outcome.EMPTY] not in str(panel.to_components())


async def test_second_trial_of_a_person_in_a_channel_replaces_the_first(
    world: World, owner: simcord.MemberActor, bob: simcord.MemberActor, trial: ShownTrial
) -> None:
    world.env.backend.add_member_role(world.guild.id, bob.id, world.guild.roles["managers"].id)
    others = await start_trial(world, bob)
    second = await start_trial(world, owner)
    assert (EndReason.MOVED.value in trial.text, trial.runs) == (True, False)
    message = await world.alice.send(world.channel, "happy")
    await trial.next_edit()
    assert [shown.line_of(message) for shown in (trial, second, others)] == ["", REACTED, REACTED]
    await second.stop()
    assert EndReason.STOPPED.value in second.text
    assert others.runs


@pytest.mark.usefixtures("trial")
async def test_deleted_channel_ends_the_trial_silently(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.env.backend.delete_channel(world.channel.id)
    await world.rest(EDIT_INTERVAL)
    assert no_trial_is_active(world)
    assert (world.env.errors, caplog.records) == ([], [])


async def test_channel_hidden_from_the_bot_ends_the_trial(world: World, trial: ShownTrial) -> None:
    channel = bot_channel(world)
    await channel.set_permissions(channel.guild.me, view_channel=False)
    await trial.next_edit()
    assert (EndReason.HIDDEN.value in trial.text, trial.runs) == (True, False)


async def test_trial_in_a_hidden_channel_is_refused(world: World, owner: simcord.MemberActor) -> None:
    result = await press(owner, channel_without(world, "view_channel"))
    assert result.response
    assert (result.response.content, result.ephemeral) == (HIDDEN, True)


async def test_trial_is_refused_while_opt_outs_are_unknown(world: World, panel: Panel) -> None:
    """As after a restart while the database is down, with a panel from before."""
    world.bot.store.cache.ready = False
    assert private_text(await panel.click("try")) == NOT_READY


@pytest.mark.usefixtures("trial")
async def test_expired_token_ends_the_trial(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.env.inject_error("PATCH", "/webhooks/*", status=401, code=50027)
    await world.alice.send(world.channel, "plain")
    await world.rest(EDIT_INTERVAL)
    assert edits(world) == 1
    assert no_trial_is_active(world)
    assert (world.env.errors, caplog.records) == ([], [])


async def test_failed_edit_is_retried(world: World, trial: ShownTrial) -> None:
    world.env.inject_error("PATCH", "/webhooks/*", status=400, code=0)
    message = await world.alice.send(world.channel, "happy")
    assert trial.line_of(message) == ""
    await trial.next_edit()
    assert trial.line_of(message) == REACTED


async def test_bug_is_logged_once_without_its_text_and_ends_the_trial(
    world: World, trial: ShownTrial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object) -> None:
        raise ValueError("what somebody wrote")

    monkeypatch.setattr("bot.settings.trial.trial_line", fail)
    for _ in range(2):
        await world.alice.send(world.channel, "plain")
        await trial.next_edit()
    assert (trial.text.splitlines(), trial.runs) == (["## Try it here", EndReason.FAILED.value], False)
    assert caplog.messages == ["*Try it here* failed"]
    assert "what somebody wrote" not in caplog.text
    assert no_trial_is_active(world)


async def test_bug_that_also_prevents_the_last_edit_is_logged_once(
    world: World, trial: ShownTrial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_trial: Trial) -> None:
        raise ValueError

    monkeypatch.setattr(Trial, "remove_opted_out", fail)
    for _ in range(2):
        await world.alice.send(world.channel, "plain")
        await trial.next_edit()
    assert caplog.messages == ["*Try it here* failed"]
    assert no_trial_is_active(world)


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_trial_ends_in_time_although_a_bug_lasts(
    world: World, clock: ManualClock, trial: ShownTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_trial: Trial) -> None:
        raise ValueError

    monkeypatch.setattr(Trial, "remove_opted_out", fail)
    clock.now += DURATION.total_seconds()
    await trial.next_edit()
    assert no_trial_is_active(world)


async def test_stopping_bot_ends_the_trial_with_a_message(world: World, trial: ShownTrial) -> None:
    await world.bot.remove_cog("Settings")  # as discord.py does when the bot is closed
    assert (EndReason.RESTARTED.value in trial.text, trial.runs) == (True, False)


async def test_button_works_after_a_crash(
    world: World, trial: ShownTrial, models: dict[str, Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def do_nothing(_trials: Trials) -> None: ...

    monkeypatch.setattr(Trials, "close", do_nothing)
    async with bot_restarts(world, models) as restart:
        await restart()
        assert trial.runs
        await trial.stop()
        assert trial.text.splitlines() == ["## Try it here", EndReason.OVER.value]
        assert not trial.runs


@pytest.mark.parametrize("locale", [discord.Locale.british_english, *map(discord.Locale, LANGUAGES)])
@pytest.mark.parametrize(("label", "least"), [("disappointment", MAX_SHOWN), ("*" * 300, MAX_SHOWN - 3)])
def test_longest_trial_fits_with_the_newest_lines(locale: discord.Locale, label: str, least: int) -> None:
    translate, highest = translator(locale), 2**63 - 1
    for reason in SENTENCES:
        result = MessageResult(reason, Decision(None, label, 1.0, 1.0, reason, PROFILES[Liveliness.NORMAL]))
        ids = range(highest - MAX_SHOWN, highest)
        lines = [trial_line(TrialLine(number, highest, result), highest, highest, translate) for number in ids]
        header = [
            instructions(highest, datetime.now(UTC), translate),
            permission_warning(discord.Permissions.none(), translate),
        ]
        panel: Any = TrialPanel(translate, header, lines, runs=True)
        validate_components(panel.to_components(), flags=COMPONENTS_V2)
        *_, text = (part["content"] for part in walk_components(panel.to_components()) if "content" in part)
        shown = text.split("\n")
        assert shown == lines[-len(shown) :]
        assert len(shown) >= least


async def test_every_word_is_translated(
    world: World, owner: simcord.MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_bracket_language(monkeypatch)
    await world.bot.store.opt_out(owner.id)
    channel = channel_without(world, "add_reactions")
    trial = await start_trial(world, owner, channel)
    await trial.next_edit()
    assert untranslated_words(trial.message) == ""


async def test_people_who_opt_out_while_an_edit_waits_for_the_last_one_are_not_shown(
    world: World, bob: simcord.MemberActor, trial: ShownTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def after_an_opt_out() -> AsyncIterator[None]:
        await world.bot.store.opt_out(bob.id)
        yield

    [running] = reactions_of(world.bot).observers.in_channel(world.channel.id)
    monkeypatch.setattr(running, "drawing", after_an_opt_out())
    message = await bob.send(world.channel, "plain")
    assert edits(world) == 1
    assert trial.line_of(message) == ""
