"""What is remembered of recent messages, so that an edit, a deletion or a dislike can undo what they led to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from cachetools import TTLCache

_REMEMBERED, _MOST_REMEMBERED = 1800.0, 20_000


@dataclass(slots=True)
class Trace:
    """What a message led to; nothing of its text or author.

    Attributes:
        emoji: the bot's reaction, None if it has none.
        unwanted: whether somebody took a reaction back or removed it, so that the message gets no other.
        mood: the emotion that was counted for the mood, with the server and the channel it was counted for.
        busy: held while the message or an edit of it is handled.
    """

    emoji: str | None = None
    unwanted: bool = False
    mood: tuple[int, int, str] | None = None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


Traces: TypeAlias = "TTLCache[int, Trace]"
"""Traces by message id."""


def create_traces(clock: Callable[[], float]) -> Traces:
    """Return an empty collection that forgets each trace after half an hour.

    Args:
        clock: monotonic seconds.
    """
    return TTLCache(_MOST_REMEMBERED, _REMEMBERED, clock)
