"""Texts, numbers and dates in the reader's language.

The English text is the key of the catalogues in `locales/`, one per language. `translate("...")`, with
`translate = translator(interaction.locale)`, marks a text for the catalogues and translates it.
`translate.plural("...", "...", count)` does so for a text with a number in it, and `mark("...")` marks a text that is
translated elsewhere, such as a constant. Numbers, percentages and dates follow Unicode's CLDR. Babel and its data are
loaded on first use.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable
from datetime import date, time
from functools import cache
from pathlib import Path

import discord
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
"""The catalogue for each of Discord's locales that has one; for all others, texts are in English."""


def mark(text: str) -> str:
    """Return the text unchanged; the call marks it for the catalogues."""
    return text


class Translate:
    """Translates into one language: called with an English text, it returns the translation."""

    def __init__(self, catalogue: gettext.NullTranslations, locale: str) -> None:
        """Take the catalogue, and the locale whose rules for numbers and dates apply."""
        self._catalogue = catalogue
        self._locale = locale

    def __call__(self, text: str) -> str:
        """Return a text in this language."""
        return self._catalogue.gettext(text)

    def plural(self, singular: str, plural: str, count: int) -> str:
        """Return the plural form of a text for a number, with `{count}` filled in.

        Args:
            singular: the English text for 1.
            plural: the English text for any other number.
            count: the number.
        """
        text = self._catalogue.ngettext(singular, plural, count)
        return text.replace("{count}", self.number(count))

    def join(self, parts: Iterable[str]) -> str:
        """Return a list with the comma of this language between its parts."""
        return self._catalogue.gettext(mark(", ")).join(parts)

    def number(self, number: int) -> str:
        """Return a whole number with thousands separators."""
        from babel.numbers import format_decimal  # noqa: PLC0415 - Babel is loaded at first use

        return format_decimal(number, locale=self._locale)

    def decimal(self, value: float) -> str:
        """Return a number with three decimals."""
        from babel.numbers import format_decimal  # noqa: PLC0415 - see above

        return format_decimal(float(value), format="0.000", locale=self._locale)

    def percent(self, share: float) -> str:
        """Return a share from 0 to 1 as a whole percentage."""
        from babel.numbers import format_percent  # noqa: PLC0415 - see above

        return format_percent(float(share), locale=self._locale)

    def exact_percent(self, share: float) -> str:
        """Return a share from 0 to 1 as a percentage with all its decimals."""
        from babel.numbers import format_percent  # noqa: PLC0415 - see above

        return format_percent(float(share), locale=self._locale, decimal_quantization=False)

    def short_weekday_name(self, day: date) -> str:
        """Return the short name of a day of the week, such as Mon."""
        from babel.dates import format_date  # noqa: PLC0415 - see above

        return format_date(day, "ccc", locale=self._locale)

    def weekday_name(self, day: date) -> str:
        """Return the name of a day of the week, such as Monday."""
        from babel.dates import format_date  # noqa: PLC0415 - see above

        return format_date(day, "cccc", locale=self._locale)

    def hour(self, hour: int) -> str:
        """Return an hour of the day as a time."""
        from babel.dates import format_time  # noqa: PLC0415 - see above

        return format_time(time(hour), "short", locale=self._locale)

    def day_range(self, first: date, last: date) -> str:
        """Return a range of days, with short names of months."""
        from babel.dates import format_interval  # noqa: PLC0415 - see above

        return format_interval(first, last, "MMMd", locale=self._locale)

    def city(self, zone: str) -> str:
        """Return the name of the city that stands for a time zone of the IANA database."""
        from babel.dates import get_timezone_location  # noqa: PLC0415 - see above

        return get_timezone_location(zone, locale=self._locale, return_city=True)

    def zone_countries(self) -> dict[str, str]:
        """Return the name of the country of each time zone of the IANA database that belongs to one."""
        from babel import Locale  # noqa: PLC0415 - see above
        from babel.core import get_global  # noqa: PLC0415 - see above

        names = Locale.parse(self._locale).territories
        zones = {zone: names.get(code, "") for zone, code in get_global("zone_territories").items() if code.isalpha()}
        return {zone: name for zone, name in zones.items() if name and "/" in zone and not zone.startswith("Etc/")}

    def language_name(self) -> str:
        """Return the language's own name for itself."""
        from babel import Locale  # noqa: PLC0415 - see above

        return str(Locale.parse(self._locale).get_language_name(self._locale))

    def day(self, day: date, *, month: bool) -> str:
        """Return the day of the month, with the short name of the month if asked for."""
        from babel.dates import format_skeleton  # noqa: PLC0415 - see above

        return format_skeleton("MMMd" if month else "d", day, locale=self._locale)


ENGLISH = Translate(gettext.NullTranslations(), "en")


def translator(locale: discord.Locale | None) -> Translate:
    """Return the translation for the locale of an interaction.

    It is English for a locale without a catalogue, and for None, which stands for no particular reader.
    """
    language = LANGUAGES.get(str(locale))
    return _translate(language) if language else ENGLISH


@cache
def _translate(language: str) -> Translate:
    """Return a translation whose catalogue is compiled in memory, so there is no compiled file to keep up to date."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - Babel is loaded at first use
    from babel.messages.pofile import read_po  # noqa: PLC0415 - see above

    compiled = io.BytesIO()
    with (LOCALES / f"{language}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translate(gettext.GNUTranslations(compiled), language)


class CommandTranslator(app_commands.Translator):
    """Translates names, descriptions and choices of commands when they are registered with Discord."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the translation, or None if it equals the English text, which Discord then shows."""
        del context
        translated = translator(locale)(string.message)
        return None if translated == string.message else translated
