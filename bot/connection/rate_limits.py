"""Limits on all requests to Discord: how many in a second, and how many refusals are too many."""

from __future__ import annotations

import asyncio
import bisect
import itertools
import math
from collections import Counter, deque
from collections.abc import Callable
from typing import Self

COUNT_TOWARDS_A_BAN = (401, 403, 429)
"""The HTTP statuses of requests that Discord counts before it bans an address."""

_MINUTE = 60.0
_CAUTION = 0.7  # the part of what Discord allows in a second that is sent: 35 of 50 requests
_AT_ONCE = 0.16  # the part of it that may be sent together after a rest, since people write in bursts: 8 of 50
_TOO_MANY = 2  # requests more than are bearable, so that one is always on its way where all are refused

SUSPICIOUS = 3
"""Refusals in a row after which all requests may be refused; fewer only show that some server lacks a permission."""


class RefusalCounter:
    """Counts refused requests, wherever, and tells when there are too many to go on.

    Discord bans an address after 10,000 requests refused with 401, 403 or 429 within ten minutes. A bot in thousands of
    servers gets some in any case, as from people who have blocked it; where most are refused, further ones are in vain.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        free: int = 14,
        each: int = 4,
        most: int = 200,
        window: float = 600.0,
    ) -> None:
        """Start with no request counted.

        Args:
            clock: monotonic seconds.
            free: how many refusals in a row are too many, and how many within a window if nothing else is accepted.
            each: how many accepted requests within a window make one further refusal bearable.
            most: how many refusals that count towards a ban are too many in any case, since other bots may share the
                address.
            window: seconds.
        """
        self.window = window
        self._clock = clock
        self._free = free
        self._each = each
        self._most = most
        self._refusals: deque[tuple[float, int]] = deque()
        self._in_a_row = 0
        self._accepted: Counter[int] = Counter()  # by minute

    def accept(self) -> None:
        """Count a request that was not refused."""
        self._in_a_row = 0
        self._accepted[self._minute()] += 1

    def count(self, status: int) -> Counter[int] | None:
        """Count a refusal; return the counts by HTTP status and start again if there are too many, else return None."""
        self._refusals.append((self._clock(), status))
        self._in_a_row += 1
        left = self._left()
        statuses = Counter(status for _, status in self._refusals)
        if left > 0 and sum(statuses[status] for status in COUNT_TOWARDS_A_BAN) < self._most:
            return None
        self._refusals.clear()
        self._in_a_row = 0
        return statuses

    def bearable(self) -> int:
        """Return how many requests may be on their way: if all of them are refused, that is only a few too many.

        After several refusals in a row it is one, which shows whether that is over.
        """
        return 1 if self._in_a_row >= SUSPICIOUS else max(self._left(), 0) + _TOO_MANY

    def _left(self) -> int:
        """Forget what is older than the window; return after how many further refusals in a row there are too many."""
        while self._refusals and self._refusals[0][0] <= self._clock() - self.window:
            self._refusals.popleft()
        for minute in [minute for minute in self._accepted if minute <= self._minute() - self.window / _MINUTE]:
            del self._accepted[minute]
        borne = self._free + self._accepted.total() // self._each
        return min(self._free - min(self._in_a_row, len(self._refusals)), borne - len(self._refusals))

    def _minute(self) -> int:
        return int(self._clock() // _MINUTE)


class RateLimiter:
    """Limits the requests sent in a second; if too many wait, the newest go first and the oldest are refused."""

    @classmethod
    def below(cls, allowed: float, clock: Callable[[], float]) -> Self:
        """Return one that stays below a limit, since a slow network may deliver delayed requests with later ones.

        Of 50 allowed requests it sends 43 at most in any second, and 50 in any 1.2 seconds. So the limit is kept as
        long as no request is on its way for 0.2 s longer than another.

        Args:
            allowed: requests in a second.
            clock: monotonic seconds.
        """
        rate = _CAUTION * allowed
        return cls(clock, rate=rate, at_once=max(_AT_ONCE * allowed, 1.0), most_waiting=max(round(rate), 1))

    def __init__(self, clock: Callable[[], float], *, rate: float, at_once: float, most_waiting: int) -> None:
        """Start with no request waiting.

        Args:
            clock: monotonic seconds.
            rate: requests in a second.
            at_once: how many may be sent together after a rest.
            most_waiting: how many may wait.
        """
        self._clock = clock
        self._rate = rate
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._left = at_once
        self._counted_at = -math.inf
        self._waiting: list[tuple[float, int, asyncio.Future[bool]]] = []
        self._order = itertools.count()
        self._giving: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._waiting)

    async def acquire(self, freshness: float) -> bool:
        """Wait until a request may be sent; return False if it may not because too many newer ones wait.

        Args:
            freshness: the request with the highest goes first.
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
                if not turn.done():  # it may have been cancelled, for example at the end of the process
                    self._left -= 1
                    turn.set_result(True)
        finally:
            self._giving = None

    def _wait(self) -> float:
        """Return the seconds until the next request may be sent."""
        now = self._clock()
        self._left = min(self._left + (now - self._counted_at) * self._rate, self._at_once)
        self._counted_at = now
        return max((1 - self._left) / self._rate, 0.0)
