"""Discord's time, which this computer's clock may not show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import discord

_PERIOD = 600.0


class DiscordTime:
    """Tells the time by what Discord says, so that a wrong clock of this computer does no harm.

    Whatever Discord dates, an answer or a message, is past when it arrives: Discord's time is at least that. The
    latest of these bounds is the nearest to the truth. In between time is told by a monotonic clock, which stays as
    it is when this computer's clock is set. Only the bounds of the last 10 to 20 minutes count, since that clock may
    run a little too fast.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know nothing yet; `clock` gives monotonic seconds."""
        self._clock = clock
        self._lead: float | None = None  # seconds from the clock to Discord's time, at least
        self._earlier: float | None = None  # the same of the period before
        self._period_ends = 0.0

    @property
    def known(self) -> bool:
        """Whether Discord has dated anything yet."""
        return self._lead is not None

    def heard(self, moment: datetime) -> None:
        """Take notice of a moment, in any time zone, by which Discord has dated something that has just arrived."""
        now = self._clock()
        lead = moment.timestamp() - now
        if self._lead is None or now >= self._period_ends:
            self._earlier, self._lead, self._period_ends = self._lead, lead, now + _PERIOD
        else:
            self._lead = max(self._lead, lead)

    def now(self) -> datetime:
        """Return Discord's time in UTC, or this computer's as long as nothing is known."""
        if self._lead is None:
            return discord.utils.utcnow()
        lead = self._lead if self._earlier is None else max(self._lead, self._earlier)
        return datetime.fromtimestamp(self._clock() + lead, UTC)

    def error_of_host(self) -> timedelta:
        """Return how much this computer's clock is ahead of Discord's; negative if it is behind."""
        return discord.utils.utcnow() - self.now()
