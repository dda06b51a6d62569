"""A warning about the permissions that the bot lacks in a channel to react there."""

from __future__ import annotations

import discord

from bot.i18n import Translate
from bot.ui.permissions import TO_REACT, missing_permissions


def permission_warning(granted: discord.Permissions, translate: Translate) -> str:
    """Return a warning about the permissions that the bot lacks in a channel to react there; empty if it lacks none."""
    names = missing_permissions(granted, TO_REACT)
    if not names:
        return ""
    return translate("⚠️ In this channel I lack these permissions: {permissions}.").format(
        permissions=translate.join(map(translate, names))
    )
