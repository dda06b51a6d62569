"""The page with what most servers want to change first."""

from __future__ import annotations

import discord
from discord import ui

from bot.i18n import Translate, mark
from bot.reactions.pace import PROFILES
from bot.server_settings import Liveliness
from bot.settings.panel.parts import heading, menu, switch
from bot.settings.panel.state import PanelState
from classifiers import NAMES

LIVELINESS = {
    Liveliness.QUIET: (mark("quiet"), mark("only when I am very sure, to at most {share} of the messages")),
    Liveliness.NORMAL: (mark("normal"), mark("when I am sure, to at most {share} of the messages")),
    Liveliness.LIVELY: (mark("lively"), mark("even on a good guess, to at most {share} of the messages")),
}
"""The name and the meaning of each degree of liveliness."""


def controls(state: PanelState) -> list[ui.Item[ui.LayoutView]]:
    """Return the page: reactions, trial, liveliness, model, and the buttons that concern all settings."""
    translate = state.translate
    return [
        switch(
            "enabled",
            translate("Reactions"),
            translate("Whether I react at all."),
            translate,
            on=state.settings.enabled,
        ),
        _trial(state),
        ui.TextDisplay(heading(translate("Liveliness"), translate("How readily I react."))),
        menu("liveliness", _degrees(state)),
        ui.TextDisplay(
            heading(translate("Model"), translate("Which model decides; `/compare` shows how they differ."))
        ),
        menu("model", _models(state)),
        file_buttons(translate),
    ]


def file_buttons(translate: Translate) -> ui.ActionRow[ui.LayoutView]:
    """Return the buttons that export or replace all settings."""
    return ui.ActionRow(
        ui.Button(label=translate("Export"), custom_id="settings:export"),
        ui.Button(label=translate("Import"), custom_id="settings:import"),
        ui.Button(label=translate("Reset"), custom_id="settings:reset", style=discord.ButtonStyle.danger),
    )


def default_model_label(state: PanelState) -> str:
    """Return the label for the model of a server that has not chosen one."""
    return state.translate("the default") + f" ({NAMES[state.default_model]})"


def _trial(state: PanelState) -> ui.Section[ui.LayoutView]:
    """Return the button that starts *Try it here*."""
    translate = state.translate
    meaning = translate(
        "For ten minutes, I show you what I think of each message in this channel. Nobody else sees it."
    )
    button: ui.Button[ui.LayoutView] = ui.Button(label=translate("Try it here"), custom_id="settings:try")
    return ui.Section(heading(translate("Why am I silent?"), meaning), accessory=button)


def _degrees(state: PanelState) -> list[discord.SelectOption]:
    translate = state.translate
    return [
        discord.SelectOption(
            label=translate(name),
            value=liveliness,
            description=translate(meaning).format(share=translate.percent(PROFILES[liveliness].share)),
            default=liveliness is state.settings.liveliness,
        )
        for liveliness, (name, meaning) in LIVELINESS.items()
    ]


def _models(state: PanelState) -> list[discord.SelectOption]:
    default = discord.SelectOption(
        label=default_model_label(state),
        value="default",
        description=state.translate("chosen by the operator of this bot"),
        default=state.model is None,
    )
    return [
        default,
        *(discord.SelectOption(label=NAMES[name], value=name, default=name == state.model) for name in state.models),
    ]
