"""Which emoji a server can use instead of a default one."""

from __future__ import annotations

import discord

from bot.reactions.policy import SENSITIVE, is_cheerful
from bot.server_settings import CUSTOM_EMOJI
from classifiers.emotions import one_emoji


def usable_emoji(text: str, guild: discord.Guild) -> str | None:
    """Return the Unicode emoji or the server's own emoji that a text stands for; None if it stands for neither."""
    return own_emoji(text, guild) or one_emoji(text)


def own_emoji(text: str, guild: discord.Guild) -> str | None:
    """Return a server's own emoji as Discord writes it in messages; None if the bot cannot use it.

    Args:
        text: that form, or the emoji's name between colons, as people type it.
        guild: the server.
    """
    written = CUSTOM_EMOJI.fullmatch(text)
    for emoji in guild.emojis:
        found = emoji.id == int(written[3]) if written else f":{emoji.name}:" == text
        if found and emoji.is_usable():
            return str(emoji)
    return None


def is_hurtful(emotion: str, emoji: str) -> bool:
    """Return whether an emoji is too cheerful for an emotion."""
    return emotion in SENSITIVE and is_cheerful(emoji)


def as_typed(emoji: str) -> str:
    """Return an emoji as people type it; for a custom one, that is its name between colons."""
    custom = CUSTOM_EMOJI.fullmatch(emoji)
    return f":{custom[2]}:" if custom else emoji
