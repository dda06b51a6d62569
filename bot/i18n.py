"""Texts in the reader's language: gettext catalogues, for replies and, by discord.py's translator, for commands.

The English text is the key. `_("...")`, with `_ = translator(interaction.locale)`, marks a text and translates it;
`mark("...")` marks one that is translated elsewhere, such as a constant. `locales/` holds a catalogue a language.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

import discord
import polib
from discord import app_commands

LOCALES = Path(__file__).parent / "locales"

LANGUAGES: dict[str, str] = {
    "de": "de",
    "es-ES": "es",
    "es-419": "es",
    "fr": "fr",
    "pt-BR": "pt_BR",
    "tr": "tr",
    "ja": "ja",
}
"""The catalogue of each of Discord's locales that has one; all others read English."""

Translate: TypeAlias = Callable[[str], str]


def mark(text: str) -> str:
    """The text itself, marked for the catalogues."""
    return text


def translator(locale: discord.Locale | None) -> Translate:
    """A function from an English text to the reader's language, and to itself where there is none.

    Args:
        locale: that of the interaction; None, where nobody in particular reads, for English.
    """
    language = LANGUAGES.get(str(locale))
    return _catalogue(language).gettext if language else mark


@cache
def _catalogue(language: str) -> gettext.GNUTranslations:
    """The catalogue, compiled when it is first asked for, so that no compiled file need be kept in step."""
    source = polib.pofile(str(LOCALES / f"{language}.po"))
    return gettext.GNUTranslations(io.BytesIO(source.to_binary()))


class CommandTranslator(app_commands.Translator):
    """Names, descriptions and choices of commands, when they are made known to Discord."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """None where the catalogue has no other word for it; Discord then shows the English one."""
        del context
        translated = translator(locale)(string.message)
        return None if translated == string.message else translated
