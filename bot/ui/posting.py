"""Where the bot may post by itself, which takes more permissions than answers to commands."""

from __future__ import annotations

import discord

from bot.i18n import mark

_NEEDED = {
    "view_channel": mark("View Channel"),
    "send_messages": mark("Send Messages"),
    "attach_files": mark("Attach Files"),
}
"""What it takes to post a picture, by discord.py's names, under the names that Discord shows."""


def lacking_to_post(channel: discord.abc.GuildChannel) -> list[str]:
    """Return the names of the permissions that the bot lacks to post a picture in a channel, in English."""
    granted = channel.permissions_for(channel.guild.me)
    return [name for permission, name in _NEEDED.items() if not getattr(granted, permission)]
