from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bot.connection.session_starts import SESSION_INTERVAL, SessionStarts
from tests.bot.clock import ManualClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """A clock that a sleeping task advances."""
    clock = ManualClock()

    async def sleep(seconds: float) -> None:
        clock.now += max(seconds, 0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock


@pytest.fixture
def starts(clock: ManualClock) -> SessionStarts:
    return SessionStarts(clock, lambda: NOON)


def limit(remaining: int = 1000, max_concurrency: int = 1, reset_after: int = 3_600_000) -> dict[str, int]:
    return {"total": 1000, "remaining": remaining, "reset_after": reset_after, "max_concurrency": max_concurrency}


async def start_times(starts: SessionStarts, clock: ManualClock, *shards: int) -> list[float]:
    """Return when each shard begins its session, in seconds from now."""
    began, moments = clock.now, []
    for shard_id in shards:
        await starts.begin(shard_id)
        moments.append(clock.now - began)
    return moments


async def test_sessions_begin_apart_without_a_known_limit(starts: SessionStarts, clock: ManualClock) -> None:
    assert await start_times(starts, clock, 0, 1, 0) == [0, SESSION_INTERVAL, 2 * SESSION_INTERVAL]


async def test_shards_of_different_buckets_begin_at_once(starts: SessionStarts, clock: ManualClock) -> None:
    starts.note(limit(max_concurrency=2))
    assert await start_times(starts, clock, 0, 1, 2, 3) == [0, 0, SESSION_INTERVAL, SESSION_INTERVAL]


async def test_exhausted_session_limit_waits_for_the_reset_and_warns_once(
    starts: SessionStarts, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    starts.note(limit(remaining=1))
    await starts.wait_for(1)
    assert await start_times(starts, clock, 0, 0, 0) == [0, 3600, 3600 + SESSION_INTERVAL]
    assert caplog.messages == [
        "Discord lets this bot start no more sessions until 2026-03-01 12:59 UTC, but it needs 1: it waits until then."
    ]


async def test_all_shards_wait_if_sessions_are_left_for_only_some(
    starts: SessionStarts, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    starts.note(limit(remaining=3))
    began = clock.now
    await starts.wait_for(4)
    assert clock.now - began == 3600
    assert caplog.messages == [
        "Discord lets this bot start 3 more sessions until 2026-03-01 13:00 UTC, but it needs 4: it waits until then."
    ]
    moments = await start_times(starts, clock, *range(1001))
    assert moments == [*(number * SESSION_INTERVAL for number in range(1000)), 24 * 3600]


async def test_concurrent_shards_begin_one_after_the_other(starts: SessionStarts, clock: ManualClock) -> None:
    began = clock.now
    await asyncio.gather(starts.begin(0), starts.begin(1))
    assert clock.now - began == SESSION_INTERVAL
