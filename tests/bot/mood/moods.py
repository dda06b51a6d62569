"""Moods over a period, for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.mood.over_time import PERIODS, MoodOverTime
from tests.bot.languages import language

NOW = datetime(2026, 11, 24, 21, 40, tzinfo=UTC)  # a Tuesday


def mood_of(period: str, *counts: tuple[float, str, int]) -> MoodOverTime:
    """Return a mood made of hours ago, emotions and numbers of messages."""
    return MoodOverTime(
        PERIODS[period],
        NOW,
        (((NOW - timedelta(hours=ago)).replace(minute=0), emotion, messages) for ago, emotion, messages in counts),
    )


def mood_throughout(period: str, **messages: int) -> MoodOverTime:
    """Return the same emotions in each step of a period."""
    hours = PERIODS[period].step / timedelta(hours=1)
    steps = range(PERIODS[period].steps)
    return mood_of(period, *((step * hours, emotion, n) for step in steps for emotion, n in messages.items()))


_GERMAN = {
    "{emotion} etc.": "{emotion} u. a.",
    "joy": "Freude",
    "surprise": "Überraschung",
    "7 days": "7 Tage",
    "Share of messages": "Anteil der Nachrichten",
    "Messages": "Nachrichten",
    "{count} messages.": "{count} Nachrichten.",
    "The mood has stayed about the same.": "Die Stimmung ist etwa gleich geblieben.",
}


german = language(lambda text: _GERMAN.get(text, text), "de")
