"""Buttons and menus that keep working after a restart, since their custom_id says everything that a press needs."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeAlias

import discord
from discord import ui

from bot.ui.form import ErrorHandler

PressHandler: TypeAlias = Callable[[discord.Interaction[Any], ui.Item[Any], re.Match[str]], Awaitable[None]]


def create_listener(
    custom_id: re.Pattern[str], handle_press: PressHandler, handle_error: ErrorHandler
) -> type[ui.DynamicItem[ui.Item[Any]]]:
    """Return a class for `add_dynamic_items` through which discord.py reports each use of a kind of control.

    Args:
        custom_id: matches the custom_ids of these controls, and of no others.
        handle_press: called with the interaction, the button or menu, and the match of its custom_id.
        handle_error: called with the interaction and the exception that `handle_press` raised; discord.py would only
            log it.
    """

    class Control(ui.DynamicItem[ui.Item[Any]], template=custom_id):
        def __init__(self, item: ui.Item[Any], match: re.Match[str]) -> None:
            super().__init__(item)
            self._match = match

        @classmethod
        async def from_custom_id(
            cls, _interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
        ) -> Self:
            return cls(item, match)

        async def callback(self, interaction: discord.Interaction[Any]) -> None:
            try:
                await handle_press(interaction, self.item, self._match)
            except Exception as error:
                await handle_error(interaction, error)

    return Control
