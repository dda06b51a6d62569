from __future__ import annotations

import discord
import pytest
import simcord

from bot.server_settings import ServerSettings
from tests.bot.settings.support import Panel, open_panel, settings_of
from tests.bot.support import StubClassifier, World, prediction_of


class TestChannels:
    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        panel = await open_panel(owner, world.channel)
        await panel.click("page:channels")
        return panel

    async def test_channels_can_be_excluded_or_chosen_exclusively(self, world: World, panel: Panel) -> None:
        category = world.guild.create_category("staff")
        forum = world.guild.create_forum_channel("ideas")
        await panel.choose("channels", category, forum)
        assert panel.notice == f"**Channels:** all but <#{category.id}>, <#{forum.id}>"
        assert panel.chosen("channels") == [str(category.id), str(forum.id)]
        await panel.choose("channel_rule", "only")
        assert panel.notice == f"**Channels:** only <#{category.id}>, <#{forum.id}>"
        assert panel.chosen("channel_rule") == ["only"]
        assert settings_of(world) == ServerSettings(channel_rule="only", channels=frozenset({category.id, forum.id}))
        await panel.choose("channels")
        assert panel.notice == "**Channels:** none chosen yet, so nowhere"
        await panel.choose("channel_rule", "except")
        assert panel.notice == "**Channels:** all"

    async def test_every_kind_of_channel_that_people_write_in_can_be_chosen(self, panel: Panel) -> None:
        menu = panel.find("channels")
        assert {0, 2, 4, 5, 13, 15} <= set(menu["channel_types"])
        assert (menu["min_values"], menu["max_values"]) == (0, 25)

    async def test_age_restricted_channels_can_be_allowed(self, world: World, panel: Panel) -> None:
        await panel.click("age_restricted:on")
        assert panel.notice == "**Age-restricted channels:** on"
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
        assert panel.notice == f"**Channels:** only <#{world.channel.id}>"
        assert panel.chosen("channels") == [str(world.channel.id)]
        await panel.choose("channels", world.channel)
        assert settings_of(world).channels == {world.channel.id}


class TestHoldingBack:
    """After dislikes the bot holds back; the owner can see and reset this."""

    @pytest.fixture
    def bilstm(self) -> StubClassifier:
        return StubClassifier({"meh": prediction_of(joy=0.7)})  # certain enough unless there was a dislike

    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        message = await world.alice.send(world.channel, "meh")
        await world.alice.react(message, "❌")
        await world.rest()
        assert world.emoji_of(await world.alice.send(world.channel, "meh")) == []
        return await open_panel(owner, world.channel)

    async def reacts_again(self, world: World) -> bool:
        return world.emoji_of(await world.alice.send(world.channel, "meh")) == ["😃"]

    async def test_holding_back_is_shown_on_every_page_and_reset_on_the_channel_page(
        self, world: World, panel: Panel
    ) -> None:
        for page in ("emotions", "general", "channels"):
            await panel.click(f"page:{page}")
            assert f"**Holding back:** <#{world.channel.id}>\n" in panel.text
        await panel.click("forgive")
        assert panel.notice == "I now react as usual in all channels."
        assert "Holding back" not in panel.text
        assert await self.reacts_again(world)

    async def test_holding_back_in_a_thread_is_shown(self, world: World, panel: Panel) -> None:
        channel = world.bot.get_channel(world.channel.id)
        assert isinstance(channel, discord.TextChannel)
        await channel.create_thread(name="aside", type=discord.ChannelType.public_thread)
        await world.env.settle()
        [thread] = world.channel.threads
        await world.alice.react(await world.alice.send(thread, "meh"), "❌")
        await panel.click("page:channels")
        assert f"**Holding back:** <#{world.channel.id}>, <#{thread.id}>\n" in panel.text

    async def test_full_reset_ends_holding_back(self, world: World, panel: Panel) -> None:
        await panel.click("reset")
        await panel.click("reset:sure")
        assert "Holding back" not in panel.text
        assert await self.reacts_again(world)

    async def test_reset_does_not_affect_other_servers(self, world: World, panel: Panel) -> None:
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
