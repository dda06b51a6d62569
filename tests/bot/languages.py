"""Languages that are made up for a test."""

from __future__ import annotations

import gettext
from collections.abc import Callable

from bot.i18n import Translate


def language(translated: Callable[[str], str], locale: str = "en") -> Translate:
    """A language whose texts a function makes from the English ones, with the numbers and dates of a real one."""

    class Catalogue(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return translated(message)

        def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
            return translated(msgid1 if n == 1 else msgid2)

    return Translate(Catalogue(), locale)
