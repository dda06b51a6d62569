from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import available_timezones

import discord
import pytest
import simcord
from simcord.backend.serializers import message_payload
from simcord.components import validate_components, validate_modal, walk_components
from simcord.interactions import base_payload

from bot import create_bot
from bot.configuration import Configuration
from bot.errors import NOT_ALLOWED, UNSAVED
from bot.i18n import LANGUAGES, LOCALES
from bot.local_time import DAYS, latest_due, week_of
from bot.server_settings import Liveliness, ServerSettings
from bot.settings.forms import EmojiForm, ImportForm, ZoneForm
from bot.settings.import_file import MAX_FILE
from bot.settings.panel.state import PanelState
from bot.settings.panel.view import Page, SettingsPanel
from bot.store import Store, StoreError
from bot.ui.emotions import groups_of, key_of
from classifiers import EMOJI, Classifier, Prediction
from tests.bot.pressing import speak_in_brackets
from tests.bot.scripted import ScriptedClassifier, World, believing

COMPONENTS_V2 = 1 << 15
NOW = datetime(2026, 11, 27, 20, tzinfo=UTC)  # a Friday
ZONES = sorted(available_timezones())


@dataclass
class Panel:
    """An open panel, and whoever opened it."""

    owner: simcord.MemberActor
    message: simcord.ResponseMessage

    @property
    def text(self) -> str:
        """All that it says."""
        return "\n".join(part["content"] for part in self._parts() if part["type"] == 10)

    @property
    def news(self) -> str | None:
        """What it says to have done."""
        return next((line[2:] for line in self.text.splitlines() if line.startswith("✅ ")), None)

    @property
    def refusal(self) -> str | None:
        """Why it says to have done nothing."""
        return next((line[3:] for line in self.text.splitlines() if line.startswith("⚠️ ")), None)

    def find(self, custom_id: str) -> dict[str, Any]:
        """A control as Discord has it."""
        [found] = [part for part in self._parts() if part.get("custom_id") == f"settings:{custom_id}"]
        return found

    def chosen(self, custom_id: str) -> list[str]:
        """What a menu shows as chosen."""
        menu = self.find(custom_id)
        options = [option["value"] for option in menu.get("options", []) if option.get("default")]
        return options or [str(default["id"]) for default in menu.get("default_values", [])]

    async def click(self, custom_id: str) -> simcord.InteractionResult:
        return await self.owner.click(self.message, custom_id=f"settings:{custom_id}")

    async def choose(self, custom_id: str, *values: Any) -> simcord.InteractionResult:
        return await self.owner.select(self.message, values, custom_id=f"settings:{custom_id}")

    async def give_emoji(self, emotion: str, text: str) -> simcord.InteractionResult:
        """Choose an emotion, then type its emoji into the form."""
        await self.click("page:emotions")
        [menu] = [
            str(part["custom_id"]).removeprefix("settings:")
            for part in self._parts()
            if str(part.get("custom_id")).startswith("settings:emoji:")
            and any(option["value"] == emotion for option in part["options"])
        ]
        form = await self.choose(menu, emotion)
        return await self.owner.submit_modal(form, {"emoji": text})

    async def bring(self, content: bytes) -> simcord.InteractionResult:
        """Hand in a file to import."""
        form = await self.click("import")
        return await self.owner.submit_modal(form, {"file": ("emobot-settings.json", content)})

    def _parts(self) -> Iterator[dict[str, Any]]:
        return walk_components(self.message.components)


async def opened(owner: simcord.MemberActor, channel: simcord.ChannelHandle) -> Panel:
    result = await owner.slash(channel, "settings")
    assert result.ephemeral
    assert result.response
    return Panel(owner, result.response)


@pytest.fixture
async def panel(world: World, owner: simcord.MemberActor) -> Panel:
    return await opened(owner, world.channel)


def settings_of(world: World) -> ServerSettings:
    return world.bot.store.settings(world.guild.id)


def answer_of(result: simcord.InteractionResult) -> str:
    """A sentence told to nobody but whoever pressed."""
    assert result.response
    assert result.ephemeral
    return result.response.content


class TestWhoMayChangeThem:
    async def test_the_command_is_hidden_from_others(self, world: World, owner: simcord.MemberActor) -> None:
        assert "settings" in owner.available_commands(world.channel)
        assert "settings" not in world.alice.available_commands(world.channel)
        assert "settings" not in world.alice.user.available_commands()

    async def test_whoever_is_only_allowed_the_command_is_refused(self, world: World) -> None:
        command = world.env.backend.find_command("settings", world.guild.id)
        assert command
        world.guild.set_command_permissions(int(command["id"]), {world.alice: True})
        result = await world.alice.slash(world.channel, "settings")
        assert answer_of(result) == NOT_ALLOWED

    @pytest.mark.parametrize("custom_id", ["enabled:off", "reset", "export", "import", "page:channels"])
    async def test_every_press_is_checked_again(self, world: World, panel: Panel, custom_id: str) -> None:
        before = panel.text
        resign(world, panel.owner)
        result = await panel.click(custom_id)
        assert answer_of(result) == NOT_ALLOWED
        assert (result.modal, panel.text) == (None, before)
        assert settings_of(world) == ServerSettings()

    async def test_so_is_every_form(self, world: World, panel: Panel) -> None:
        await panel.click("page:emotions")
        emoji = await panel.choose("emoji:pleasant", "joy")
        await panel.click("page:general")
        file = await panel.click("import")
        resign(world, panel.owner)
        for form, values in ((emoji, {"emoji": "🎉"}), (file, {"file": ("a.json", b'{"enabled": false}')})):
            assert answer_of(await panel.owner.submit_modal(form, values)) == NOT_ALLOWED
        assert settings_of(world) == ServerSettings()


def resign(world: World, owner: simcord.MemberActor) -> None:
    world.env.backend.remove_member_role(world.guild.id, owner.id, world.guild.roles["managers"].id)


