from __future__ import annotations

from typing import Any

import discord
import pytest
from simcord.components import validate_modal

from bot.settings.forms import EmojiForm, ImportForm, ZoneForm
from classifiers import EMOJI
from tests.bot.settings.support import LOCALES_TO_TRY


@pytest.mark.parametrize("locale", LOCALES_TO_TRY)
async def test_every_form_fits_in_every_language(locale: discord.Locale) -> None:
    async def unused(*_: Any) -> None: ...

    for emotion, default in {**EMOJI, "guilt": None, "x" * 100: None}.items():
        validate_modal(EmojiForm(emotion, default, "<a:blob:123456789012345678>", locale, unused, unused).to_dict())
    validate_modal(ImportForm(locale, unused, unused).to_dict())
    validate_modal(ZoneForm(locale, unused, unused).to_dict())
