"""A warning of what the bot needs in a channel to react there, and lacks."""

from __future__ import annotations

import discord

from bot.i18n import Translate
from bot.ui.permissions import TO_REACT, lacking


def warning(granted: discord.Permissions, translate: Translate) -> str:
    """Return a warning of the permissions that the bot lacks to react in a channel; empty if it lacks none."""
    names = lacking(granted, TO_REACT)
    if not names:
        return ""
    return translate("⚠️ In this channel I don't have: {permissions}.").format(
        permissions=", ".join(map(translate, names))
    )
