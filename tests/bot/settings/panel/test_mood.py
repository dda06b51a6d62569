from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import discord
import pytest
import simcord

from bot.local_time import DAYS, latest_due, week_of
from bot.server_settings import ServerSettings
from bot.store import Store
from tests.bot.settings.support import Panel, open_panel, settings_of
from tests.bot.support import World


class TestMood:
    """The page for counting moods, the time zone and the picture of the week."""

    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        panel = await open_panel(owner, world.channel)
        await panel.click("page:mood")
        return panel

    async def test_the_picture_of_the_week_is_off_until_a_channel_is_chosen(self, world: World, panel: Panel) -> None:
        assert "**Picture of the week:** off" in panel.text
        assert panel.find("weekly_channel")["placeholder"] == "Off; choose a channel to turn it on"
        assert panel.find("weekly_channel")["channel_types"] == [0, 5]
        assert "The next one" not in panel.text
        await panel.choose("weekly_channel", world.channel)
        assert panel.notice == f"**Picture of the week:** <#{world.channel.id}>, Monday, 9:00\u202fAM (UTC)"
        assert panel.chosen("weekly_channel") == [str(world.channel.id)]
        assert settings_of(world) == ServerSettings(weekly_channel=world.channel.id)
        await panel.choose("weekly_channel")
        assert panel.notice == "**Picture of the week:** off"
        assert settings_of(world) == ServerSettings()

    async def test_day_and_hour_can_be_chosen_and_the_next_picture_is_dated(self, world: World, panel: Panel) -> None:
        await panel.choose("weekly_channel", world.channel)
        await panel.choose("weekly_day", "friday")
        await panel.choose("weekly_hour", "18")
        assert (panel.chosen("weekly_day"), panel.chosen("weekly_hour")) == (["friday"], ["18"])
        assert panel.notice == f"**Picture of the week:** <#{world.channel.id}>, Friday, 6:00\u202fPM (UTC)"
        found = re.search(r"The next one: <t:(\d+):F>", panel.text)
        assert found
        due = datetime.fromtimestamp(int(found[1]), UTC)
        assert (due.weekday(), due.hour) == (4, 18)
        assert due - timedelta(days=7) <= world.env.now() < due

    async def test_no_overdue_picture_is_posted_after_a_change(
        self, world: World, panel: Panel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A picture that was due before it was turned on, or before its hour was changed, is skipped."""
        weeks: list[str | None] = []
        save = Store.change_settings

        async def saved(
            store: Store,
            guild_id: int,
            change: Callable[[ServerSettings], tuple[ServerSettings, str | None]],
            *,
            replaces: bool,
        ) -> None:
            weeks.append(change(store.settings(guild_id))[1])
            await save(store, guild_id, change, replaces=replaces)

        monkeypatch.setattr(Store, "change_settings", saved)
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

    async def test_language_can_be_chosen_and_reset_to_that_of_the_server(self, world: World, panel: Panel) -> None:
        labels = [option["label"] for option in panel.find("language")["options"]]
        assert labels == [
            *("the server's own (English)", "English", "Deutsch", "español", "français", "português", "Türkçe"),
            "日本語",
        ]
        await panel.choose("language", "de")
        assert (panel.notice, settings_of(world).language) == ("**Language:** Deutsch", "de")
        await panel.choose("language", "server")
        assert (panel.notice, settings_of(world).language) == ("**Language:** the server's own (English)", None)

    async def test_city_sets_the_time_zone(self, world: World, panel: Panel) -> None:
        form = await panel.click("zone")
        await panel.owner.submit_modal(form, {"zone": "  berlin "})
        assert panel.notice == "**Time zone:** Berlin"
        assert "**Time zone: Berlin, Germany**" in panel.text
        assert settings_of(world).time_zone == "Europe/Berlin"

    async def test_ambiguous_place_offers_a_choice(self, world: World, panel: Panel) -> None:
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "Germany"})
        assert panel.refusal == "There are several time zones by that name."
        assert settings_of(world).time_zone == "UTC"
        offered = panel.find("time_zone")["options"]
        assert [option["label"] for option in offered] == ["Berlin, Germany", "Büsingen, Germany"]
        assert re.fullmatch(r"\d\d:\d\d", offered[0]["description"])
        await panel.choose("time_zone", "Europe/Busingen")
        assert panel.notice == "**Time zone:** Büsingen"
        assert settings_of(world).time_zone == "Europe/Busingen"

    async def test_too_many_matches_offer_the_first_ones(self, panel: Panel) -> None:
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "United States"})
        assert panel.refusal == "There are many time zones by that name; if yours is not among these, give a city."
        assert len(panel.find("time_zone")["options"]) == 25

    async def test_unknown_place_changes_nothing(self, world: World, panel: Panel) -> None:
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "Atlantis"})
        assert panel.refusal == "I know no time zone by that name: try a larger city nearby, or the country."
        assert settings_of(world) == ServerSettings()

    async def test_obstacle_to_posting_is_shown_while_it_exists(self, world: World, panel: Panel) -> None:
        forbidden = discord.PermissionOverwrite(send_messages=False, attach_files=False)
        quiet = world.guild.create_text_channel("quiet", overwrites={world.guild.default_role: forbidden})
        await panel.choose("weekly_channel", quiet)
        lack = f"For the picture of the week, I lack these permissions in <#{quiet.id}>: Send Messages, Attach Files."
        assert panel.refusal == lack
        await panel.click("page:general")
        assert panel.refusal == lack
        await panel.click("page:mood")
        await panel.click("mood:off")
        assert panel.refusal == "There is no picture of the week while moods are not counted."
        await panel.choose("weekly_channel", world.channel)
        await panel.click("mood:on")
        assert panel.refusal is None

    async def test_deleted_channel_turns_the_picture_off(self, world: World, panel: Panel) -> None:
        gone = world.guild.create_text_channel("gone")
        await panel.choose("weekly_channel", gone)
        world.env.backend.delete_channel(gone.id)
        await world.env.settle()
        await panel.click("page:mood")
        assert "**Picture of the week:** off" in panel.text
        assert panel.chosen("weekly_channel") == []

    async def test_picture_of_the_week_is_exported_and_imported(self, world: World, panel: Panel) -> None:
        chosen = ServerSettings(
            weekly_channel=world.channel.id,
            weekly_day="sunday",
            weekly_hour=20,
            time_zone="Asia/Tokyo",
            language="ja",
        )
        await panel.click("page:general")
        await panel.import_file(chosen.to_json().encode())
        assert settings_of(world) == chosen
        voice = world.guild.create_voice_channel("voice")
        for channel_id in (voice.id, 123456789012345678):
            await panel.import_file(chosen.replace(weekly_channel=channel_id).to_json().encode())
            assert str(panel.notice).endswith("except what can't be used here: some channels.")
            assert settings_of(world) == chosen.replace(weekly_channel=None)
        await panel.import_file(b'{"time_zone": "Europe/Atlantis"}')
        assert panel.refusal == ("That file cannot be used: its value for **time\\_zone** is not valid.")
