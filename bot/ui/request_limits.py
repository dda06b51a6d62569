"""Limit how often a person may request an explanation, which takes a model much longer than a prediction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import discord
from discord.ext import commands

from bot.i18n import Translate, mark

ONE_AT_A_TIME = mark("I am still reading your last text; one at a time, please.")
TOO_MANY = mark("That was a lot to read in a short time; please ask me again {when}.")

MAX_TEXTS, WINDOW = 10, 30
"""The most texts that a person may ask about, and the seconds within which they count."""


class RequestLimits:
    """Lets each person ask about one text at a time, and about at most `MAX_TEXTS` texts within `WINDOW`.

    An explanation takes a hundred times as long as a prediction. Who has asked is kept in memory for half a minute.
    """

    def __init__(self) -> None:
        """Start with no requests."""
        self._in_progress: set[int] = set()
        self._cooldowns: commands.CooldownMapping[discord.Interaction] = commands.CooldownMapping.from_cooldown(
            MAX_TEXTS, WINDOW, lambda interaction: interaction.user.id
        )

    def refuse_or_count(self, interaction: discord.Interaction, translate: Translate) -> str | None:
        """Return why a user has to wait for an answer; if they need not, count the question and return None."""
        if interaction.user.id in self._in_progress:
            return translate(ONE_AT_A_TIME)
        wait = self._cooldowns.update_rate_limit(interaction, interaction.created_at.timestamp())
        if wait is None:
            return None
        over = interaction.created_at + timedelta(seconds=math.ceil(wait))
        return translate(TOO_MANY).format(when=discord.utils.format_dt(over, "R"))

    @contextmanager
    def in_progress(self, user_id: int) -> Iterator[None]:
        """Refuse this person's other texts while the block runs."""
        self._in_progress.add(user_id)
        try:
            yield
        finally:
            self._in_progress.discard(user_id)
