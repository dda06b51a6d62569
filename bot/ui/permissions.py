"""The permissions that the bot needs in a channel, and which of them it lacks."""

from __future__ import annotations

from collections.abc import Mapping

import discord

from bot.i18n import mark

TO_REACT = {
    "view_channel": mark("View Channel"),
    "read_message_history": mark("Read Message History"),
    "add_reactions": mark("Add Reactions"),
}
"""The permissions needed to react: discord.py's names, with the names that Discord shows."""

TO_POST = {
    "view_channel": mark("View Channel"),
    "send_messages": mark("Send Messages"),
    "attach_files": mark("Attach Files"),
}
"""The permissions needed to post a picture unasked; answers to commands need none of them."""


def missing_permissions(granted: discord.Permissions, needed: Mapping[str, str]) -> list[str]:
    """Return the names of the needed permissions that are not granted, in English."""
    return [name for permission, name in needed.items() if not getattr(granted, permission)]
