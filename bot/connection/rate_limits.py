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
_CAUTION = 0.8  # the part of what Discord allows in a second that is sent for long: 40 of 50 requests
_LATER = 0.2  # seconds by which one request may be on its way for longer than another
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
    """Limits the requests sent within some seconds, which may be sent together, since people write in bursts.

    Those that have to wait are spread evenly, so that under too much load the newest need not wait for the end of the
    next burst. The newest go first; if too many wait, the oldest are refused.
    """

    @classmethod
    def below(cls, allowed: float, clock: Callable[[], float]) -> Self:
        """Return one that stays below a limit, since a slow network may deliver delayed requests with later ones.

        Of 50 allowed requests it sends 48 at most in any 1.2 seconds. So the limit is kept as long as no request is on
        its way for 0.2 s longer than another, and at most two are sent by somebody else.

        Args:
            allowed: requests in a second.
            clock: monotonic seconds.
        """
        rate = _CAUTION * allowed
        most = max(round((1 + _LATER) * rate), 1)
        return cls(clock, most=most, within=max(1 + _LATER, most / rate), most_waiting=max(round(rate), 1))

    def __init__(self, clock: Callable[[], float], *, most: int, within: float, most_waiting: int) -> None:
        """Start with no request waiting.

        Args:
            clock: monotonic seconds.
            most: how many requests may be sent within any so many seconds.
            within: those seconds.
            most_waiting: how many may wait.
        """
        self._clock = clock
        self._within = within
        self._spacing = within / most
        self._most_waiting = most_waiting
        self._sent: deque[float] = deque([-math.inf] * most, most)  # the moments of the last requests
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
        now = self._clock()
        if not self._waiting and self._next() <= now:
            self._sent.append(now)
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
        last_due = -math.inf
        try:
            while self._waiting:
                due = max(last_due + self._spacing, self._next())
                await asyncio.sleep(due - self._clock())
                _, _, turn = self._waiting.pop()
                if not turn.done():  # it may have been cancelled, for example at the end of the process
                    last_due = due
                    self._sent.append(self._clock())
                    turn.set_result(True)
        finally:
            self._giving = None

    def _next(self) -> float:
        """Return the moment from which on the next request may be sent."""
        return self._sent[0] + self._within
