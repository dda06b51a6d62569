from __future__ import annotations

import discord
import pytest
import simcord

from tests.bot.settings.support import Panel, open_panel
from tests.bot.support import World


@pytest.fixture
def owner(world: World) -> simcord.MemberActor:
    """A member who may manage the server because of the role "managers"."""
    role = world.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("olga"), roles=[role])


@pytest.fixture
async def panel(world: World, owner: simcord.MemberActor) -> Panel:
    return await open_panel(owner, world.channel)
