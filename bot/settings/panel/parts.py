"""Parts that several pages share."""

from __future__ import annotations

import zlib

import discord
from discord import ui

from bot.i18n import Translate


def heading(name: str, meaning: str) -> str:
    """Return the name of a setting with its meaning below in small print."""
    return f"**{name}**\n-# {meaning}"


def menu(
    control: str,
    options: list[discord.SelectOption],
    *,
    placeholder: str | None = None,
    at_least: int = 1,
    at_most: int = 1,
) -> ui.ActionRow[ui.LayoutView]:
    """Return a menu in which the user chooses `at_least` to `at_most` options."""
    select: ui.Select[ui.LayoutView] = ui.Select(
        custom_id=f"settings:{control}",
        placeholder=placeholder,
        options=options,
        min_values=at_least,
        max_values=at_most,
    )
    return ui.ActionRow(select)


def menu_id(select: ui.Select[ui.LayoutView] | ui.ChannelSelect[ui.LayoutView]) -> int:
    """Return an id for a menu that another menu, or the same one with other options chosen, does not have.

    Without ids of its own, a menu gets its position in the message, and a client that keeps what the user chose by that
    id shows it in another menu after the panel has been redrawn.
    """
    if isinstance(select, ui.Select):
        chosen = [option.value for option in select.options if option.default]
    else:
        chosen = [str(value.id) for value in select.default_values]
    return zlib.crc32("\n".join((select.custom_id, *chosen)).encode()) >> 1  # Discord's ids have 31 bits


def switch(control: str, name: str, meaning: str, translate: Translate, *, on: bool) -> ui.Section[ui.LayoutView]:
    """Return a setting with a button that turns it on or off; a second press of the same button changes nothing."""
    button: ui.Button[ui.LayoutView] = ui.Button(
        label=translate("Turn off") if on else translate("Turn on"),
        custom_id=f"settings:{control}:{'off' if on else 'on'}",
        style=discord.ButtonStyle.secondary if on else discord.ButtonStyle.success,
    )
    return ui.Section(heading(name, meaning), accessory=button)
