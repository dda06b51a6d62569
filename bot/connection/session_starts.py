"""How many sessions the bot may start: Discord counts them per day, and resets the token of a bot with too many."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

log = logging.getLogger(__name__)

SESSION_INTERVAL = 5.5
"""Seconds from the start of a session until another may start in the same bucket: the 5 that Discord demands, and a
little more since one message may travel faster than the other."""

_DAY = 86_400.0


class SessionStarts:
    """Lets shards start sessions only when Discord allows it; a bucket is a shard's number modulo `max_concurrency`."""

    def __init__(self, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        """Start without knowing any limit.

        Args:
            clock: monotonic seconds.
            now: returns Discord's time.
        """
        self._clock = clock
        self._now = now
        self._concurrency = 1
        self._total = self._left = 1000
        self._counted_until = math.inf
        self._warned = False
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._free_at: defaultdict[int, float] = defaultdict(float)

    def note(self, limit: Mapping[str, Any]) -> None:
        """Note the `session_start_limit` that Discord has just sent."""
        self._concurrency = max(limit["max_concurrency"], 1)
        self._total, self._left = limit["total"], limit["remaining"]
        self._counted_until = self._clock() + limit["reset_after"] / 1000

    async def wait_for(self, sessions: int) -> None:
        """Wait until this many sessions may start today, and log once how long that takes."""
        while (seconds := self._seconds_until(sessions)) > 0:
            if not self._warned:
                log.warning(
                    "Discord lets this bot start %s more sessions until %s, but it needs %d: it waits until then.",
                    self._left or "no",
                    f"{self._now() + timedelta(seconds=seconds):%Y-%m-%d %H:%M} UTC",
                    sessions,
                )
            self._warned = True
            await asyncio.sleep(seconds)
        self._warned = False

    async def begin(self, shard_id: int) -> None:
        """Wait until a shard may start a session, and count it."""
        bucket = shard_id % self._concurrency
        async with self._turns[bucket]:
            await asyncio.sleep(self._free_at[bucket] - self._clock())
            await self.wait_for(1)
            self._free_at[bucket] = self._clock() + SESSION_INTERVAL
            self._left -= 1

    def _seconds_until(self, sessions: int) -> float:
        """Return the seconds until this many sessions may start; 0 if they may now."""
        now = self._clock()
        if now >= self._counted_until:
            self._left, self._counted_until = self._total, now + _DAY
        return 0.0 if min(sessions, self._total) <= self._left else self._counted_until - now
