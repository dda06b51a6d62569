"""Validate a settings file that someone uploads: its size, its fields, and which of its values the server can use."""

from __future__ import annotations

import codecs
from collections.abc import Collection

import discord

from bot.i18n import mark
from bot.server_settings import ServerSettings
from bot.settings.emoji import is_hurtful, usable_emoji

MAX_FILE = 65_536
"""The largest file in bytes that is read, several times larger than any exported file."""


class FileTooLargeError(Exception):
    """The file is larger than an exported one can be, so it was not read."""


async def read_settings(file: discord.Attachment) -> ServerSettings:
    """Return the settings in a file.

    Raises:
        FileTooLargeError: the file has more than `MAX_FILE` bytes.
        InvalidSettingsError: it is not JSON, has an unknown field, or a value that is not allowed.
    """
    if file.size > MAX_FILE:
        raise FileTooLargeError
    content = await file.read()
    return ServerSettings.from_json(content.removeprefix(codecs.BOM_UTF8))  # which some editors add


def usable_part(
    imported: ServerSettings, guild: discord.Guild, emotions: Collection[str], models: Collection[str]
) -> tuple[ServerSettings, list[str]]:
    """Return the part of imported settings that a server can use, and the names of what was left out.

    Args:
        imported: the imported settings.
        guild: the server, with its channels and emoji.
        emotions: the emotions of the loaded models.
        models: the names of the loaded models.
    """
    usable = {emotion: usable_emoji(emoji, guild) for emotion, emoji in imported.emoji.items()}
    emoji = {
        emotion: emoji
        for emotion, emoji in usable.items()
        if emoji and emotion in emotions and not is_hurtful(emotion, emoji)
    }
    muted = imported.muted.intersection(emotions)
    channels = frozenset(channel_id for channel_id in imported.channels if guild.get_channel(channel_id))
    model = imported.model if imported.model in models else None
    weekly = (
        imported.weekly_channel
        if isinstance(guild.get_channel(imported.weekly_channel or 0), discord.TextChannel)
        else None
    )
    left_out = {
        mark("some channels"): channels != imported.channels or weekly != imported.weekly_channel,
        mark("some emotions"): not imported.muted.union(imported.emoji).issubset(emotions),
        mark("some emoji"): any(emotion in emotions for emotion in imported.emoji.keys() - emoji.keys()),
        mark("the model"): model != imported.model,
    }
    fitting = imported.replace(channels=channels, emoji=emoji, muted=muted, model=model, weekly_channel=weekly)
    return fitting, [thing for thing, is_left_out in left_out.items() if is_left_out]
