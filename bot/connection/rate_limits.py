"""Limits on all requests to Discord: requests per second, unanswered requests, and refusals."""

from __future__ import annotations

import asyncio
import bisect
import itertools
import math
from collections import Counter, deque
from collections.abc import Callable
from typing import Self

BAN_STATUSES = (401, 403, 429)
"""The HTTP statuses for which Discord bans an IP address if it has to send too many of them."""

SUSPICIOUS_REFUSALS = 3
"""After this many refusals in a row, every request may be refused; fewer can mean one server's missing permission."""

_MINUTE = 60.0  # seconds
_SAFETY_FACTOR = 0.9  # of the requests a second that Discord allows: 45 of 50
_DISCORD_WINDOW = 1.0  # seconds over which Discord counts requests
_SPARE = 2  # unanswered requests allowed beyond the limit, so that there is always one to show whether refusals go on


class RefusalCounter:
    """Counts refused requests across all servers and says when there are too many to go on.

    Discord bans an IP address after 10,000 requests refused with 401, 403 or 429 within ten minutes. A bot in thousands
    of servers always gets a few refusals, for example from people who have blocked it. If it gets little else, sending
    more is pointless.

    Attributes:
        window: the seconds within which requests count.
        in_a_row: how many requests were refused since the last one that was accepted.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        limit: int = 14,
        accepted_per_refusal: int = 4,
        ban_limit: int = 200,
        window: float = 600.0,
    ) -> None:
        """Start with no request counted.

        Args:
            clock: monotonic seconds.
            limit: how many refusals in a row are too many; also how many within the window if no request is accepted.
            accepted_per_refusal: each time this many requests were accepted within the window, it may hold one more
                refusal.
            ban_limit: how many refusals that count towards a ban are too many, however many requests were accepted; far
                below Discord's own limit because other bots may share the address.
            window: seconds.
        """
        self.window = window
        self.in_a_row = 0
        self._clock = clock
        self._limit = limit
        self._accepted_per_refusal = accepted_per_refusal
        self._ban_limit = ban_limit
        self._refusals: deque[tuple[float, int]] = deque()  # time and HTTP status
        self._accepted: Counter[int] = Counter()  # by minute

    def accept(self) -> None:
        """Count an accepted request."""
        self.in_a_row = 0
        self._accepted[self._minute()] += 1

    def count(self, status: int) -> Counter[int] | None:
        """Count a refusal; if there are now too many, start again from zero.

        Returns:
            The refusals within the window by HTTP status if there were too many, else None.
        """
        self._refusals.append((self._clock(), status))
        self.in_a_row += 1
        left = self._refusals_left()
        statuses = Counter(status for _, status in self._refusals)
        if left > 0 and sum(statuses[status] for status in BAN_STATUSES) < self._ban_limit:
            return None
        self._refusals.clear()
        self.in_a_row = 0
        return statuses

    def max_unanswered(self) -> int:
        """Return how many requests may be unanswered at a time, so that the limit holds even if all are refused.

        After several refusals in a row this is 1: a single request shows whether Discord still refuses everything.
        """
        return 1 if self.in_a_row >= SUSPICIOUS_REFUSALS else max(self._refusals_left(), 0) + _SPARE

    def _refusals_left(self) -> int:
        """Return how many more refusals in a row are too many, after dropping what is older than the window."""
        while self._refusals and self._refusals[0][0] <= self._clock() - self.window:
            self._refusals.popleft()
        for minute in [minute for minute in self._accepted if minute <= self._minute() - self.window / _MINUTE]:
            del self._accepted[minute]
        refused = len(self._refusals)
        left_in_a_row = self._limit - min(self.in_a_row, refused)
        left_in_window = self._limit + self._accepted.total() // self._accepted_per_refusal - refused
        return min(left_in_a_row, left_in_window)

    def _minute(self) -> int:
        return int(self._clock() // _MINUTE)


class RateLimiter:
    """Limits how many requests reach Discord in a second, and how many are unanswered at a time.

    The bot cannot know when a request reaches Discord, only that it has by the time it is answered. So each request
    counts from when it is sent until a second after its answer: then no second, as Discord counts, has too many.

    A whole second's requests may be sent together, since people write in bursts. Requests that have to wait are spaced
    evenly: otherwise, under too much load, the newest would wait for the next burst. The newest is sent first, and when
    too many wait, the oldest is rejected.
    """

    @classmethod
    def with_reserve(cls, allowed: float, clock: Callable[[], float], max_unanswered: Callable[[], int]) -> Self:
        """Return a limiter that leaves a tenth of what Discord allows to other programs with the same token.

        Args:
            allowed: requests a second; for a value below 1, one request in more than a second.
            clock: monotonic seconds.
            max_unanswered: returns how many requests may be unanswered, at least 1.
        """
        limit = max(round(_SAFETY_FACTOR * allowed), 1)
        return cls(clock, max_unanswered, limit=limit, window=max(_DISCORD_WINDOW, limit / allowed), max_waiting=limit)

    def __init__(
        self,
        clock: Callable[[], float],
        max_unanswered: Callable[[], int],
        *,
        limit: int,
        window: float,
        max_waiting: int,
    ) -> None:
        """Start with no request sent.

        Args:
            clock: monotonic seconds.
            max_unanswered: returns how many requests may be unanswered, at least 1.
            limit: how many requests may reach Discord within the window.
            window: seconds.
            max_waiting: how many requests may wait.
        """
        self._clock = clock
        self._max_unanswered = max_unanswered
        self._limit = limit
        self._window = window
        self._max_waiting = max_waiting
        self._unanswered = 0
        self._answered: deque[float] = deque()  # times of the answers within the window
        self._released = asyncio.Event()
        self._waiting: list[tuple[float, int, asyncio.Future[bool]]] = []  # the newest last
        self._order = itertools.count()
        self._admitting: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return how many requests are waiting."""
        return len(self._waiting)

    async def acquire(self, freshness: float) -> bool:
        """Wait until a request may be sent; return False if it must not be, because too many newer ones are waiting.

        If this returns True, the caller must call `release` afterwards.

        Args:
            freshness: the waiting request with the highest value is sent first.
        """
        if not self._waiting and self._next_time() <= self._clock():
            self._unanswered += 1
            return True
        admitted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        bisect.insort(self._waiting, (freshness, next(self._order), admitted))
        if len(self._waiting) > self._max_waiting:
            _, _, oldest = self._waiting.pop(0)
            if not oldest.done():
                oldest.set_result(False)
        if self._admitting is None:
            self._admitting = asyncio.create_task(self._admit())
        return await admitted

    def release(self, *, sent: bool = True) -> None:
        """Record that a request was answered, or will not be.

        Args:
            sent: whether it may have reached Discord.
        """
        self._unanswered -= 1
        if sent:
            self._answered.append(self._clock())
        self._released.set()

    async def _admit(self) -> None:
        """Admit the waiting requests one after another, evenly spaced, until none is left."""
        last_due = -math.inf
        try:
            while self._waiting:
                self._released.clear()
                due = max(last_due + self._window / self._limit, self._next_time())
                if due == math.inf:
                    await self._released.wait()
                    continue
                await asyncio.sleep(due - self._clock())
                if self._next_time() > self._clock():  # for example because a refusal has lowered max_unanswered
                    continue
                _, _, admitted = self._waiting.pop()
                if not admitted.done():  # it may have been cancelled, for example when the process stops
                    last_due = due
                    self._unanswered += 1
                    admitted.set_result(True)
        finally:
            self._admitting = None

    def _next_time(self) -> float:
        """Return when the next request may be sent; infinity if that depends on an answer that has not come yet."""
        while self._answered and self._answered[0] <= self._clock() - self._window:
            self._answered.popleft()
        if self._unanswered >= self._max_unanswered():
            return math.inf
        if self._unanswered + len(self._answered) < self._limit:
            return -math.inf
        return self._answered[0] + self._window if self._answered else math.inf
