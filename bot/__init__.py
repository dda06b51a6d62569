"""Emobot, the Discord application: reads messages with the classifiers and reacts with a matching emoji."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.client import Emobot, create_bot

__all__ = ["Emobot", "create_bot"]


def __getattr__(name: str) -> Any:
    """Import the bot on first use, so that the command line can print its help at once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bot import client  # noqa: PLC0415 - discord.py and the models take half a second

    return getattr(client, name)
