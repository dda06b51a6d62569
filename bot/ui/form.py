"""What the bot's forms have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import discord
from discord import ui

Failed: TypeAlias = Callable[[discord.Interaction, Exception], Awaitable[None]]


class Form(ui.Modal):
    """A form that hears whoever hands it in, since all that it needs to know stands in its custom_id.

    Discord does not say when a form is closed unused, so nothing may be kept for each that is opened: the newest
    stands for all with its custom_id, and the one that the cog registers hears those from before a restart.
    """

    def __init__(self, title: str, custom_id: str, failed: Failed) -> None:
        super().__init__(title=title, timeout=None, custom_id=custom_id)
        self._failed = failed

    def stop(self) -> None:
        """Go on listening, where discord.py would end with the first that is handed in."""

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, _item: ui.Item[Any] | None = None, /
    ) -> None:
        """Leave it to the cog."""
        await self._failed(interaction, error)
