from __future__ import annotations

from datetime import UTC, datetime

import discord
import simcord

from bot.server_settings import ServerSettings
from bot.settings.panel.overview import summary
from bot.settings.panel.state import PanelState
from tests.bot.settings.support import Panel, open_panel
from tests.bot.support import World


class TestFirstTime:
    async def test_guide_is_shown_until_a_setting_is_changed(self, world: World, panel: Panel) -> None:
        assert panel.text.startswith("### Welcome\n")
        assert "The defaults work well" in panel.text
        assert "`/privacy`" in panel.text
        await panel.click("page:channels")
        assert "### Welcome" in panel.text
        await panel.click("age_restricted:on")
        assert "### Welcome" not in panel.text
        assert "### Welcome" not in (await open_panel(panel.owner, world.channel)).text

    async def test_permissions_are_not_mentioned_if_none_is_missing(self, panel: Panel) -> None:
        assert "I don't have" not in panel.text

    async def test_missing_permissions_are_named(self, world: World, owner: simcord.MemberActor) -> None:
        assert world.guild.me
        forbidden = discord.PermissionOverwrite(add_reactions=False, read_message_history=False)
        channel = world.guild.create_text_channel("quiet", overwrites={world.guild.default_role: forbidden})
        panel = await open_panel(owner, channel)
        assert "⚠️ In this channel I lack these permissions: Read Message History, Add Reactions." in panel.text


async def test_colons_follow_the_language(world: World) -> None:
    await world.env.settle()
    guild = world.bot.get_guild(world.guild.id)
    assert guild
    nothing, now = discord.Permissions.none(), datetime(2026, 3, 3, tzinfo=UTC)
    state = PanelState(ServerSettings(), False, guild, ["rnn"], nothing, discord.Locale.french, {}, "rnn", now)
    assert summary(state)["enabled"] == "**Réactions\xa0:** oui"


async def test_overview_shows_the_defaults(panel: Panel) -> None:
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
