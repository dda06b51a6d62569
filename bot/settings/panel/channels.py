"""The page with the channels in which the bot reacts."""

from __future__ import annotations

import discord
from discord import ui

from bot.i18n import mark
from bot.settings.panel.parts import heading, menu, switch
from bot.settings.panel.state import SHOWN_CHANNELS, PanelState, shown_channels

_TYPES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
    discord.ChannelType.category,
]
_RULES = {"except": mark("All channels but these"), "only": mark("Only these channels")}


def controls(state: PanelState) -> list[ui.Item[ui.LayoutView]]:
    """Return the page: the rule, its channels, age-restricted channels, and where the bot is holding back."""
    translate = state.translate
    rules = [
        discord.SelectOption(label=translate(name), value=rule, default=rule == state.settings.channel_rule)
        for rule, name in _RULES.items()
    ]
    return [
        ui.TextDisplay(
            heading(translate("Channels"), translate("A category includes its channels, and a channel its threads."))
        ),
        menu("channel_rule", rules),
        ui.ActionRow(
            ui.ChannelSelect(
                custom_id="settings:channels",
                placeholder=translate("Channels and categories"),
                channel_types=_TYPES,
                min_values=0,
                max_values=SHOWN_CHANNELS,
                default_values=[
                    discord.SelectDefaultValue(id=channel_id, type=discord.SelectDefaultValueType.channel)
                    for channel_id in shown_channels(state.settings, state.guild)
                ],
            )
        ),
        switch(
            "age_restricted",
            translate("Age-restricted channels"),
            translate("Whether I react there as well."),
            translate,
            on=state.settings.age_restricted,
        ),
        *_react_as_usual_button(state),
    ]


def _react_as_usual_button(state: PanelState) -> list[ui.Item[ui.LayoutView]]:
    """Return the button that ends all holding back; nothing if the bot is not holding back anywhere."""
    translate = state.translate
    if not state.holding_back:
        return []
    meaning = translate("Where people removed my reactions, I react less for a day.")
    button: ui.Button[ui.LayoutView] = ui.Button(label=translate("React as usual"), custom_id="settings:forgive")
    return [ui.Section(heading(translate("Holding back"), meaning), accessory=button)]
