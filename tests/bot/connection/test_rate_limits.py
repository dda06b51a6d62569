from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from typing import Any

import pytest

from bot.connection.rate_limits import RateLimiter, RefusalCounter
from tests.bot.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def refusals(clock: ManualClock) -> RefusalCounter:
    return RefusalCounter(clock, limit=3, window=600)


def test_refusals_spread_over_more_than_the_window_are_not_too_many(
    refusals: RefusalCounter, clock: ManualClock
) -> None:
    for _ in range(100):
        assert refusals.count(403) is None
        clock.now += 300


def test_too_many_refusals_are_returned_once_with_counts_by_status(
    refusals: RefusalCounter, clock: ManualClock
) -> None:
    for begin in (1000, 2000):
        clock.now = begin
        assert refusals.count(403) is None
        clock.now = begin + 1
        assert refusals.count(429) is None
        clock.now = begin + 599
        assert refusals.count(403) == {403: 2, 429: 1}


def test_14_refusals_in_ten_minutes_are_too_many_if_nothing_is_accepted(clock: ManualClock) -> None:
    refusals = RefusalCounter(clock)
    assert refusals.window == 600
    assert [refusals.count(404) for _ in range(14)] == [*[None] * 13, {404: 14}]


def test_one_refusal_in_five_requests_is_tolerated(clock: ManualClock) -> None:
    refusals = RefusalCounter(clock, limit=3)
    for _ in range(1000):
        for _ in range(4):
            refusals.accept()
        assert refusals.count(404) is None
    assert any(refusals.count(404) for _ in range(2))


def test_busy_bot_stops_as_soon_once_everything_is_refused(clock: ManualClock) -> None:
    refusals = RefusalCounter(clock)
    for _ in range(10_000):
        refusals.accept()
    assert [refusals.count(403) for _ in range(14)] == [*[None] * 13, {403: 14}]


def test_requests_accepted_before_the_window_do_not_count(clock: ManualClock) -> None:
    refusals = RefusalCounter(clock, limit=3)
    for _ in range(1000):
        refusals.accept()
    clock.now += 660
    for _ in range(2):
        assert refusals.count(404) is None
        refusals.accept()  # so that it is not the refusals in a row that are too many
    assert refusals.count(404) == {404: 3}


def test_200_refusals_are_too_many_however_many_requests_are_accepted(clock: ManualClock) -> None:
    refusals = RefusalCounter(clock)
    results = []
    for status in (404, 401, 403, 403, 429) * 50:
        for _ in range(10):
            refusals.accept()
        results.append(refusals.count(status))
    assert results == [*[None] * 249, {401: 50, 403: 100, 404: 50, 429: 50}]


def test_more_refusals_allow_fewer_concurrent_requests(clock: ManualClock) -> None:
    refusals = RefusalCounter(clock, limit=3)
    assert [refusals.max_unanswered(), refusals.count(403), refusals.max_unanswered()] == [5, None, 4]
    for _ in range(40):
        refusals.accept()
    assert refusals.max_unanswered() == 5


def test_three_refusals_in_a_row_allow_one_request_at_a_time_until_a_success(clock: ManualClock) -> None:
    refusals = RefusalCounter(clock)
    for left in (15, 14, 1, 1):
        assert refusals.count(403) is None
        assert refusals.max_unanswered() == left
    refusals.accept()
    assert refusals.max_unanswered() == 12


