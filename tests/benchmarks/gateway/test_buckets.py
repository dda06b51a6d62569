from __future__ import annotations

from benchmarks.gateway.buckets import Buckets, GlobalLimit, Limit
from tests.bot.clock import ManualClock


def test_bucket_admits_its_limit_and_again_after_the_reset() -> None:
    clock = ManualClock()
    buckets = Buckets(clock)
    answers = [buckets.take("route", "here", Limit(2, 5.0)) for _ in range(3)]
    assert [answer.retry_after for answer in answers] == [0, 0, 5]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["X-RateLimit-Reset"] for answer in answers} == {"1005.000"}
    assert buckets.take("route", "there", Limit(2, 5.0)).retry_after == 0
    assert buckets.take("another", "here", Limit(2, 5.0)).retry_after == 0
    clock.now = 1005.0
    assert buckets.take("route", "here", Limit(2, 5.0)).headers["X-RateLimit-Remaining"] == "1"


def test_global_limit_admits_50_requests_in_any_second() -> None:
    clock = ManualClock(0.0)
    limit = GlobalLimit(clock)
    assert [limit.take() for _ in range(51)] == [0.0] * 50 + [1.0]
    clock.now = 0.75
    assert limit.take() == 0.25
    clock.now = 1.0
    assert limit.take() == 0.0
