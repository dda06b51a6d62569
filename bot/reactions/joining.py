"""How long the bot has been in the server of a message."""

from __future__ import annotations

import discord


def seconds_since_joining(message: discord.Message) -> float | None:
    """Return how long the bot had been in the server when a message was written; None in direct messages."""
    joined_at = message.guild.me.joined_at if message.guild else None
    return (message.created_at - joined_at).total_seconds() if joined_at else None
