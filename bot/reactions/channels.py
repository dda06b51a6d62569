"""What has lately happened in each channel, as far as the policy asks: how much was said, and how it was taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cachetools import TTLCache

from bot.reactions.policy import MOST_DISLIKES, ChannelState

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
    """Remembers numbers, no messages, and who disliked a reaction; all is forgotten after a while, the oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with no channel known; `clock` gives monotonic seconds."""
        self._clock = clock
        self._records: TTLCache[int, _Record] = TTLCache(_MOST_CHANNELS, WINDOW, clock)
        self._dislikes: TTLCache[int, frozenset[int | None]] = TTLCache(_MOST_CHANNELS, FORGIVES, clock)

    def state(self, channel_id: int) -> ChannelState:
        """What the policy needs to know of a channel."""
        record, now = self._record(channel_id), self._clock()
        return ChannelState(
            messages=len(record.messages),
            reactions=len(record.reactions),
            quiet_for=now - record.reactions[-1] if record.reactions else None,
            dislikes=len(self._dislikes.get(channel_id, ())),
        )

    def heard(self, channel_id: int) -> None:
        """A message was written."""
        self._record(channel_id).messages.append(self._clock())

    def reacted(self, channel_id: int) -> None:
        """The bot is about to react; told beforehand, so that the next message knows."""
        self._record(channel_id).reactions.append(self._clock())

    def disliked(self, channel_id: int, person: int | None) -> None:
        """Take note that somebody with a say in it took a reaction back; each person counts once.

        Args:
            channel_id: the channel.
            person: the user id, None where Discord does not tell.
        """
        people = self._dislikes.get(channel_id, frozenset())
        self._dislikes[channel_id] = people if len(people) >= MOST_DISLIKES else people | {person}

    def holding_back(self, channel_ids: Iterable[int]) -> list[int]:
        """Return those of some channels in which a reaction was taken back, and not yet forgiven."""
        return [channel_id for channel_id in channel_ids if channel_id in self._dislikes]

    def forgive(self, channel_ids: Iterable[int]) -> None:
        """Forget what was disliked in some channels."""
        for channel_id in channel_ids:
            self._dislikes.pop(channel_id, None)

    def _record(self, channel_id: int) -> _Record:
        record = self._records.get(channel_id) or _Record()
        self._records[channel_id] = record  # which also puts off its being forgotten
        for moments in (record.messages, record.reactions):
            while moments and moments[0] <= self._clock() - WINDOW:
                moments.popleft()
        return record
