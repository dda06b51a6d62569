"""The page with the mood of the server: whether it is counted, and its picture of the week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import get_args

import discord
from discord import ui

from bot.i18n import translator
from bot.local_time import DAYS, next_due, wall_clock
from bot.server_settings import WEEKLY_MINIMUM, Language
from bot.settings.panel.parts import heading, menu, switch
from bot.settings.panel.state import PanelState
from bot.settings.time_zones import zone_label
from bot.ui.discord_limits import MENU_LABEL, MENU_OPTIONS
from bot.ui.quotation import shorten

_A_MONDAY = date(1970, 1, 5)


def controls(state: PanelState, zones: Sequence[str]) -> list[ui.Item[ui.LayoutView]]:
    """Return the page: mood counting, the picture of the week, language and time zone.

    Args:
        state: what the panel shows.
        zones: time zones to choose from; empty if there is nothing to choose.
    """
    translate, settings = state.translate, state.settings
    label = translate("{name}:").format(name=translate("Time zone"))
    change: ui.Button[ui.LayoutView] = ui.Button(label=translate("Change"), custom_id="settings:zone")
    return [
        switch(
            "mood",
            translate("Mood counting"),
            translate("Counts emotions for `/mood`, per channel and hour, never per person."),
            translate,
            on=settings.mood,
        ),
        ui.TextDisplay(heading(translate("Picture of the week"), _about_weekly(state))),
        _weekly_channel(state),
        menu("weekly_day", _days(state)),
        menu("weekly_hour", _hours(state)),
        ui.TextDisplay(heading(translate("Language"), translate("I use it for the picture of the week."))),
        menu("language", _languages(state)),
        ui.Section(
            heading(
                f"{label} {zone_label(settings.time_zone, translate)}",
                translate("I use it to draw `/mood` and to post the picture of the week."),
            ),
            accessory=change,
        ),
        *_zones_found(state, zones),
    ]


def day_name(state: PanelState, day: str) -> str:
    """Return the name of a day of the week, one of `DAYS`, in the reader's language."""
    return state.translate.weekday_name(_A_MONDAY + timedelta(days=DAYS.index(day)))


def language_name(state: PanelState) -> str:
    """Return the name of the language in which the bot posts by itself in the server."""
    chosen = state.settings.language
    return translator(discord.Locale(chosen)).language_name() if chosen else _servers_language(state)


def _servers_language(state: PanelState) -> str:
    """Return the label for the default language, which names the language that the server uses in Discord."""
    chosen = translator(state.guild.preferred_locale).language_name()
    return state.translate("the server's own") + f" ({chosen})"


def _about_weekly(state: PanelState) -> str:
    """Return a text that says what the picture of the week is, and when the next one comes."""
    translate, settings = state.translate, state.settings
    text = translate.plural(
        "Once a week I post the mood of the last seven days, if there was at least {count} message.",
        "Once a week I post the mood of the last seven days, if there were at least {count} messages.",
        WEEKLY_MINIMUM,
    )
    if state.weekly_channel is None:
        return text
    due = next_due(state.now, settings.weekly_day, settings.weekly_hour, settings.time_zone)
    return text + " " + translate("The next one: {when}").format(when=discord.utils.format_dt(due, "F"))


def _weekly_channel(state: PanelState) -> ui.ActionRow[ui.LayoutView]:
    chosen = [state.weekly_channel] if state.weekly_channel else []
    return ui.ActionRow(
        ui.ChannelSelect(
            custom_id="settings:weekly_channel",
            placeholder=state.translate("Off; choose a channel to turn it on"),
            channel_types=[discord.ChannelType.text, discord.ChannelType.news],
            min_values=0,
            max_values=1,
            default_values=[
                discord.SelectDefaultValue(id=channel.id, type=discord.SelectDefaultValueType.channel)
                for channel in chosen
            ],
        )
    )


def _days(state: PanelState) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(label=day_name(state, day), value=day, default=day == state.settings.weekly_day)
        for day in DAYS
    ]


def _hours(state: PanelState) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(
            label=state.translate.hour(hour), value=str(hour), default=hour == state.settings.weekly_hour
        )
        for hour in range(24)
    ]


def _languages(state: PanelState) -> list[discord.SelectOption]:
    chosen = state.settings.language
    own = discord.SelectOption(
        label=shorten(_servers_language(state), MENU_LABEL),
        value="server",
        description=state.translate("chosen in Discord's own settings of the server"),
        default=chosen is None,
    )
    return [
        own,
        *(
            discord.SelectOption(
                label=translator(discord.Locale(locale)).language_name(), value=locale, default=locale == chosen
            )
            for locale in get_args(Language)
        ),
    ]


def _zones_found(state: PanelState, zones: Sequence[str]) -> list[ui.Item[ui.LayoutView]]:
    """Return the menu of time zones to choose from, if there are any."""
    translate = state.translate
    options = [
        discord.SelectOption(
            label=shorten(zone_label(zone, translate), MENU_LABEL),
            value=zone,
            description=f"{wall_clock(state.now, zone):%H:%M}",
        )
        for zone in zones[:MENU_OPTIONS]
    ]
    return [menu("time_zone", options, placeholder=translate("Which one do you mean?"))] if options else []
