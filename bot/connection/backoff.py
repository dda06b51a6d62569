"""Pauses that double after each failure."""

from __future__ import annotations

import math
from collections.abc import Callable

from cachetools import TTLCache

_MAX_PLACES = 50_000


class Backoff:
    """Pauses a place after each failure there, each time for twice as long.

    A place is any number, such as the id of a channel.
    """

    def __init__(self, clock: Callable[[], float], *, longest: float, free: int = 0) -> None:
        """Start with no failure.

        Args:
            clock: monotonic seconds.
            longest: the longest pause in seconds; after twice that time, failures are forgotten.
            free: how many failures a place may have before its first pause.
        """
        self._clock = clock
        self._longest = longest
        self._free = free
        self._failures: TTLCache[int, tuple[int, float]] = TTLCache(_MAX_PLACES, 2 * longest, clock)
        self._none_after = -math.inf  # when the last pause of all places ends

    def __len__(self) -> int:
        """Return how many places have failures that are not forgotten."""
        return len(self._failures)

    def remaining(self, place: int) -> float:
        """Return the remaining seconds of a place's pause; 0 if there is none."""
        now = self._clock()
        if now >= self._none_after:  # asked for each message several times, so it must be quick
            return 0.0
        _, resumes_at = self._failures.get(place, (0, 0.0))
        return max(resumes_at - now, 0.0)

    def fail(self, place: int, first: float) -> float:
        """Count a failure of a place and start a pause; failures during a pause do not count.

        Args:
            place: where it failed.
            first: the place's first pause in seconds; it doubles with each further pause.

        Returns:
            The seconds of the pause that starts now; 0 if none starts.
        """
        if self.remaining(place):
            return 0.0
        number, _ = self._failures.get(place, (0, 0.0))
        # Bounding the exponent keeps the power finite; by then every pause has its maximum length.
        lasts = first * 2.0 ** min(number - self._free, 32)
        lasts = min(lasts, self._longest) if number >= self._free else 0.0
        resumes_at = self._clock() + lasts
        self._failures[place] = number + 1, resumes_at
        self._none_after = max(self._none_after, resumes_at)
        return lasts

    def succeed(self, place: int) -> None:
        """Forget the failures of a place and end its pause."""
        self._failures.pop(place, None)
