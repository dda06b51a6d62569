"""Who can read which channels, since a channel's mood is shown only to those who can read the channel."""

from __future__ import annotations

from collections.abc import Iterable

import discord


def readable_channels(member: discord.Member) -> list[int]:
    """Return the ids of the channels whose messages a member can read."""
    return [channel.id for channel in member.guild.channels if _can_read(channel, member)]


def channels_open_to_readers_of(channel: discord.TextChannel) -> list[int]:
    """Return the ids of the channels that are readable by everybody who can read this text channel.

    This is decided by roles: each role that can read this channel, except those of bots, must be able to read the other
    one, also together with any second role. If individual members were given access to this channel, everybody must be
    able to read the other one. A channel from which individual members were excluded is left out.

    It does not work for a voice channel, since one role may let its readers see the channel and another let them join.
    """
    roles = [role for role in channel.guild.roles if _can_read(channel, role) and not role.is_bot_managed()]
    if any(granted.view_channel for granted in _member_overwrites(channel)):
        roles.append(channel.guild.default_role)
    return [
        other.id
        for other in channel.guild.channels
        if all(_can_read(other, role) for role in roles)
        and not _excludes_readers_of(channel, other, roles)
        and not any(False in (granted.view_channel, granted.connect) for granted in _member_overwrites(other))
    ]


def _can_read(channel: discord.abc.GuildChannel, reader: discord.Member | discord.Role) -> bool:
    granted = channel.permissions_for(reader)
    # The chat of a voice channel can be read only by those who may join it.
    voice = isinstance(channel, discord.VoiceChannel | discord.StageChannel)
    return granted.view_channel and (granted.connect or not voice)


def _excludes_readers_of(
    channel: discord.abc.GuildChannel, other: discord.abc.GuildChannel, roles: Iterable[discord.Role]
) -> bool:
    """Return whether some people who can read a channel cannot read another, because of a second role.

    In a channel, what one role is granted outweighs what another is denied.

    Args:
        channel: the channel that they can read.
        other: the other channel.
        roles: the roles each of which, by itself, can read both.
    """
    excluded = [role for role in other.overwrites if isinstance(role, discord.Role) and _is_denied(other, role)]
    return any(
        (_is_granted(channel, role) or not _is_denied(channel, second)) and not _is_granted(other, role)
        for second in excluded
        if not (second.is_default() or second.is_bot_managed() or second.permissions.administrator)
        for role in roles
        if not role.permissions.administrator
    )


def _is_granted(channel: discord.abc.GuildChannel, role: discord.Role) -> bool:
    """Return whether a channel grants a role, other than that of everyone, all permissions to read it."""
    return not role.is_default() and all(_read_overwrites(channel, role))


def _is_denied(channel: discord.abc.GuildChannel, role: discord.Role) -> bool:
    """Return whether a channel denies a role one of the permissions to read it."""
    return False in _read_overwrites(channel, role)


def _read_overwrites(channel: discord.abc.GuildChannel, role: discord.Role) -> tuple[bool | None, ...]:
    """Return, for each permission to read a channel, True if a role is granted it, False if denied, and else None."""
    overwrite = channel.overwrites_for(role)
    voice = isinstance(channel, discord.VoiceChannel | discord.StageChannel)
    return (overwrite.view_channel, overwrite.connect) if voice else (overwrite.view_channel,)


def _member_overwrites(channel: discord.abc.GuildChannel) -> list[discord.PermissionOverwrite]:
    """Return the channel's permission overwrites for individual people other than the bot."""
    me = channel.guild.me
    return [granted for who, granted in channel.overwrites.items() if not isinstance(who, discord.Role) and who != me]
