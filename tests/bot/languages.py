"""Languages made up for a test."""

from __future__ import annotations

import gettext
from collections.abc import Callable

from bot.i18n import Translate


def language(translated: Callable[[str], str], locale: str = "en") -> Translate:
    """Install a language whose texts a function makes from English, with the formats of a real one."""

    class Catalogue(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return translated(message)

        def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
            return translated(msgid1 if n == 1 else msgid2)

    return Translate(Catalogue(), locale)
