"""The forms that the panel of `/settings` opens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import discord
from discord import ui

from bot.i18n import translator
from bot.settings.emoji import as_typed
from bot.ui.discord_limits import FORM_TITLE
from bot.ui.emotions import label_key, label_name
from bot.ui.form import ErrorHandler, Form
from bot.ui.quotation import shorten

EmojiHandler: TypeAlias = Callable[[discord.Interaction, str, str], Awaitable[None]]
ZoneHandler: TypeAlias = Callable[[discord.Interaction, str], Awaitable[None]]
FileHandler: TypeAlias = Callable[[discord.Interaction, discord.Attachment], Awaitable[None]]


class EmojiForm(Form):
    """Asks for the emoji of one emotion."""

    def __init__(
        self,
        emotion: str,
        default: str | None,
        own: str | None,
        locale: discord.Locale | None,
        handle_emoji: EmojiHandler,
        handle_error: ErrorHandler,
    ) -> None:
        """Draw it.

        Args:
            emotion: the emotion.
            default: its default emoji; None if it has none.
            own: the server's emoji for it; None if it has none.
            locale: the reader's locale.
            handle_emoji: called with the emotion and the text that was typed for it.
            handle_error: called with the exception that `handle_emoji` raised.
        """
        translate = translator(locale)
        title = shorten(translate("Emoji for {emotion}").format(emotion=label_name(emotion, translate)), FORM_TITLE)
        super().__init__(title, f"settings:emoji:{label_key(emotion)}", handle_error)
        self._emotion = emotion
        self._handle = handle_emoji
        self._text: ui.TextInput[EmojiForm] = ui.TextInput(
            custom_id="emoji", default=own and as_typed(own), required=False, max_length=100
        )
        if default:
            meaning = translate("One emoji, or :name: for one of this server's own; empty for the usual {emoji}")
        else:
            meaning = translate("One emoji, or :name: for one of this server's own; empty for none")
        self.add_item(
            ui.Label(text=translate("Emoji"), description=meaning.format(emoji=default), component=self._text)
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass on what was typed."""
        await self._handle(interaction, self._emotion, self._text.value.strip())


class ZoneForm(Form):
    """Asks for a time zone."""

    def __init__(self, locale: discord.Locale | None, handle_zone: ZoneHandler, handle_error: ErrorHandler) -> None:
        """Draw it; `handle_zone` is called with what was typed, `handle_error` with the exception that it raised."""
        translate = translator(locale)
        super().__init__(translate("Time zone"), "settings:zone", handle_error)
        self._handle = handle_zone
        self._text: ui.TextInput[ZoneForm] = ui.TextInput(custom_id="zone", max_length=60)
        self.add_item(
            ui.Label(
                text=translate("City or country"),
                description=translate("A large city or a country, or a name such as Europe/Berlin"),
                component=self._text,
            )
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass on what was typed."""
        await self._handle(interaction, self._text.value.strip())


class ImportForm(Form):
    """Asks for a file with settings."""

    def __init__(self, locale: discord.Locale | None, handle_file: FileHandler, handle_error: ErrorHandler) -> None:
        """Draw it; `handle_file` is called with the file, `handle_error` with the exception that it raised."""
        translate = translator(locale)
        super().__init__(translate("Import settings"), "settings:import", handle_error)
        self._handle = handle_file
        self._file: ui.FileUpload[ImportForm] = ui.FileUpload(custom_id="file")
        self.add_item(
            ui.Label(
                text=translate("File"),
                description=translate("A file you exported, here or in another server"),
                component=self._file,
            )
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass on the file."""
        [file] = self._file.values
        await self._handle(interaction, file)
