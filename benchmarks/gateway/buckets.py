"""Apply Discord's rate limits: one for each bucket, and one for all of a bot's requests.

Each route has a bucket for each channel, server or webhook.
"""

from __future__ import annotations

import math
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Limit(NamedTuple):
    """The number of requests that a bucket admits within some seconds."""

    requests: int
    seconds: float


@dataclass(slots=True)
class _Bucket:
    remaining: int
    resets_at: float


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a bucket admits a request.

    Attributes:
        retry_after: seconds after which the request may be sent again, or 0 if it is admitted.
        headers: the answer's headers about the bucket.
    """

    retry_after: float
    headers: dict[str, str]


class Buckets:
    """The buckets of all routes; a bucket is refilled by the first request after its time is over."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with all buckets full.

        Args:
            clock: seconds since 1970, which the headers contain.
        """
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, route: str, place: str, limit: Limit) -> Admission:
        """Count a request, and return whether it is admitted.

        Args:
            route: the name of the bucket, which several routes may share.
            place: the ids of the channel, server or webhook, each of which has its own bucket.
            limit: of the bucket.
        """
        now = self._clock()
        bucket = self._buckets.get((route, place))
        if bucket is None or now >= bucket.resets_at:
            bucket = self._buckets[route, place] = _Bucket(limit.requests, now + limit.seconds)
        retry_after = 0.0 if bucket.remaining else bucket.resets_at - now
        bucket.remaining = max(bucket.remaining - 1, 0)
        headers = {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(bucket.remaining),
            "X-RateLimit-Reset": f"{bucket.resets_at:.3f}",
            "X-RateLimit-Reset-After": f"{bucket.resets_at - now:.3f}",
            "X-RateLimit-Bucket": f"{zlib.crc32(route.encode()):08x}",
        }
        return Admission(retry_after, headers)


class GlobalLimit:
    """Limits the requests within any second, whatever their routes."""

    def __init__(self, clock: Callable[[], float], per_second: int = 50) -> None:
        """Start with no request counted.

        Args:
            clock: seconds.
            per_second: how many are admitted; may be changed at any time.
        """
        self.per_second = per_second
        self._clock = clock
        self._moments: deque[float] = deque()

    def take(self) -> float:
        """Count a request; return the seconds after which it may be sent again, or 0 if it is admitted."""
        now = self._clock()
        while self._moments and self._moments[0] <= now - 1:
            self._moments.popleft()
        if len(self._moments) >= self.per_second:
            return self._moments[0] + 1 - now if self._moments else 1.0
        self._moments.append(now)
        return 0.0


def whole_seconds(seconds: float) -> str:
    """Return the value of the header Retry-After: whole seconds, rounded up."""
    return str(math.ceil(seconds))