class TestTheFirstTime:
    async def test_a_guide_stands_above_until_something_is_changed(self, world: World, panel: Panel) -> None:
        assert panel.text.startswith("### Welcome\n")
        assert "The defaults work well" in panel.text
        assert "`/privacy`" in panel.text
        await panel.click("page:channels")
        assert "### Welcome" in panel.text
        await panel.click("age_restricted:on")
        assert "### Welcome" not in panel.text
        assert "### Welcome" not in (await opened(panel.owner, world.channel)).text

    async def test_nothing_is_said_of_permissions_when_none_is_lacking(self, panel: Panel) -> None:
        assert "I don't have" not in panel.text

    async def test_what_the_bot_may_not_do_here_is_said(self, world: World, owner: simcord.MemberActor) -> None:
        assert world.guild.me
        forbidden = discord.PermissionOverwrite(add_reactions=False, read_message_history=False)
        channel = world.guild.create_text_channel("quiet", overwrites={world.guild.default_role: forbidden})
        panel = await opened(owner, channel)
        assert "⚠️ In this channel I don't have: Read Message History, Add Reactions." in panel.text


async def test_the_defaults_at_a_glance(panel: Panel) -> None:
    _, _, overview = panel.text.partition("## Settings\n")
    assert overview.splitlines()[:8] == [
        "**Reactions:** on",
        "**Channels:** all",
        "**Age-restricted channels:** off",
        "**Liveliness:** normal",
        "**Model:** the default (BiLSTM)",
        "**Muted emotions:** none",
        "**Changed emoji:** none",
        "**Mood counting:** on",
    ]


class TestGeneral:
    @pytest.mark.parametrize(
        ("field", "name", "page"), [("enabled", "Reactions", "general"), ("mood", "Mood counting", "mood")]
    )
    async def test_off_and_on_again(self, world: World, panel: Panel, field: str, name: str, page: str) -> None:
        await panel.click(f"page:{page}")
        await panel.click(f"{field}:off")
        assert panel.news == f"**{name}:** off"
        assert getattr(settings_of(world), field) is False
        await panel.click(f"{field}:on")
        assert panel.news == f"**{name}:** on"
        assert settings_of(world) == ServerSettings()

    async def test_liveliness(self, world: World, panel: Panel) -> None:
        assert panel.chosen("liveliness") == ["normal"]
        meanings = {option["value"]: option["description"] for option in panel.find("liveliness")["options"]}
        assert meanings["quiet"] == "only when I am very sure, to at most 10% of the messages"
        await panel.choose("liveliness", "quiet")
        assert panel.news == "**Liveliness:** quiet"
        assert panel.chosen("liveliness") == ["quiet"]
        assert settings_of(world).liveliness is Liveliness.QUIET

    async def test_model(self, world: World, panel: Panel) -> None:
        labels = [option["label"] for option in panel.find("model")["options"]]
        assert labels == ["the default (BiLSTM)", "RNN", "BiLSTM"]
        await panel.choose("model", "rnn")
        assert (panel.news, panel.chosen("model")) == ("**Model:** RNN", ["rnn"])
        assert settings_of(world).model == "rnn"
        await panel.choose("model", "default")
        assert (panel.news, panel.chosen("model")) == ("**Model:** the default (BiLSTM)", ["default"])
        assert settings_of(world).model is None

    async def test_reset_asks_once_more(self, world: World, panel: Panel) -> None:
        await panel.click("page:mood")
        await panel.click("mood:off")
        await panel.click("page:general")
        await panel.click("reset")
        assert "Do you really want to reset all of this to the defaults?" in panel.text
        await panel.click("page:general")
        assert settings_of(world).mood is False
        await panel.click("reset")
        await panel.click("reset:sure")
        assert panel.news == "Everything is back to the defaults."
        assert settings_of(world) == ServerSettings()
        assert panel.find("enabled:off")


class TestWithOneModel:
    @pytest.fixture
    def models(self, bilstm: ScriptedClassifier) -> dict[str, Classifier]:
        return {"bilstm": bilstm}

    async def test_only_loaded_models_are_offered(self, world: World, owner: simcord.MemberActor) -> None:
        await world.bot.store.save_settings(world.guild.id, ServerSettings(model="rnn"))
        panel = await opened(owner, world.channel)
        assert [option["value"] for option in panel.find("model")["options"]] == ["default", "bilstm"]
        assert panel.chosen("model") == ["default"]
        assert "**Model:** the default (BiLSTM)" in panel.text


class TestChannels:
    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        panel = await opened(owner, world.channel)
        await panel.click("page:channels")
        return panel

    async def test_all_but_these_and_only_these(self, world: World, panel: Panel) -> None:
        category = world.guild.create_category("staff")
        forum = world.guild.create_forum_channel("ideas")
        await panel.choose("channels", category, forum)
        assert panel.news == f"**Channels:** all but <#{category.id}>, <#{forum.id}>"
        assert panel.chosen("channels") == [str(category.id), str(forum.id)]
        await panel.choose("channel_rule", "only")
        assert panel.news == f"**Channels:** only <#{category.id}>, <#{forum.id}>"
        assert panel.chosen("channel_rule") == ["only"]
        assert settings_of(world) == ServerSettings(channel_rule="only", channels=frozenset({category.id, forum.id}))
        await panel.choose("channels")
        assert panel.news == "**Channels:** none chosen yet, so nowhere"
        await panel.choose("channel_rule", "except")
        assert panel.news == "**Channels:** all"

    async def test_every_kind_of_channel_that_people_write_in_can_be_chosen(self, panel: Panel) -> None:
        menu = panel.find("channels")
        assert {0, 2, 4, 5, 13, 15} <= set(menu["channel_types"])
        assert (menu["min_values"], menu["max_values"]) == (0, 25)

    async def test_age_restricted_channels(self, world: World, panel: Panel) -> None:
        await panel.click("age_restricted:on")
        assert panel.news == "**Age-restricted channels:** on"
        assert settings_of(world).age_restricted
        await panel.click("age_restricted:off")
        assert not settings_of(world).age_restricted

    async def test_more_channels_than_the_menu_holds_are_kept(self, world: World, panel: Panel) -> None:
        channels = [world.guild.create_text_channel(f"room-{number}") for number in range(30)]
        ids = [channel.id for channel in channels]
        await world.bot.store.save_settings(world.guild.id, ServerSettings(channels=frozenset(ids)))
        await panel.click("page:general")
        await panel.click("page:channels")
        assert panel.chosen("channels") == [str(channel_id) for channel_id in ids[:25]]
        assert panel.text.count("<#") + int(panel.text.partition(" +")[2].split()[0]) == 30
        await panel.choose("channels", channels[0])
        assert settings_of(world).channels == {ids[0], *ids[25:]}

    async def test_a_deleted_channel_is_forgotten(self, world: World, panel: Panel) -> None:
        gone = world.guild.create_text_channel("gone")
        await panel.choose("channels", gone, world.channel)
        world.env.backend.delete_channel(gone.id)
        await world.env.settle()
        await panel.choose("channel_rule", "only")
        assert panel.news == f"**Channels:** only <#{world.channel.id}>"
        assert panel.chosen("channels") == [str(world.channel.id)]
        await panel.choose("channels", world.channel)
        assert settings_of(world).channels == {world.channel.id}


