from __future__ import annotations

import pytest

from bot.connection.backoff import Backoff
from tests.bot.clock import ManualClock

HERE, THERE = 1, 2


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_pause_doubles_after_each_failure_up_to_the_longest(clock: ManualClock) -> None:
    backoff = Backoff(clock, max_pause=60)
    for lasts in (10, 20, 40, 60, 60):
        assert backoff.fail(HERE, 10) == backoff.remaining(HERE) == lasts
        assert backoff.remaining(THERE) == 0
        clock.now += lasts
        assert backoff.remaining(HERE) == 0


def test_failures_during_a_pause_do_not_count(clock: ManualClock) -> None:
    backoff = Backoff(clock, max_pause=60)
    assert [backoff.fail(HERE, 10) for _ in range(3)] == [10, 0, 0]
    clock.now += 10
    assert backoff.fail(HERE, 10) == 20


def test_success_ends_the_pause_and_starts_again(clock: ManualClock) -> None:
    backoff = Backoff(clock, max_pause=60)
    backoff.fail(HERE, 10)
    backoff.succeed(HERE)
    assert (backoff.remaining(HERE), len(backoff)) == (0, 0)
    assert backoff.fail(HERE, 10) == 10


def test_tolerated_failures_start_no_pause(clock: ManualClock) -> None:
    backoff = Backoff(clock, max_pause=60, tolerated=2)
    assert [backoff.fail(HERE, 10) for _ in range(3)] == [0, 0, 10]


def test_a_failure_is_forgotten_after_twice_the_longest_pause(clock: ManualClock) -> None:
    backoff = Backoff(clock, max_pause=60)
    backoff.fail(HERE, 10)
    clock.now += 121
    assert (len(backoff), backoff.fail(HERE, 10)) == (0, 10)


def test_base_pause_can_differ_for_each_failure(clock: ManualClock) -> None:
    backoff = Backoff(clock, max_pause=60)
    assert backoff.fail(HERE, 10) == 10
    clock.now += 10
    assert backoff.fail(HERE, 25) == 50
