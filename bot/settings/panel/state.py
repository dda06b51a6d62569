"""What a panel shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import discord

from bot.i18n import Translate, translator
from bot.server_settings import ServerSettings

SHOWN_CHANNELS = 25
"""The most channels that Discord lets one select menu show as chosen."""


@dataclass(frozen=True, slots=True)
class PanelState:
    """What a panel shows.

    Attributes:
        settings: the server's settings.
        configured: whether they were ever saved; until then a guide is shown above them.
        guild: the server.
        models: the names of the loaded models.
        emotions: their emotions, each with its default emoji; None if it has none.
        default_model: the name of the model that reacts in servers that have not chosen one.
        permissions: the bot's permissions in the channel of the panel.
        locale: the reader's locale.
        now: when the panel was requested.
        readable: whether the saved settings could be parsed; if not, they can only be exported or replaced.
        holding_back: channels in which the bot reacts less because reactions were removed recently.
    """

    settings: ServerSettings
    configured: bool
    guild: discord.Guild
    models: Collection[str]
    permissions: discord.Permissions
    locale: discord.Locale
    emotions: Mapping[str, str | None]
    default_model: str
    now: datetime
    readable: bool = True
    holding_back: Collection[int] = ()

    @property
    def translate(self) -> Translate:
        """The reader's language."""
        return translator(self.locale)

    @property
    def model(self) -> str | None:
        """The model that the server has chosen; None if it has chosen none, or one that is not loaded."""
        return self.settings.model if self.settings.model in self.models else None

    @property
    def weekly_channel(self) -> discord.abc.GuildChannel | None:
        """The channel for the picture of the week; None if there is none or it was deleted."""
        return self.guild.get_channel(self.settings.weekly_channel or 0)


def chosen_channels(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    """Return the ids of the chosen channels that still exist, in ascending order."""
    return sorted(channel_id for channel_id in settings.channels if guild.get_channel(channel_id))


def shown_channels(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    """Return the chosen channels that the select menu shows; the others stay chosen whatever the user does there."""
    return chosen_channels(settings, guild)[:SHOWN_CHANNELS]


def hidden_channels(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    """Return the existing chosen channels that do not fit into the select menu."""
    return chosen_channels(settings, guild)[SHOWN_CHANNELS:]
