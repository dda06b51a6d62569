"""How much a channel is asked to bear: few reactions at once, fresh ones only, a pause after a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """Why a reaction is not even tried."""

    STALE = "stale"
    CROWDED = "crowded"
    BACKING_OFF = "backing off"


@dataclass(slots=True)
class _Channel:
    """What is remembered of one channel; times are in seconds of the pacer's clock."""

    in_flight: int = 0
    setbacks: int = 0
    resumes_at: float = 0.0
    forgotten_at: float = 0.0


class Pacer:
    """Admits reactions channel by channel.

    discord.py obeys rate limits by waiting, so a busy channel would gather reactions that come too late for
    anybody to understand. Hence only a few may wait in each channel and the others are dropped. A channel
    without reactions in flight or recent setbacks is not remembered at all.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        max_in_flight: int = 4,
        max_age: float = 15.0,
        longest_pause: float = 3600.0,
    ) -> None:
        """Start with no channel known.

        Args:
            clock: monotonic seconds.
            max_in_flight: how many reactions of one channel may be on their way at once.
            max_age: seconds after which a message is too old for a reaction.
            longest_pause: seconds that a back-off lasts at most.
        """
        self.max_age = max_age
        self._clock = clock
        self._max_in_flight = max_in_flight
        self._longest_pause = longest_pause
        self._channels: dict[int, _Channel] = {}

    def __len__(self) -> int:
        """How many channels are remembered."""
        return len(self._channels)

    def admit(self, channel_id: int, age: float) -> Refusal | None:
        """Take a place for a reaction, to be given back by `release`, or say why there is none.

        Args:
            channel_id: the channel of the message.
            age: seconds since the message was written.
        """
        channel = self._channels.get(channel_id, _Channel())
        if age > self.max_age:
            return Refusal.STALE
        if self._clock() < channel.resumes_at:
            return Refusal.BACKING_OFF
        if channel.in_flight >= self._max_in_flight:
            return Refusal.CROWDED
        channel.in_flight += 1
        self._channels[channel_id] = channel
        return None

    def release(self, channel_id: int) -> None:
        """Give back the place that `admit` took."""
        self._channels[channel_id].in_flight -= 1
        self._forget()

    def succeeded(self, channel_id: int) -> None:
        """Discord took a reaction: earlier setbacks of the channel no longer count."""
        channel = self._channels[channel_id]
        channel.setbacks = 0
        channel.resumes_at = channel.forgotten_at = 0.0

    def refused(self, channel_id: int, pause: float) -> None:
        """Discord refused a reaction: leave the channel alone, twice as long with every repetition.

        Args:
            channel_id: the channel of the message.
            pause: seconds that the first pause lasts.
        """
        channel = self._channels[channel_id]
        if self._clock() < channel.resumes_at:
            return  # of several on their way at once, the first already began this pause
        # The bound on the exponent keeps the power finite; any pause is at its longest by then.
        lasts = min(pause * 2.0 ** min(channel.setbacks, 32), self._longest_pause)
        channel.setbacks += 1
        channel.resumes_at = self._clock() + lasts
        channel.forgotten_at = channel.resumes_at + self._longest_pause

    def _forget(self) -> None:
        now = self._clock()
        for channel_id in [
            channel_id
            for channel_id, channel in self._channels.items()
            if not channel.in_flight and channel.forgotten_at <= now
        ]:
            del self._channels[channel_id]
