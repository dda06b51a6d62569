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
_CAUTION = 0.9  # the part of what Discord allows in a second that is sent: 45 of 50 requests
_SECOND = 1.0  # within which Discord counts requests
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
    """Limits the requests that Discord gets in a second, and those that have no answer yet.

    Nobody here knows how long a request is on its way to Discord, but it has arrived when it is answered. So it counts
    until a second after that, and whichever second Discord looks at, it finds no more than so many.

    As many may be sent together, since people write in bursts. Those that have to wait are spread evenly, so that under
    too much load the newest do not wait for the end of the next burst. The newest go first; if too many wait, the
    oldest are refused.
    """

    @classmethod
    def below(cls, allowed: float, clock: Callable[[], float], bearable: Callable[[], int]) -> Self:
        """Return one that leaves a tenth of what Discord allows to other programs with the same token.

        Args:
            allowed: requests in a second; a share of less than one allows one request in more than a second.
            clock: monotonic seconds.
            bearable: returns how many requests may be unanswered, at least 1.
        """
        most = max(round(_CAUTION * allowed), 1)
        return cls(clock, bearable, most=most, within=max(_SECOND, most / allowed), most_waiting=most)

    def __init__(
        self, clock: Callable[[], float], bearable: Callable[[], int], *, most: int, within: float, most_waiting: int
    ) -> None:
        """Start with no request sent.

        Args:
            clock: monotonic seconds.
            bearable: returns how many requests may be unanswered, at least 1.
            most: how many requests Discord may get within any so many seconds.
            within: those seconds.
            most_waiting: how many may wait.
        """
        self._clock = clock
        self._bearable = bearable
        self._most = most
        self._within = within
        self._most_waiting = most_waiting
        self._unanswered = 0
        self._answered: deque[float] = deque()  # the moments of the answers that count
        self._changed = asyncio.Event()
        self._waiting: list[tuple[float, int, asyncio.Future[bool]]] = []
        self._order = itertools.count()
        self._giving: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._waiting)

    async def acquire(self, freshness: float) -> bool:
        """Wait until a request may be sent; return False if it may not because too many newer ones wait.

        Whoever may send it calls `release` afterwards.

        Args:
            freshness: the request with the highest goes first.
        """
        if not self._waiting and self._next() <= self._clock():
            self._unanswered += 1
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

    def release(self, *, sent: bool = True) -> None:
        """Note that a request has been answered, or that there will be no answer.

        Args:
            sent: whether Discord may have got it.
        """
        self._unanswered -= 1
        if sent:
            self._answered.append(self._clock())
        self._changed.set()

    async def _give(self) -> None:
        last_due = -math.inf
        try:
            while self._waiting:
                self._changed.clear()
                due = max(last_due + self._within / self._most, self._next())
                if due == math.inf:
                    await self._changed.wait()
                    continue
                await asyncio.sleep(due - self._clock())
                if self._next() > self._clock():  # as when a refusal has made fewer bearable
                    continue
                _, _, turn = self._waiting.pop()
                if not turn.done():  # it may have been cancelled, for example at the end of the process
                    last_due = due
                    self._unanswered += 1
                    turn.set_result(True)
        finally:
            self._giving = None

    def _next(self) -> float:
        """Return the moment from which on the next request may be sent, infinity if an answer has to come before."""
        while self._answered and self._answered[0] <= self._clock() - self._within:
            self._answered.popleft()
        if self._unanswered >= self._bearable():
            return math.inf
        if self._unanswered + len(self._answered) < self._most:
            return -math.inf
        return self._answered[0] + self._within if self._answered else math.inf
