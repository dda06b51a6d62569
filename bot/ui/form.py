"""What the bot's forms have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import discord
from discord import ui

ErrorHandler: TypeAlias = Callable[[discord.Interaction, Exception], Awaitable[None]]


class Form(ui.Modal):
    """A form that stays registered after it is submitted, since its custom_id says everything that it needs to know.

    Discord does not report forms that are closed without being submitted, so no state may be kept for an open form. The
    newest form handles all with its custom_id, and the one that the cog registers handles those from before a restart.
    """

    def __init__(self, title: str, custom_id: str, handle_error: ErrorHandler) -> None:
        super().__init__(title=title, timeout=None, custom_id=custom_id)
        self._handle_error = handle_error

    def stop(self) -> None:
        """Keep listening, whereas discord.py would stop after the first submission."""

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, _item: ui.Item[Any] | None = None, /
    ) -> None:
        """Pass the error to the cog."""
        await self._handle_error(interaction, error)
