"""Who can read which channels, since the mood of a channel is for those who can read it."""

from __future__ import annotations

import discord


def readable(member: discord.Member) -> list[int]:
    """Return the ids of the channels whose messages a member can read."""
    return [channel.id for channel in member.guild.channels if _can_read(channel, member)]


def open_to_readers_of(channel: discord.abc.GuildChannel) -> list[int]:
    """Return the ids of the channels that everybody can read who can read this one.

    What roles may do decides: each role that can read this channel must be able to read the other one, but for those of
    bots. Where single people are let into this channel, so must everybody; where they are kept out of another one, that
    is left out.
    """
    roles = [role for role in channel.guild.roles if _can_read(channel, role) and not role.is_bot_managed()]
    if any(granted.view_channel for granted in _of_single_people(channel)):
        roles.append(channel.guild.default_role)
    return [
        other.id
        for other in channel.guild.channels
        if all(_can_read(other, role) for role in roles)
        and not any(False in (granted.view_channel, granted.connect) for granted in _of_single_people(other))
    ]


def _can_read(channel: discord.abc.GuildChannel, reader: discord.Member | discord.Role) -> bool:
    granted = channel.permissions_for(reader)
    # The chat of a voice channel is open only to those who may join it.
    voice = isinstance(channel, discord.VoiceChannel | discord.StageChannel)
    return granted.view_channel and (granted.connect or not voice)


def _of_single_people(channel: discord.abc.GuildChannel) -> list[discord.PermissionOverwrite]:
    """Return what a channel grants to single people, or keeps from them, other than the bot."""
    me = channel.guild.me
    return [granted for who, granted in channel.overwrites.items() if not isinstance(who, discord.Role) and who != me]