class TestMood:
    """The page for the counting of moods, the time zone and the picture of the week."""

    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        panel = await opened(owner, world.channel)
        await panel.click("page:mood")
        return panel

    async def test_the_picture_of_the_week_is_off_until_a_channel_is_chosen(self, world: World, panel: Panel) -> None:
        assert "**Picture of the week:** off" in panel.text
        assert panel.find("weekly_channel")["placeholder"] == "Off; choose a channel to turn it on"
        assert panel.find("weekly_channel")["channel_types"] == [0, 5]
        assert "The next one" not in panel.text
        await panel.choose("weekly_channel", world.channel)
        assert panel.news == f"**Picture of the week:** <#{world.channel.id}>, Monday, 9:00\u202fAM (UTC)"
        assert panel.chosen("weekly_channel") == [str(world.channel.id)]
        assert settings_of(world) == ServerSettings(weekly_channel=world.channel.id)
        await panel.choose("weekly_channel")
        assert panel.news == "**Picture of the week:** off"
        assert settings_of(world) == ServerSettings()

    async def test_its_day_and_hour_and_when_the_next_one_comes(self, world: World, panel: Panel) -> None:
        await panel.choose("weekly_channel", world.channel)
        await panel.choose("weekly_day", "friday")
        await panel.choose("weekly_hour", "18")
        assert (panel.chosen("weekly_day"), panel.chosen("weekly_hour")) == (["friday"], ["18"])
        assert panel.news == f"**Picture of the week:** <#{world.channel.id}>, Friday, 6:00\u202fPM (UTC)"
        found = re.search(r"The next one: <t:(\d+):F>", panel.text)
        assert found
        due = datetime.fromtimestamp(int(found[1]), UTC)
        assert (due.weekday(), due.hour) == (4, 18)
        assert due - timedelta(days=7) <= world.env.now() < due

    async def test_nobody_expects_one_at_once(
        self, world: World, panel: Panel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was due before it was turned on, or before its hour was changed, is not posted any more."""
        weeks: list[str | None] = []
        save = Store.save_settings

        async def saved(store: Store, guild_id: int, settings: ServerSettings, *, given_up: str | None = None) -> None:
            weeks.append(given_up)
            await save(store, guild_id, settings, given_up=given_up)

        monkeypatch.setattr(Store, "save_settings", saved)
        now = world.env.now()
        await panel.choose("weekly_hour", "10")
        await panel.choose("weekly_channel", world.channel)
        other = world.guild.create_text_channel("other")
        await panel.choose("weekly_channel", other)
        await panel.choose("weekly_day", DAYS[now.weekday()])
        await panel.click("mood:off")
        await panel.click("mood:on")
        before = latest_due(now, "monday", 10, "UTC")
        today = latest_due(now, DAYS[now.weekday()], 10, "UTC")
        assert weeks == [None, week_of(before, "UTC"), None, *[week_of(today, "UTC")] * 3]

    async def test_the_language(self, world: World, panel: Panel) -> None:
        labels = [option["label"] for option in panel.find("language")["options"]]
        assert labels == [
            *("the server's own (English)", "English", "Deutsch", "español", "français", "português", "Türkçe"),
            "日本語",
        ]
        await panel.choose("language", "de")
        assert (panel.news, settings_of(world).language) == ("**Language:** Deutsch", "de")
        await panel.choose("language", "server")
        assert (panel.news, settings_of(world).language) == ("**Language:** the server's own (English)", None)

    async def test_a_city_sets_the_time_zone(self, world: World, panel: Panel) -> None:
        form = await panel.click("zone")
        await panel.owner.submit_modal(form, {"zone": "  berlin "})
        assert panel.news == "**Time zone:** Berlin"
        assert "**Time zone: Berlin, Germany**" in panel.text
        assert settings_of(world).time_zone == "Europe/Berlin"

    async def test_where_several_are_called_that_one_is_chosen(self, world: World, panel: Panel) -> None:
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "Germany"})
        assert panel.refusal == "There are several time zones by that name."
        assert settings_of(world).time_zone == "UTC"
        offered = panel.find("time_zone")["options"]
        assert [option["label"] for option in offered] == ["Berlin, Germany", "Büsingen, Germany"]
        assert re.fullmatch(r"\d\d:\d\d", offered[0]["description"])
        await panel.choose("time_zone", "Europe/Busingen")
        assert panel.news == "**Time zone:** Büsingen"
        assert settings_of(world).time_zone == "Europe/Busingen"

    async def test_of_too_many_the_first_are_offered(self, panel: Panel) -> None:
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "United States"})
        assert panel.refusal == "There are many time zones by that name; if yours is not among these, give a city."
        assert len(panel.find("time_zone")["options"]) == 25

    async def test_one_that_is_not_known_changes_nothing(self, world: World, panel: Panel) -> None:
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "Atlantis"})
        assert panel.refusal == "I know no time zone by that name: try a larger city nearby, or the country."
        assert settings_of(world) == ServerSettings()

    async def test_what_keeps_it_from_being_posted_is_said_while_it_does(self, world: World, panel: Panel) -> None:
        forbidden = discord.PermissionOverwrite(send_messages=False, attach_files=False)
        quiet = world.guild.create_text_channel("quiet", overwrites={world.guild.default_role: forbidden})
        await panel.choose("weekly_channel", quiet)
        lack = f"For the picture of the week I don't have in <#{quiet.id}>: Send Messages, Attach Files."
        assert panel.refusal == lack
        await panel.click("page:general")
        assert panel.refusal == lack
        await panel.click("page:mood")
        await panel.click("mood:off")
        assert panel.refusal == "There is no picture of the week while moods are not counted."
        await panel.choose("weekly_channel", world.channel)
        await panel.click("mood:on")
        assert panel.refusal is None

    async def test_a_deleted_channel_is_none(self, world: World, panel: Panel) -> None:
        gone = world.guild.create_text_channel("gone")
        await panel.choose("weekly_channel", gone)
        world.env.backend.delete_channel(gone.id)
        await world.env.settle()
        await panel.click("page:mood")
        assert "**Picture of the week:** off" in panel.text
        assert panel.chosen("weekly_channel") == []

    async def test_it_is_exported_and_imported_with_the_rest(self, world: World, panel: Panel) -> None:
        chosen = ServerSettings(
            weekly_channel=world.channel.id,
            weekly_day="sunday",
            weekly_hour=20,
            time_zone="Asia/Tokyo",
            language="ja",
        )
        await panel.click("page:general")
        await panel.bring(chosen.to_json().encode())
        assert settings_of(world) == chosen
        voice = world.guild.create_voice_channel("voice")
        for channel_id in (voice.id, 123456789012345678):
            await panel.bring(chosen.changed(weekly_channel=channel_id).to_json().encode())
            assert str(panel.news).endswith("except what can't be used here: some channels.")
            assert settings_of(world) == chosen.changed(weekly_channel=None)
        await panel.bring(b'{"time_zone": "Europe/Atlantis"}')
        assert panel.refusal == ("That file cannot be used: I can't take what it says under **time\\_zone**.")


class TestHoldingBack:
    """Where reactions were taken back the bot holds back, and the owner can see and undo it."""

    @pytest.fixture
    def bilstm(self) -> ScriptedClassifier:
        return ScriptedClassifier({"meh": believing(joy=0.7)})  # enough where nothing was taken back, else too little

    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        message = await world.alice.send(world.channel, "meh")
        await world.alice.react(message, "❌")
        await world.rest()
        assert world.emoji_of(await world.alice.send(world.channel, "meh")) == []
        return await opened(owner, world.channel)

    async def reacts_again(self, world: World) -> bool:
        return world.emoji_of(await world.alice.send(world.channel, "meh")) == ["😃"]

    async def test_it_is_seen_on_every_page_and_undone_on_that_of_channels(self, world: World, panel: Panel) -> None:
        for page in ("emotions", "general", "channels"):
            await panel.click(f"page:{page}")
            assert f"**Holding back:** <#{world.channel.id}>\n" in panel.text
        await panel.click("forgive")
        assert panel.news == "I now react as usual in all channels."
        assert "Holding back" not in panel.text
        assert await self.reacts_again(world)

    async def test_a_thread_is_told_as_well(self, world: World, panel: Panel) -> None:
        channel = world.bot.get_channel(world.channel.id)
        assert isinstance(channel, discord.TextChannel)
        await channel.create_thread(name="aside", type=discord.ChannelType.public_thread)
        await world.env.settle()
        [thread] = world.channel.threads
        await world.alice.react(await world.alice.send(thread, "meh"), "❌")
        await panel.click("page:channels")
        assert f"**Holding back:** <#{world.channel.id}>, <#{thread.id}>\n" in panel.text

    async def test_a_reset_undoes_it_too(self, world: World, panel: Panel) -> None:
        await panel.click("reset")
        await panel.click("reset:sure")
        assert "Holding back" not in panel.text
        assert await self.reacts_again(world)

    async def test_other_servers_are_not_forgiven(self, world: World, panel: Panel) -> None:
        elsewhere = world.env.create_guild()
        channel = elsewhere.create_text_channel("general")
        bob = elsewhere.add_member(world.env.create_user("bob"))
        await bob.react(await bob.send(channel, "meh"), "❌")
        await panel.click("page:channels")
        assert str(channel.id) not in panel.text
        await panel.click("forgive")
        await world.rest()
        message = await bob.send(channel, "meh")
        assert world.emoji_of(message, channel) == []


class TestEmotions:
    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        panel = await opened(owner, world.channel)
        await panel.click("page:emotions")
        return panel

    async def test_all_27_can_be_muted(self, world: World, panel: Panel) -> None:
        for group in groups_of(EMOJI):
            offered = [option["value"] for option in panel.find(f"muted:{group}")["options"]]
            await panel.choose(f"muted:{group}", *offered)
            assert panel.chosen(f"muted:{group}") == offered
        assert settings_of(world).muted == set(EMOJI)

    async def test_one_menu_leaves_what_the_other_mutes(self, world: World, panel: Panel) -> None:
        await panel.choose("muted:other", "grief", "anger")
        await panel.choose("muted:pleasant", "love")
        assert panel.news == "**Muted emotions:** anger, grief, love"
        await panel.choose("muted:other")
        assert panel.news == "**Muted emotions:** love"
        assert settings_of(world).muted == {"love"}

    async def test_a_unicode_emoji(self, world: World, panel: Panel) -> None:
        form = await panel.choose("emoji:pleasant", "joy")
        assert form.modal
        assert form.modal["title"] == "Emoji for joy"
        await panel.owner.submit_modal(form, {"emoji": " 🎉 "})
        assert panel.news == "**Changed emoji:** joy 🎉"
        assert settings_of(world).emoji == {"joy": "🎉"}

    async def test_the_form_begins_with_what_was_chosen_before(self, panel: Panel) -> None:
        await panel.give_emoji("joy", "🎉")
        form = await panel.choose("emoji:pleasant", "joy")
        assert form.modal
        assert form.modal["components"][0]["component"]["value"] == "🎉"

    async def test_empty_text_restores_the_default(self, world: World, panel: Panel) -> None:
        await panel.give_emoji("joy", "🎉")
        await panel.give_emoji("anger", "🌋")
        await panel.give_emoji("joy", "")
        assert panel.news == "**Changed emoji:** anger 🌋"
        assert settings_of(world).emoji == {"anger": "🌋"}

    @pytest.mark.parametrize("typed", [":blob:", "<{}:blob:{}>", "<{}:renamed_since:{}>"])
    @pytest.mark.parametrize("animated", [False, True])
    async def test_one_of_the_servers_own(self, world: World, panel: Panel, typed: str, animated: bool) -> None:
        emoji = world.guild.create_emoji("blob", animated=animated)
        await world.env.settle()
        await panel.give_emoji("grief", typed.format("a" if animated else "", emoji.id))
        stored = f"<{'a' if animated else ''}:blob:{emoji.id}>"
        assert panel.news == f"**Changed emoji:** grief {stored}"
        assert settings_of(world).emoji == {"grief": stored}
        [option] = [option for option in panel.find("emoji:other")["options"] if option["value"] == "grief"]
        assert (option["emoji"]["name"], option["description"]) == (EMOJI["grief"], ":blob:")

    @pytest.mark.parametrize("text", ["happy", "🎉🎉", "🎉 yes", ":)", "1", "<@123456789012345678>", "x" * 100])
    async def test_what_is_no_emoji_is_refused(self, world: World, panel: Panel, text: str) -> None:
        await panel.give_emoji("joy", text)
        assert (panel.refusal or "").startswith("That is not a single emoji")
        assert settings_of(world) == ServerSettings()

    @pytest.mark.parametrize("text", [":tada:", "<:blob:123456789012345678>"])
    async def test_what_the_server_does_not_have_is_refused(self, world: World, panel: Panel, text: str) -> None:
        await panel.give_emoji("joy", text)
        assert panel.refusal == "This server has no emoji of that name that I can use."
        assert settings_of(world) == ServerSettings()

    async def test_another_servers_emoji_is_refused(self, world: World, panel: Panel) -> None:
        foreign = world.env.create_guild("Elsewhere").create_emoji("blob")
        await world.env.settle()
        assert world.bot.get_emoji(foreign.id)
        for text in (":blob:", f"<:blob:{foreign.id}>"):
            await panel.give_emoji("joy", text)
            assert panel.refusal == "This server has no emoji of that name that I can use."
        assert settings_of(world) == ServerSettings()

    async def test_an_emoji_kept_for_a_role_is_refused(self, world: World, panel: Panel) -> None:
        assert world.bot.user
        role = world.guild.create_role("supporters")
        world.env.backend.create_emoji(world.guild.id, "gold", world.bot.user.id, role_ids=[role.id])
        await world.env.settle()
        await panel.give_emoji("joy", ":gold:")
        assert panel.refusal == "This server has no emoji of that name that I can use."

    async def test_a_deleted_emoji_gives_way_to_the_default(self, world: World, panel: Panel) -> None:
        emoji = world.guild.create_emoji("blob")
        await world.env.settle()
        await panel.give_emoji("joy", ":blob:")
        world.env.backend.delete_emoji(world.guild.id, emoji.id)
        await world.env.settle()
        await panel.give_emoji("love", f"<:blob:{emoji.id}>")
        assert panel.refusal == "This server has no emoji of that name that I can use."
        panel = await opened(panel.owner, world.channel)
        assert "**Changed emoji:** joy 😃 (the server's own was deleted)" in panel.text

    @pytest.mark.parametrize("emotion", ["grief", "fear", "sadness"])
    async def test_nothing_jolly_beside_sorrow(self, world: World, panel: Panel, emotion: str) -> None:
        await panel.give_emoji(emotion, "🎉")
        assert panel.refusal == f"I don't use cheerful emoji for {emotion}: that could hurt someone."
        assert settings_of(world) == ServerSettings()
        await panel.give_emoji(emotion, "🖤")
        assert settings_of(world).emoji == {emotion: "🖤"}

    async def test_a_refused_emoji_can_be_tried_again_at_once(self, world: World, panel: Panel) -> None:
        await panel.give_emoji("joy", ":tada:")
        form = await panel.click("retry:joy")
        assert form.modal
        assert form.modal["title"] == "Emoji for joy"
        await panel.owner.submit_modal(form, {"emoji": "no emoji either"})
        form = await panel.click("retry:joy")
        await panel.owner.submit_modal(form, {"emoji": "🎈"})
        assert panel.news == "**Changed emoji:** joy 🎈"
        assert settings_of(world).emoji == {"joy": "🎈"}
        assert "settings:retry:joy" not in [part.get("custom_id") for part in walk_components(panel.message.components)]

    async def test_a_choice_taken_back_changes_nothing(self, world: World, panel: Panel) -> None:
        """As when somebody closed the form and chooses the same emotion again, which Discord takes as that."""
        before = panel.text
        result = await panel.choose("emoji:pleasant")
        assert (result.modal, panel.text) == (None, before)
        assert settings_of(world) == ServerSettings()


class TestWithLabelsOfAnotherDataSet:
    LABELS = ("happy", "guilt", "self_doubt: " + "x" * 80, "joy", "neutral")
    LONG = LABELS[2]

    @pytest.fixture
    def models(self) -> dict[str, Classifier]:
        emoji = {**EMOJI, "happy": "😊"}
        script = {
            label[:5]: Prediction(
                self.LABELS, tuple(0.9 if each == label else 0.01 for each in self.LABELS), (0.3,) * 5, emoji=emoji
            )
            for label in self.LABELS
        }
        return {"bilstm": ScriptedClassifier(script, labels=self.LABELS, emoji=emoji)}

    async def test_they_are_offered_with_their_emoji_or_that_they_have_none(self, panel: Panel) -> None:
        await panel.click("page:emotions")
        for control in ("muted", "emoji"):
            assert [option["value"] for option in panel.find(f"{control}:pleasant")["options"]] == ["joy"]
            options = panel.find(f"{control}:own1")["options"]
            assert [option["value"] for option in options] == ["guilt", "happy", self.LONG]
            assert [option.get("emoji", {}).get("name") for option in options] == [None, "😊", None]
            assert [option.get("description") for option in options] == ["no emoji yet", None, "no emoji yet"]

    async def test_each_gets_a_reaction_once_it_has_an_emoji(self, world: World, panel: Panel) -> None:
        await world.configure(liveliness="lively")
        for text, emotion, emoji in (("guilty", "guilt", "🫥"), ("self_d", self.LONG, "🪞"), ("happy", "happy", "🎈")):
            await world.rest()
            before = world.emoji_of(await world.alice.send(world.channel, text))
            assert before == (["😊"] if text == "happy" else [])
            await panel.give_emoji(emotion, emoji)
            assert settings_of(world).emoji[emotion] == emoji
            await world.rest()
            assert world.emoji_of(await world.alice.send(world.channel, text)) == [emoji]
        assert world.outcomes == {"no emoji": 2, "reacted": 4}
        await panel.give_emoji(self.LONG, "no emoji")
        form = await panel.click(f"retry:{key_of(self.LONG)}")
        assert form.modal
        assert form.modal["title"].startswith("Emoji for self_doubt: ")
        await panel.give_emoji("guilt", "")
        assert "guilt" not in settings_of(world).emoji

    async def test_they_can_be_muted(self, world: World, panel: Panel) -> None:
        await panel.click("page:emotions")
        await panel.choose("muted:own1", "happy", self.LONG)
        assert settings_of(world).muted == {"happy", self.LONG}
        assert panel.news == f"**Muted emotions:** happy, self\\_doubt: {'x' * 80}"
        await panel.choose("muted:pleasant", "joy")
        await panel.choose("muted:own1", "guilt")
        assert settings_of(world).muted == {"joy", "guilt"}
        await panel.choose("muted:own1")
        assert settings_of(world).muted == {"joy"}

    async def test_a_file_brings_what_the_models_know_and_leaves_out_the_rest(self, world: World, panel: Panel) -> None:
        await panel.bring(
            b'{"muted": ["HAPPY", "Joy", "guilt"], "emoji": {"guilt": "\xf0\x9f\xab\xa5", "love": "\xf0\x9f\x8e\x89"}}'
        )
        assert (
            panel.news == "The settings from the file are now in effect, except what can't be used here: some emotions."
        )
        assert settings_of(world) == ServerSettings(muted=frozenset({"joy", "guilt"}), emoji={"guilt": "🫥"})


class TestAFile:
    async def test_there_and_back(self, world: World, panel: Panel) -> None:
        emoji = world.guild.create_emoji("blob")
        await world.env.settle()
        settings = ServerSettings(
            enabled=False,
            channel_rule="only",
            channels=frozenset({world.channel.id}),
            age_restricted=True,
            liveliness=Liveliness.LIVELY,
            model="bilstm",
            muted=frozenset({"anger"}),
            emoji={"joy": f"<:blob:{emoji.id}>", "love": "🫶"},
            mood=False,
        )
        await world.bot.store.save_settings(world.guild.id, settings)
        exported = await panel.click("export")
        assert exported.ephemeral
        assert exported.response
        [file] = exported.response.attachments
        content = await file.read()
        assert file.filename == "emobot-settings.json"
        assert content.decode() == settings.to_json(indent=1)

        await panel.click("reset")
        await panel.click("reset:sure")
        await panel.bring(content)
        assert panel.news == "The settings from the file are now in effect."
        assert settings_of(world) == settings

    @pytest.mark.parametrize(
        ("content", "field"),
        [
            (b'{"liveliness": "frantic"}', "liveliness"),
            (b'{"channel_rule": 7}', "channel\\_rule"),
            (b'{"emoji": {"joy": "**@everyone**"}}', "emoji"),
            (b'{"colour": "red"}', "colour"),
            (b'{"@everyone": "red"}', "@\u200beveryone"),
        ],
    )
    async def test_a_field_that_cannot_be_used_is_named(
        self, world: World, panel: Panel, content: bytes, field: str
    ) -> None:
        await panel.bring(content)
        assert panel.refusal == f"That file cannot be used: I can't take what it says under **{field}**."
        assert settings_of(world) == ServerSettings()

    @pytest.mark.parametrize("content", [b"nonsense", b"", b"\xff\xfe", b"[]", b"null"])
    async def test_what_holds_no_settings_is_refused(self, world: World, panel: Panel, content: bytes) -> None:
        await panel.bring(content)
        assert panel.refusal == "That file holds no settings: give me one that I exported."
        assert settings_of(world) == ServerSettings()

    async def test_a_large_file_is_not_even_read(self, world: World, panel: Panel) -> None:
        await panel.bring(b" " * MAX_FILE + b'{"enabled": false}')
        assert panel.refusal == "That file is too large to be an exported one."
        assert settings_of(world) == ServerSettings()

    async def test_what_is_of_no_use_here_is_left_out(self, world: World, panel: Panel) -> None:
        """As when the file comes from another server."""
        foreign = {
            "channels": [1, world.channel.id],
            "emoji": {"joy": "<:blob:123456789012345678>", "love": "🫶", "grief": "🎉"},
            "mood": False,
        }
        await panel.bring(json.dumps(foreign).encode())
        assert panel.news == (
            "The settings from the file are now in effect, except what can't be used here: some channels, some emoji."
        )
        assert settings_of(world) == ServerSettings(
            channels=frozenset({world.channel.id}), emoji={"love": "🫶"}, mood=False
        )


class TestAtTheSameTime:
    async def test_a_double_click_is_harmless(self, world: World, panel: Panel) -> None:
        await press_at_once(world, (panel, "enabled:off"), (panel, "enabled:off"))
        assert settings_of(world).enabled is False
        assert panel.news == "**Reactions:** off"

    async def test_two_panels_keep_each_others_changes(
        self, world: World, panel: Panel, owner: simcord.MemberActor
    ) -> None:
        other = await opened(owner, world.channel)
        await panel.click("page:mood")
        await panel.click("mood:off")
        await other.choose("liveliness", "lively")
        assert settings_of(world) == ServerSettings(mood=False, liveliness=Liveliness.LIVELY)
        assert "**Mood counting:** off" in other.text

    async def test_changes_at_the_same_moment_keep_each_other(
        self, world: World, panel: Panel, owner: simcord.MemberActor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = await opened(owner, world.channel)
        save = Store.save_settings

        async def slowly(store: Store, guild_id: int, settings: ServerSettings, **options: Any) -> None:
            await asyncio.sleep(0)
            await save(store, guild_id, settings, **options)

        monkeypatch.setattr(Store, "save_settings", slowly)
        await panel.click("page:mood")
        await press_at_once(world, (panel, "mood:off"), (other, "enabled:off"))
        assert settings_of(world) == ServerSettings(mood=False, enabled=False)


async def press_at_once(world: World, *presses: tuple[Panel, str]) -> None:
    """Press buttons before the bot has dealt with any of them."""
    backend = world.env.backend
    for panel, custom_id in presses:
        record, payload = base_payload(
            backend,
            type=3,
            channel_id=world.channel.id,
            guild_id=world.guild.id,
            user_id=panel.owner.id,
            data={"custom_id": f"settings:{custom_id}", "component_type": 2},
        )
        record.source_message_id = panel.message.id
        stored = backend.get_message(world.channel.id, panel.message.id)
        backend.emit("INTERACTION_CREATE", {**payload, "message": dict(message_payload(backend, stored))})
    await world.env.settle()


async def test_nothing_is_remembered_of_panels(world: World, panel: Panel) -> None:
    before = list(world.bot.persistent_views)
    for _ in range(3):
        await opened(panel.owner, world.channel)
        await panel.click("page:channels")
        await panel.click("page:general")
    assert list(world.bot.persistent_views) == before


class TestAfterARestart:
    @pytest.fixture
    async def panel(self, world: World, models: dict[str, Classifier], panel: Panel) -> AsyncIterator[Panel]:
        """A panel from before."""
        await panel.click("page:mood")
        await panel.click("mood:off")
        await panel.click("page:general")
        await restart(world, models)
        yield panel
        await world.bot.store.close()

    async def test_a_panel_goes_on_working(self, world: World, panel: Panel) -> None:
        await panel.click("enabled:off")
        assert settings_of(world) == ServerSettings(mood=False, enabled=False)
        await panel.click("page:channels")
        await panel.choose("channels", world.channel)
        assert panel.news == f"**Channels:** all but <#{world.channel.id}>"

    async def test_so_does_an_open_form(self, world: World, models: dict[str, Classifier], panel: Panel) -> None:
        await panel.click("page:emotions")
        form = await panel.choose("emoji:pleasant", "joy")
        await panel.click("page:general")
        file = await panel.click("import")
        await restart(world, models)
        await panel.owner.submit_modal(form, {"emoji": "🎉"})
        assert panel.news == "**Changed emoji:** joy 🎉"
        assert settings_of(world) == ServerSettings(mood=False, emoji={"joy": "🎉"})
        await panel.owner.submit_modal(file, {"file": ("a.json", b"{}")})
        assert settings_of(world) == ServerSettings()

    async def test_a_form_can_be_handed_in_again_and_again(self, world: World, panel: Panel) -> None:
        for emoji in ("🎉", "🥳"):
            await panel.give_emoji("joy", emoji)
            assert settings_of(world).emoji == {"joy": emoji}


async def restart(world: World, models: dict[str, Classifier]) -> None:
    await world.bot.store.close()
    world.bot = create_bot(Configuration(), models=models)
    await world.env.restart_bot(world.bot)


class TestWithoutTheDatabase:
    @pytest.fixture(autouse=True)
    def _broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def fail(_store: Store, _guild_id: int, _settings: ServerSettings, **_options: Any) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(Store, "save_settings", fail)

    @pytest.mark.parametrize("custom_id", ["enabled:off", "reset:sure"])
    async def test_a_press_says_so(self, world: World, panel: Panel, custom_id: str) -> None:
        if custom_id == "reset:sure":
            await panel.click("reset")
        before = panel.text
        assert answer_of(await panel.click(custom_id)) == UNSAVED
        assert panel.text == before
        assert settings_of(world) == ServerSettings()

    async def test_a_form_says_so(self, world: World, panel: Panel) -> None:
        assert answer_of(await panel.bring(b'{"mood": false}')) == UNSAVED
        assert answer_of(await panel.give_emoji("joy", "🎉")) == UNSAVED
        assert settings_of(world) == ServerSettings()
        assert len(world.env.errors) == 2


MOOD_WORDS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday AM PM UTC English t F".split()
"""What Babel says, and Discord's own form of a time."""


class TestInAnotherLanguage:
    MODELS: ClassVar = ["BiLSTM", "BiLSTM", "RNN", "BiLSTM"]  # in the overview and in the menu

    @pytest.fixture(autouse=True)
    def _brackets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        speak_in_brackets(monkeypatch)

    async def test_every_page_is_translated(self, world: World, owner: simcord.MemberActor) -> None:
        channel = world.guild.create_text_channel("quiet", overwrites={world.guild.default_role: NOTHING})
        await world.alice.react(await world.alice.send(world.channel, "happy"), "❌")
        panel = await opened(owner, channel)
        assert words_left(panel.message.components) == self.MODELS
        await panel.click("reset")
        assert words_left(panel.message.components) == ["BiLSTM"]
        await panel.click("page:general")
        await panel.click("page:channels")
        assert words_left(panel.message.components) == ["BiLSTM"]
        await panel.click("forgive")
        assert words_left(panel.message.components) == ["BiLSTM"]
        await panel.click("page:mood")
        await panel.choose("weekly_channel", channel)
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "utc"})
        assert set(words_left(panel.message.components)) <= {"BiLSTM", *MOOD_WORDS}
        form = await panel.click("zone")
        assert form.modal
        assert words_left(form.modal["components"]) == words_left([{"label": form.modal["title"]}]) == []
        for typed in ("nowhere", "Germany", "America"):
            await panel.owner.submit_modal(await panel.click("zone"), {"zone": typed})
            assert not set(words_left(panel.message.components)) & {"zone", "zones", "There", "Which"}
        await panel.choose("weekly_channel")
        await panel.click("page:channels")
        await panel.choose("channels", channel)
        await panel.choose("channel_rule", "only")
        await panel.click("page:emotions")
        await panel.choose("muted:other", "anger", "grief")
        await panel.give_emoji("joy", "🎉")
        assert words_left(panel.message.components) == ["BiLSTM"]

    async def test_so_are_forms_and_sentences(self, panel: Panel) -> None:
        file = await panel.click("import")
        await panel.bring(b"nonsense")
        assert words_left(panel.message.components) == self.MODELS
        await panel.bring(b'{"channels": [1], "emoji": {"joy": "<:blob:123456789012345678>"}}')
        assert words_left(panel.message.components) == self.MODELS
        await panel.click("page:emotions")
        emoji = await panel.choose("emoji:pleasant", "joy")
        assert file.modal
        assert emoji.modal
        assert words_left([*file.modal["components"], *emoji.modal["components"]]) == []
        assert words_left([{"label": form.modal["title"]} for form in (file, emoji) if form.modal]) == []
        for emotion, text in (("joy", "x"), ("joy", ":tada:"), ("grief", "🎉")):
            await panel.give_emoji(emotion, text)
            assert words_left(panel.message.components) == ["BiLSTM"]
        await panel.click("page:general")
        exported = await panel.click("export")
        assert words_left([{"label": answer_of(exported)}]) == []