@pytest.fixture
async def simulated_time(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The event loop's time, which advances without waiting whenever all tasks sleep."""
    loop = asyncio.get_running_loop()
    selector: Any = vars(loop)["_selector"]
    select = selector.select

    def advance(timeout: float | None = None) -> Any:
        assert timeout is not None, "everybody waits for something that never comes"
        clock.now += max(timeout, 0.0)
        return select(0)

    monkeypatch.setattr(selector, "select", advance)
    monkeypatch.setattr(loop, "time", clock)
    return clock


def limiter_of(
    clock: ManualClock, limit: int, window: float, *, max_waiting: int = 100, max_unanswered: int = 100
) -> RateLimiter:
    return RateLimiter(clock, lambda: max_unanswered, limit=limit, window=window, max_waiting=max_waiting)


async def take(limiter: RateLimiter, wanted: list[float]) -> tuple[list[float], list[float]]:
    """Send several requests at once, answered at once; return those admitted, in order, and those refused."""
    admitted: list[float] = []
    refused: list[float] = []

    async def send_one(freshness: float) -> None:
        if await limiter.acquire(freshness):
            admitted.append(freshness)
            limiter.release()
        else:
            refused.append(freshness)

    await asyncio.gather(*map(send_one, wanted))
    return admitted, refused


async def admission_times(
    limiter: RateLimiter,
    clock: ManualClock,
    requests: int,
    *,
    answered_after: float = 0.0,
    pause_after: int | None = None,
) -> list[float]:
    """Send several requests at once; return after how many seconds each was admitted.

    Args:
        limiter: the limiter.
        clock: its clock.
        requests: the number of requests.
        answered_after: seconds from a request to its answer.
        pause_after: the number of admitted requests after which the process pauses for a second.
    """
    begin, moments = clock.now, []

    async def send_one() -> None:
        await limiter.acquire(0)
        moments.append(clock.now - begin)
        if len(moments) == pause_after:
            clock.now += 1
        await asyncio.sleep(answered_after)
        limiter.release()

    await asyncio.gather(*(send_one() for _ in range(requests)))
    return moments


async def test_burst_is_sent_at_once_at_any_time_within_a_second(simulated_time: ManualClock) -> None:
    limiter = limiter_of(simulated_time, limit=12, window=1.2)
    assert await admission_times(limiter, simulated_time, 5) == [0.0] * 5
    simulated_time.now += 0.6
    assert await admission_times(limiter, simulated_time, 7) == [0.0] * 7
    simulated_time.now += 0.6
    assert await admission_times(limiter, simulated_time, 5) == [0.0] * 5


async def test_waiting_requests_are_evenly_spaced(simulated_time: ManualClock) -> None:
    moments = await admission_times(limiter_of(simulated_time, limit=12, window=1.2), simulated_time, 36)
    assert moments == pytest.approx([0.0] * 12 + [1.2 + n / 10 for n in range(24)])


async def test_request_counts_until_one_second_after_its_answer(simulated_time: ManualClock) -> None:
    moments = await admission_times(
        limiter_of(simulated_time, limit=2, window=1), simulated_time, 6, answered_after=0.3
    )
    assert moments == pytest.approx([0.0, 0.0, 1.3, 1.8, 2.6, 3.1])


async def test_unsent_request_frees_its_place(simulated_time: ManualClock) -> None:
    limiter = limiter_of(simulated_time, limit=1, window=1)
    assert await limiter.acquire(1)
    limiter.release(sent=False)
    assert await admission_times(limiter, simulated_time, 2) == [0.0, 1.0]


async def test_waiting_requests_are_sent_together_after_a_pause_of_the_process(simulated_time: ManualClock) -> None:
    moments = await admission_times(limiter_of(simulated_time, limit=3, window=0.3), simulated_time, 11, pause_after=6)
    assert moments == pytest.approx([0.0] * 3 + [0.3, 0.4, 0.5] + [1.5] * 2 + [1.8, 1.9, 2.0])


async def test_idle_time_allows_no_more_than_one_burst(simulated_time: ManualClock) -> None:
    limiter = limiter_of(simulated_time, limit=3, window=0.3)
    simulated_time.now += 3600
    assert (await admission_times(limiter, simulated_time, 13))[-1] == pytest.approx(1.2)


async def test_newest_requests_go_first_and_the_oldest_are_refused(simulated_time: ManualClock) -> None:
    limiter = limiter_of(simulated_time, limit=1, window=0.1, max_waiting=3)
    assert await take(limiter, [1, 5, 2, 9, 4, 7]) == ([1, 9, 7, 5], [2, 4])


async def test_older_message_does_not_overtake_newer_waiting_ones(simulated_time: ManualClock) -> None:
    limiter = limiter_of(simulated_time, limit=2, window=0.2)
    assert await take(limiter, [9, 8]) == ([9, 8], [])
    admitted: list[float] = []

    async def send_one(freshness: float, then: float | None = None) -> None:
        assert await limiter.acquire(freshness)
        limiter.release()
        admitted.append(freshness)
        if then is not None:
            await send_one(then)

    await asyncio.gather(send_one(5), send_one(6, then=1))
    assert admitted == [6, 5, 1]


async def test_requests_wait_for_unanswered_ones_and_the_newest_go_first(simulated_time: ManualClock) -> None:
    max_unanswered = 2
    limiter = RateLimiter(simulated_time, lambda: max_unanswered, limit=100, window=1, max_waiting=3)
    assert [await limiter.acquire(9), await limiter.acquire(8)] == [True, True]
    waiting = [asyncio.create_task(limiter.acquire(freshness)) for freshness in (5, 7, 6)]

    async def admitted() -> list[bool]:
        await asyncio.sleep(0.1)
        return [task.done() for task in waiting]

    assert await admitted() == [False] * 3
    limiter.release()
    assert await admitted() == [False, True, False]
    max_unanswered = 1
    limiter.release()
    assert await admitted() == [False, True, False]
    limiter.release()
    assert await admitted() == [False, True, True]
    limiter.release()
    assert await admitted() == [True] * 3


async def test_request_waits_again_if_refusals_lowered_the_limit_meanwhile(simulated_time: ManualClock) -> None:
    max_unanswered = 2
    limiter = RateLimiter(simulated_time, lambda: max_unanswered, limit=2, window=1, max_waiting=3)
    assert await take(limiter, [9, 8]) == ([9, 8], [])
    waiting = [asyncio.create_task(limiter.acquire(freshness)) for freshness in (7, 6)]
    await asyncio.sleep(1.2)  # the second would be admitted after 1.5 s
    max_unanswered = 1
    await asyncio.sleep(1)
    assert [task.done() for task in waiting] == [True, False]
    limiter.release()
    await asyncio.gather(*waiting)


async def test_cancelled_request_uses_no_place(simulated_time: ManualClock) -> None:
    limiter = limiter_of(simulated_time, limit=1, window=0.1, max_waiting=3)
    assert await take(limiter, [1]) == ([1], [])
    gone = asyncio.create_task(limiter.acquire(3))
    await asyncio.sleep(0)
    gone.cancel()
    assert await take(limiter, [2, 1, 4]) == ([4, 2], [1])
    assert simulated_time.now - 1000 == pytest.approx(0.2)


@pytest.mark.parametrize("allowed", [50, 12.5, 5.6, 1.2])
async def test_rate_stays_below_the_limit_for_any_latency(simulated_time: ManualClock, allowed: float) -> None:
    limiter = RateLimiter.with_reserve(allowed, simulated_time, lambda: 1000)
    arrivals: list[float] = []
    delays = random.Random(0)  # noqa: S311 - not for a secret

    async def send_one(number: int) -> None:
        await asyncio.sleep(number / (1.3 * allowed))
        if await limiter.acquire(number):
            slow = delays.choice((0.02, 2.0))
            await asyncio.sleep(slow * delays.random())
            arrivals.append(simulated_time.now)
            await asyncio.sleep(slow * delays.random())
            limiter.release()

    await asyncio.gather(*(send_one(number) for number in range(round(20 * 1.3 * allowed))))
    assert max(bisect_left(arrivals, begin + 0.999) - place for place, begin in enumerate(arrivals)) <= 0.96 * allowed
    assert len(arrivals) >= 20 * 0.4 * allowed


async def test_rate_reaches_90_percent_of_the_limit_with_quick_answers(simulated_time: ManualClock) -> None:
    limiter = RateLimiter.with_reserve(50, simulated_time, lambda: 1000)
    moments = await admission_times(limiter, simulated_time, 45 * 2, answered_after=0.01)
    assert moments[44] == 0
    assert moments[-1] == pytest.approx(1.01 + 44 / 45)


async def test_small_share_of_the_limit_still_sends_one_request_at_a_time(
    simulated_time: ManualClock,
) -> None:
    limiter = RateLimiter.with_reserve(0.5, simulated_time, lambda: 100)
    assert await take(limiter, [1, 3, 2]) == ([1, 3], [2])
    assert simulated_time.now - 1000 == pytest.approx(2)
