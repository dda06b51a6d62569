"""What has lately happened in each channel, as far as the policy asks: how much was said, and how it was taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import TTLCache

from bot.policy import ChannelState

WINDOW = 600.0
"""Seconds for which messages and reactions count towards the share of messages with a reaction."""

FORGIVES = 86_400.0
"""Seconds after the last disliked reaction when a channel is forgiven."""

_MOST_MESSAGES = 200
_MOST_CHANNELS = 20_000


@dataclass(slots=True)
class _Record:
    """Moments of the clock at which something happened."""

    messages: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_MESSAGES))
    reactions: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_MESSAGES))


class Channels:
    """Remembers numbers, no messages; channels without any for a while are forgotten, the oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with no channel known; `clock` gives monotonic seconds."""
        self._clock = clock
        self._records: TTLCache[int, _Record] = TTLCache(_MOST_CHANNELS, WINDOW, clock)
        self._dislikes: TTLCache[int, int] = TTLCache(_MOST_CHANNELS, FORGIVES, clock)

    def state(self, channel_id: int) -> ChannelState:
        """What the policy needs to know of a channel."""
        record, now = self._record(channel_id), self._clock()
        return ChannelState(
            messages=len(record.messages),
            reactions=len(record.reactions),
            quiet_for=now - record.reactions[-1] if record.reactions else None,
            dislikes=self._dislikes.get(channel_id, 0),
        )

    def heard(self, channel_id: int) -> None:
        """A message was written."""
        self._record(channel_id).messages.append(self._clock())

    def reacted(self, channel_id: int) -> None:
        """The bot is about to react; told beforehand, so that the next message knows."""
        self._record(channel_id).reactions.append(self._clock())

    def disliked(self, channel_id: int) -> None:
        """Somebody with a say in it took a reaction back."""
        self._dislikes[channel_id] = self._dislikes.get(channel_id, 0) + 1

    def _record(self, channel_id: int) -> _Record:
        record = self._records.get(channel_id) or _Record()
        self._records[channel_id] = record  # which also puts off its being forgotten
        for moments in (record.messages, record.reactions):
            while moments and moments[0] <= self._clock() - WINDOW:
                moments.popleft()
        return record