NOTHING = discord.PermissionOverwrite(add_reactions=False, read_message_history=False)


def words_left(components: list[dict[str, Any]]) -> list[str]:
    """The words in components that do not stand in «brackets»."""
    texts = []
    for part in walk_components(components):
        for words in (part, *part.get("options", [])):
            texts += [words.get(key) or "" for key in ("content", "label", "placeholder", "description")]
    text = re.sub(r"<#\d+>", "", " ".join(texts))
    while (shorter := re.sub("«[^«»]*»", "", text)) != text:
        text = shorter
    return re.findall(r"[^\W\d_]+", text)


LOCALES_TO_TRY = [
    discord.Locale.british_english,
    *(discord.Locale(locale) for locale, language in LANGUAGES.items() if (LOCALES / f"{language}.po").exists()),
]


@pytest.mark.parametrize("locale", LOCALES_TO_TRY)
async def test_the_fullest_panel_fits_in_every_language(world: World, locale: discord.Locale) -> None:
    channels = [world.guild.create_text_channel(f"room-{number}").id for number in range(40)]
    emoji = {emotion: f"<a:{'x' * 32}:{2**63 - 1 - number}>" for number, emotion in enumerate(EMOJI)}
    await world.env.settle()
    guild = world.bot.get_guild(world.guild.id)
    assert guild
    for settings in (
        ServerSettings(
            channels=frozenset(channels),
            muted=frozenset(EMOJI),
            emoji=emoji,
            weekly_channel=channels[0],
            time_zone="America/Argentina/ComodRivadavia",
        ),
        ServerSettings(channels=frozenset(channels), channel_rule="only", emoji=dict.fromkeys(EMOJI, "👩🏽‍❤️‍💋‍👨🏽")),
        ServerSettings(enabled=False, channel_rule="only"),
    ):
        state = PanelState(
            settings,
            False,
            guild,
            world.bot.analyzer.models.keys(),
            discord.Permissions.none(),
            locale,
            EMOJI,
            "bilstm",
            NOW,
            channels,
        )
        for page in Page:
            for asks in (False, True):
                panel: Any = SettingsPanel(state, page, news="x" * 520, refused="joy", zones=ZONES, asks_to_reset=asks)
                validate_components(panel.to_components(), flags=COMPONENTS_V2)


