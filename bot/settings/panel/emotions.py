"""The page with the muted emotions and the server's own emoji."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.i18n import Translate
from bot.settings.emoji import as_typed
from bot.settings.panel.parts import heading, menu
from bot.settings.panel.state import PanelState
from bot.ui.discord_limits import MENU_OPTIONS, MENU_PLACEHOLDER
from bot.ui.emotions import group_emotions, label_name
from bot.ui.quotation import shorten

SHOWN_GROUPS = 6
"""The most groups of emotions whose menus, with everything else, Discord accepts in one message."""


def controls(state: PanelState) -> list[ui.Item[ui.LayoutView]]:
    """Return the page: for each group of emotions, a menu of muted emotions and a menu of emoji."""
    translate = state.translate
    groups = [
        (name, sorted(group, key=lambda emotion: label_name(emotion, translate).casefold()))
        for name, group in group_emotions(state.emotions).items()
    ]
    shown, hidden = groups[:SHOWN_GROUPS], groups[SHOWN_GROUPS:]
    return [
        ui.TextDisplay(heading(translate("Muted emotions"), translate("I never react to these."))),
        *(_menu_of_muted(state, name, emotions) for name, emotions in shown),
        ui.TextDisplay(heading(translate("Changed emoji"), translate("Choose an emotion to give it another emoji."))),
        *(_menu_of_emoji(state, name, emotions) for name, emotions in shown),
        *_remark(sum(len(emotions) for _name, emotions in hidden), translate),
    ]


def _menu_of_muted(state: PanelState, group: str, emotions: Sequence[str]) -> ui.ActionRow[ui.LayoutView]:
    """Return the menu for choosing which emotions of a group never get a reaction."""
    muted = state.settings.muted
    return menu(
        f"muted:{group}",
        [_option(state, emotion, default=emotion in muted) for emotion in emotions],
        placeholder=_group_name(state, group, emotions),
        at_least=0,
        at_most=len(emotions),
    )


def _menu_of_emoji(state: PanelState, group: str, emotions: Sequence[str]) -> ui.ActionRow[ui.LayoutView]:
    """Return the menu for choosing an emotion of a group that is to get another emoji."""
    own = state.settings.emoji
    return menu(
        f"emoji:{group}",
        [_option(state, emotion, own=own.get(emotion)) for emotion in emotions],
        placeholder=_group_name(state, group, emotions),
        at_least=0,  # so that after closing the form one can undo the choice, and choose the same again
    )


def _remark(hidden: int, translate: Translate) -> list[ui.Item[ui.LayoutView]]:
    """Return a line that says how many emotions have no menu; empty if all have one."""
    if not hidden:
        return []
    remark = translate.plural(
        "{count} more emotion can be set by importing a file.",
        "{count} more emotions can be set by importing a file.",
        hidden,
    )
    return [ui.TextDisplay(f"-# {remark}")]


def _group_name(state: PanelState, group: str, emotions: Sequence[str]) -> str:
    """Return the placeholder of a menu; one of several with emotions of other data names its first and last."""
    translate = state.translate
    if group in ("pleasant", "other"):
        return {"pleasant": translate("Pleasant emotions"), "other": translate("Other emotions")}[group]
    if len(state.emotions) <= MENU_OPTIONS:
        return translate("Emotions")
    return shorten(translate("Emotions") + f": {emotions[0]} – {emotions[-1]}", MENU_PLACEHOLDER)


def _option(state: PanelState, emotion: str, *, own: str | None = None, default: bool = False) -> discord.SelectOption:
    """Return an option with the default emoji: one deleted custom emoji would make Discord refuse the whole panel."""
    emoji = state.emotions[emotion]
    description = as_typed(own) if own else None if emoji else state.translate("no emoji yet")
    return discord.SelectOption(
        label=label_name(emotion, state.translate), value=emotion, emoji=emoji, description=description, default=default
    )
