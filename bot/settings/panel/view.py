"""One page of the panel of `/settings`, below the overview and the tabs to the other pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import discord
from discord import ui

from bot.i18n import Translate, mark
from bot.settings.panel import channels, emotions, general, mood
from bot.settings.panel.overview import overview
from bot.settings.panel.parts import menu_id
from bot.settings.panel.state import PanelState
from bot.ui.emotions import label_key


class Page(StrEnum):
    """A part of the panel; one message could not hold all controls."""

    GENERAL = "general"
    CHANNELS = "channels"
    EMOTIONS = "emotions"
    MOOD = "mood"

    @classmethod
    def with_control(cls, control: str) -> Page:
        """Return the page that has a control."""
        if control in ("channel_rule", "channels", "age_restricted"):
            return cls.CHANNELS
        if control in ("mood", "time_zone", "language", "weekly_channel", "weekly_day", "weekly_hour"):
            return cls.MOOD
        return cls.EMOTIONS if control in ("muted", "emoji") else cls.GENERAL


_NAMES = {
    Page.GENERAL: mark("General"),
    Page.CHANNELS: mark("Channels"),
    Page.EMOTIONS: mark("Emotions"),
    Page.MOOD: mark("Mood"),
}


@dataclass(frozen=True, slots=True)
class PanelContent:
    """What a panel shows besides the settings.

    Attributes:
        page: the page that is open.
        notice: a sentence that says what was just done; empty for none.
        refused: the emotion for which an emoji was just refused, so that the user can try another one at once.
        zones: time zones to choose from.
        asks_to_reset: whether the panel, instead of a page, asks whether to reset everything.
    """

    page: Page
    notice: str = ""
    refused: str | None = None
    zones: Sequence[str] = ()
    asks_to_reset: bool = False


class SettingsPanel(ui.LayoutView):
    """One page of the panel. The cog handles its controls."""

    def __init__(self, state: PanelState, content: PanelContent) -> None:
        """Draw it.

        Args:
            state: the settings and everything else that the pages depend on.
            content: the page and what was just done.
        """
        super().__init__(timeout=None)
        translate = state.translate
        if not state.configured:
            self.add_item(ui.TextDisplay(_guide(translate)))
        if content.asks_to_reset:
            controls = _reset_question(translate)
        elif state.readable:
            controls = [_tabs(content.page, translate), *_page(content.page, state, content.zones)]
        else:
            controls = [general.file_buttons(translate)]
        below = ui.Separator[ui.LayoutView]() if content.refused is None else _retry(content.refused, translate)
        colour = discord.Colour.green() if state.settings.enabled else discord.Colour.light_grey()
        head = ui.TextDisplay[ui.LayoutView](overview(state, content.notice))
        self.add_item(ui.Container(head, below, *controls, accent_colour=colour))
        for item in self.walk_children():
            if isinstance(item, (ui.Select, ui.ChannelSelect)):
                item.id = menu_id(item)
        self.stop()


def _page(page: Page, state: PanelState, zones: Sequence[str]) -> list[ui.Item[ui.LayoutView]]:
    match page:
        case Page.GENERAL:
            return general.controls(state)
        case Page.CHANNELS:
            return channels.controls(state)
        case Page.EMOTIONS:
            return emotions.controls(state)
        case Page.MOOD:
            return mood.controls(state, zones)


def _guide(translate: Translate) -> str:
    """Return the guide for a server that has never saved its settings."""
    return "\n".join(
        (
            "### " + translate("Welcome"),
            translate(
                "I read messages, and when one shows a clear emotion, I react with a matching emoji. "
                "I keep no messages."
            ),
            translate("The defaults work well, so you don't have to change anything here."),
            translate("In my first hour in a server I react more often, so that everyone can see what I do."),
            translate("`/privacy` shows you and your members what is kept, and lets anyone opt out."),
        )
    )


def _tabs(current: Page, translate: Translate) -> ui.ActionRow[ui.LayoutView]:
    return ui.ActionRow(
        *(
            ui.Button(
                label=translate(name),
                custom_id=f"settings:page:{page}",
                style=discord.ButtonStyle.primary if page is current else discord.ButtonStyle.secondary,
            )
            for page, name in _NAMES.items()
        )
    )


def _retry(emotion: str, translate: Translate) -> ui.ActionRow[ui.LayoutView]:
    """Return a button that reopens the form for an emotion's emoji."""
    return ui.ActionRow(
        ui.Button(
            label=translate("Try another emoji"),
            custom_id=f"settings:retry:{label_key(emotion)}",
            style=discord.ButtonStyle.primary,
        )
    )


def _reset_question(translate: Translate) -> list[ui.Item[ui.LayoutView]]:
    return [
        ui.TextDisplay(translate("Do you really want to reset all of this to the defaults?")),
        ui.ActionRow(
            ui.Button(label=translate("Yes, reset"), custom_id="settings:reset:sure", style=discord.ButtonStyle.danger),
            ui.Button(label=translate("No, keep them"), custom_id=f"settings:page:{Page.GENERAL}"),
        ),
    ]
