"""A clock that a test advances."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ManualClock:
    """Monotonic seconds that stand still until a test advances them."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
