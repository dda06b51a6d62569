"""Sum up how messages ended while Discord refuses reactions; no input or output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from bot.reactions.outcomes import Outcome

_MINUTE = 60.0
_REFUSED = frozenset(
    {
        Outcome.FORBIDDEN,
        Outcome.NO_ACCESS,
        Outcome.RATE_LIMITED,
        Outcome.REFUSED,
        Outcome.DISCORD_FAILED,
        Outcome.HELD_BACK,
        Outcome.OVERLOADED,
    }
)
"""Outcomes that an operator should know about."""


class Summary:
    """Counts outcomes by the minute, and sums up those of a minute in which anything was refused in one line."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with no outcome.

        Args:
            clock: monotonic seconds.
        """
        self._clock = clock
        self._counts: Counter[Outcome] = Counter()
        self._began = 0.0

    def add(self, outcome: Outcome) -> str | None:
        """Count how a message ended.

        Returns:
            A line about the earlier outcomes if the first is more than a minute old and any was a refusal, else None.
        """
        now, line = self._clock(), None
        if self._counts and now - self._began >= _MINUTE:
            if _REFUSED & self._counts.keys():
                counts = ", ".join(f"{number} {outcome}" for outcome, number in self._counts.most_common())
                line = f"Of {self._counts.total()} messages in {now - self._began:.0f} s: {counts}."
            self._counts.clear()
        if not self._counts:
            self._began = now
        self._counts[outcome] += 1
        return line
