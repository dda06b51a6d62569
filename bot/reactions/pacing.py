"""How much Discord is asked to bear: fresh reactions only, few at once, a pause after a refusal, an even pace."""

from __future__ import annotations

import asyncio
import bisect
import itertools
import math
from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum

from cachetools import TTLCache


class Refusal(StrEnum):
    """Why a reaction is not even tried."""

    STALE = "stale"
    CROWDED = "crowded"
    BACKING_OFF = "backing off"


class Pauses:
    """Leaves places alone after setbacks, each time twice as long as before."""

    def __init__(self, clock: Callable[[], float], *, first: float, longest: float, free: int = 0) -> None:
        """Start with no setback.

        Args:
            clock: monotonic seconds.
            first: seconds that the first pause of a place lasts.
            longest: seconds that a pause lasts at most; after twice that time a setback is forgotten.
            free: how many setbacks of a place lead to no pause yet.
        """
        self._clock = clock
        self._first = first
        self._longest = longest
        self._free = free
        self._setbacks: TTLCache[int, tuple[int, float]] = TTLCache(_MOST_PLACES, 2 * longest, clock)

    def __len__(self) -> int:
        """Return how many places have setbacks that count."""
        return len(self._setbacks)

    def left(self, place: int) -> float:
        """Return the seconds left of a place's pause, 0 if there is none."""
        _, resumes_at = self._setbacks.get(place, (0, 0.0))
        return max(resumes_at - self._clock(), 0.0)

    def begin(self, place: int, first: float | None = None) -> float:
        """Count a setback of a place, unless it has a pause already: of several at once only the first counts.

        Args:
            place: any number.
            first: seconds in place of those of the first pause.

        Returns:
            How many seconds the pause that begins now lasts, 0 if none begins.
        """
        if self.left(place):
            return 0.0
        number, _ = self._setbacks.get(place, (0, 0.0))
        # The bound on the exponent keeps the power finite; any pause is at its longest by then.
        lasts = (self._first if first is None else first) * 2.0 ** min(number - self._free, 32)
        lasts = min(lasts, self._longest) if number >= self._free else 0.0
        self._setbacks[place] = number + 1, self._clock() + lasts
        return lasts

    def end(self, place: int) -> None:
        """Forget the setbacks of a place."""
        self._setbacks.pop(place, None)


_MOST_PLACES = 50_000


class Pacer:
    """Admits reactions channel by channel.

    discord.py obeys rate limits by waiting, so a busy channel would gather reactions that come too late for
    anybody to understand. Hence only a few may wait in each channel and the others are dropped. After a refusal
    the channel is left alone for a while, longer with every repetition, and after refusals in several channels of
    a server the whole server. A channel without reactions in flight or recent setbacks is not remembered at all.
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
            longest_pause: seconds that a pause lasts at most.
        """
        self.max_age = max_age
        self._max_in_flight = max_in_flight
        self._in_flight: Counter[int] = Counter()
        self._channels = Pauses(clock, first=60.0, longest=longest_pause)
        self._servers = Pauses(clock, first=60.0, longest=longest_pause, free=2)

    def __len__(self) -> int:
        """Return how many channels and servers are remembered; one in flight may be counted twice."""
        return len(self._in_flight) + len(self._channels) + len(self._servers)

    def admit(self, channel_id: int, guild_id: int | None, age: float) -> Refusal | None:
        """Take a place for a reaction, to be given back by `release`, or say why there is none.

        Args:
            channel_id: the channel of the message.
            guild_id: the server of the channel, None for direct messages.
            age: seconds since the message was written.
        """
        if age > self.max_age:
            return Refusal.STALE
        if self._channels.left(channel_id) or (guild_id and self._servers.left(guild_id)):
            return Refusal.BACKING_OFF
        if self._in_flight[channel_id] >= self._max_in_flight:
            return Refusal.CROWDED
        self._in_flight[channel_id] += 1
        return None

    def release(self, channel_id: int) -> None:
        """Give back the place that `admit` took."""
        self._in_flight[channel_id] -= 1
        if not self._in_flight[channel_id]:
            del self._in_flight[channel_id]

    def succeeded(self, channel_id: int, guild_id: int | None) -> None:
        """Take note that Discord took a reaction: earlier setbacks of the channel and its server no longer count."""
        self._channels.end(channel_id)
        if guild_id:
            self._servers.end(guild_id)

    def refused(self, channel_id: int, guild_id: int | None, pause: float) -> None:
        """Take note that Discord refused a reaction: leave the channel alone, and from the third on the server too.

        Args:
            channel_id: the channel of the message.
            guild_id: the server of the channel, None for direct messages.
            pause: seconds that the channel's first pause lasts.
        """
        if self._channels.begin(channel_id, pause) and guild_id:
            self._servers.begin(guild_id)


class Refusals:
    """Counts refused requests: Discord bans an address that was refused 10,000 times within ten minutes."""

    def __init__(self, clock: Callable[[], float], *, most: int = 12, window: float = 600.0) -> None:
        """Start with none.

        Args:
            clock: monotonic seconds.
            most: how many refusals within a window are enough. With those that are on their way when the last of
                them comes, fewer than 20 are meant to come together.
            window: seconds.
        """
        self.window = window
        self._clock = clock
        self._refusals: deque[tuple[float, int]] = deque(maxlen=most)

    def note(self, status: int) -> Counter[int] | None:
        """Count a refusal; if they are enough, forget them and return how many had which HTTP status."""
        now = self._clock()
        self._refusals.append((now, status))
        if len(self._refusals) < (self._refusals.maxlen or 0) or self._refusals[0][0] <= now - self.window:
            return None
        statuses = Counter(status for _, status in self._refusals)
        self._refusals.clear()
        return statuses


class Turns:
    """Lets things happen at an even pace; if more wait than may happen, the freshest go first, the oldest never."""

    def __init__(
        self, clock: Callable[[], float], *, rate: float = 35.0, at_once: int = 4, most_waiting: int = 35
    ) -> None:
        """Start with nobody waiting.

        Args:
            clock: monotonic seconds.
            rate: turns in a second. Discord allows 50; those that a network delays come together with later ones.
            at_once: how many turns may be taken together after a rest.
            most_waiting: how many may wait; with the default rate that is for a second at most.
        """
        self._clock = clock
        self._rate = rate
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._left = float(at_once)
        self._counted_at = -math.inf
        self._waiting: list[tuple[float, int, asyncio.Future[bool]]] = []
        self._order = itertools.count()
        self._giving: asyncio.Task[None] | None = None

    async def take(self, freshness: float) -> bool:
        """Wait for a turn; False if there is none because fresher ones took them all.

        Args:
            freshness: whoever has more goes first.
        """
        if not self._waiting and self._wait() <= 0:
            self._left -= 1
            return True
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        bisect.insort(self._waiting, (freshness, next(self._order), turn))
        if len(self._waiting) > self._most_waiting:
            _, _, oldest = self._waiting.pop(0)
            if not oldest.done():
                oldest.set_result(False)
        if self._giving is None:
            self._giving = asyncio.create_task(self._give())
        return await turn

    async def _give(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(self._wait())
                _, _, turn = self._waiting.pop()
                if not turn.done():  # whoever waited may have been cancelled, as at the end of the process
                    self._left -= 1
                    turn.set_result(True)
        finally:
            self._giving = None

    def _wait(self) -> float:
        """Return the seconds until the next turn."""
        now = self._clock()
        self._left = min(self._left + (now - self._counted_at) * self._rate, self._at_once)
        self._counted_at = now
        return max((1 - self._left) / self._rate, 0.0)
