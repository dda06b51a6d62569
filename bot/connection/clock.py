"""Two clocks: the event loop's, and Discord's time, from which this computer's clock may differ."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import discord

_PERIOD = 600.0


def loop_time() -> float:
    """Return the monotonic seconds of the running event loop."""
    return asyncio.get_running_loop().time()


class DiscordTime:
    """Tells Discord's time, so that a wrong clock on this computer does no harm.

    Discord dates its answers and messages. When one arrives, Discord's time is at least its date, and the highest of
    these lower bounds is the most accurate. In between, a monotonic clock is used, which does not jump when this
    computer's clock is set. While dates arrive, only the bounds of the last 10 to 20 minutes count, since the monotonic
    clock may run fast.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with this computer's time.

        Args:
            clock: monotonic seconds.
        """
        self._clock = clock
        self._lead: float | None = None  # seconds from the clock to Discord's time, at least
        self._earlier: float | None = None  # the same in the period before
        self._period_ends = 0.0

    @property
    def known(self) -> bool:
        """Whether Discord has dated anything yet."""
        return self._lead is not None

    def note(self, moment: datetime) -> None:
        """Note the date of an answer or message of Discord's that has just arrived, in any time zone."""
        now = self._clock()
        lead = moment.timestamp() - now
        if self._lead is None or now >= self._period_ends:
            self._earlier, self._lead, self._period_ends = self._lead, lead, now + _PERIOD
        else:
            self._lead = max(self._lead, lead)

    def now(self) -> datetime:
        """Return Discord's time in UTC, or this computer's time until Discord has dated something."""
        if self._lead is None:
            return discord.utils.utcnow()
        lead = self._lead if self._earlier is None else max(self._lead, self._earlier)
        return datetime.fromtimestamp(self._clock() + lead, UTC)

    def host_clock_error(self) -> timedelta:
        """Return by how much this computer's clock is ahead of Discord's; negative if it is behind."""
        return discord.utils.utcnow() - self.now()