@pytest.mark.parametrize("locale", LOCALES_TO_TRY)
async def test_every_form_fits_in_every_language(locale: discord.Locale) -> None:
    async def unused(*_: Any) -> None: ...

    for emotion, default in {**EMOJI, "guilt": None, "x" * 100: None}.items():
        validate_modal(EmojiForm(emotion, default, "<a:blob:123456789012345678>", locale, unused, unused).to_dict())
    validate_modal(ImportForm(locale, unused, unused).to_dict())
    validate_modal(ZoneForm(locale, unused, unused).to_dict())


@pytest.mark.parametrize("locale", LOCALES_TO_TRY)
async def test_the_panel_fits_with_any_number_of_emotions(world: World, locale: discord.Locale) -> None:
    await world.env.settle()
    guild = world.bot.get_guild(world.guild.id)
    assert guild
    for many in (1, 25, 26, 150, 300):
        emotions = dict.fromkeys(f"{number} {'x' * 90}" for number in range(many))
        models, nothing = world.bot.analyzer.models.keys(), discord.Permissions.none()
        settings = ServerSettings(muted=frozenset(emotions))
        state = PanelState(settings, False, guild, models, nothing, locale, emotions, "bilstm", NOW)
        panel: Any = SettingsPanel(state, Page.EMOTIONS, refused="0")
        validate_components(panel.to_components(), flags=COMPONENTS_V2)
        offered = [part for part in walk_components(panel.to_components()) if part["type"] == 3]
        assert sum(len(menu["options"]) for menu in offered) == 2 * min(many, 150)
