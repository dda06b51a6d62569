"""What the bot must be allowed to do in a channel to react there."""

from __future__ import annotations

import discord

from bot.i18n import Translate, mark

NEEDED = {
    "view_channel": mark("View Channel"),
    "read_message_history": mark("Read Message History"),
    "add_reactions": mark("Add Reactions"),
}
"""Those permissions by discord.py's names, under the names that Discord shows."""


def lacking(permissions: discord.Permissions, translate: Translate) -> str:
    """Return what the bot needs and may not do in a channel, as a warning; empty if nothing is lacking."""
    names = [translate(name) for permission, name in NEEDED.items() if not getattr(permissions, permission)]
    if not names:
        return ""
    return translate("⚠️ In this channel I don't have: {permissions}.").format(permissions=", ".join(names))
