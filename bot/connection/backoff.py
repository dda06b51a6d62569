"""Pauses that double after each failure."""

from __future__ import annotations

import math
from collections.abc import Callable

from cachetools import TTLCache

_MAX_KEYS = 50_000


class Backoff:
    """Pauses a key, such as a channel's id, after each of its failures, each time for twice as long."""

    def __init__(self, clock: Callable[[], float], *, max_pause: float, tolerated: int = 0) -> None:
        """Start with no failure.

        Args:
            clock: monotonic seconds.
            max_pause: the longest pause in seconds; after twice that time, failures are forgotten.
            tolerated: how many failures a key may have before its first pause.
        """
        self._clock = clock
        self._max_pause = max_pause
        self._tolerated = tolerated
        self._failures: TTLCache[int, tuple[int, float]] = TTLCache(_MAX_KEYS, 2 * max_pause, clock)
        self._all_over_at = -math.inf  # when the last pause of all keys ends

    def __len__(self) -> int:
        """Return how many keys have failures that are not forgotten."""
        return len(self._failures)

    def remaining(self, key: int) -> float:
        """Return the remaining seconds of a key's pause; 0 if there is none."""
        now = self._clock()
        if now >= self._all_over_at:  # asked for each message several times, so it must be quick
            return 0.0
        _, resumes_at = self._failures.get(key, (0, 0.0))
        return max(resumes_at - now, 0.0)

    def fail(self, key: int, first_pause: float) -> float:
        """Count a failure of a key and start a pause; failures during a pause do not count.

        Args:
            key: what failed.
            first_pause: the key's first pause in seconds; it doubles with each further pause.

        Returns:
            The seconds of the pause that starts now; 0 if none starts.
        """
        if self.remaining(key):
            return 0.0
        number, _ = self._failures.get(key, (0, 0.0))
        # Bounding the exponent keeps the power finite; by then every pause has its maximum length.
        pause = first_pause * 2.0 ** min(number - self._tolerated, 32)
        pause = min(pause, self._max_pause) if number >= self._tolerated else 0.0
        resumes_at = self._clock() + pause
        self._failures[key] = number + 1, resumes_at
        self._all_over_at = max(self._all_over_at, resumes_at)
        return pause

    def succeed(self, key: int) -> None:
        """Forget the failures of a key and end its pause."""
        self._failures.pop(key, None)
