from __future__ import annotations

from datetime import UTC, datetime, timedelta

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.connection.clock import DiscordTime
from tests.bot.clock import ManualClock

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def time(clock: ManualClock) -> DiscordTime:
    return DiscordTime(clock)


def set_host(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(discord.utils, "utcnow", lambda: moment)


def test_time_is_that_of_the_host_until_discord_sends_a_date(
    time: DiscordTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_host(monkeypatch, NOON)
    assert not time.known
    assert time.now() == NOON


def test_time_follows_the_monotonic_clock_not_the_host_clock(
    time: DiscordTime, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    time.note(NOON)
    clock.now += 40
    for moment in (NOON, NOON + timedelta(days=3650), NOON - timedelta(days=3650)):
        set_host(monkeypatch, moment)
        assert time.known
        assert time.now() == NOON + seconds(40)


@pytest.mark.parametrize("off", [-16.0, 0.0, 16.0, 3650 * 86_400.0])
def test_the_error_of_the_host_is_its_difference_to_discords_time(
    time: DiscordTime, monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    time.note(NOON)
    set_host(monkeypatch, NOON + seconds(off))
    assert time.host_clock_error() == seconds(off)


def test_late_messages_do_not_set_the_time_back(time: DiscordTime, clock: ManualClock) -> None:
    time.note(NOON)
    for passed in range(0, 1200, 100):
        clock.now = 1000 + passed
        time.note(NOON + seconds(passed - 60))
        assert time.now() == NOON + seconds(passed)


def test_later_date_sets_the_time_forward_at_once(time: DiscordTime, clock: ManualClock) -> None:
    """As after a laptop has slept, while its monotonic clock stood still."""
    time.note(NOON)
    clock.now += 1
    time.note(NOON + timedelta(hours=1))
    assert time.now() == NOON + timedelta(hours=1)


def test_fast_clock_is_corrected_within_twenty_minutes(time: DiscordTime, clock: ManualClock) -> None:
    discord_says = NOON
    for _ in range(30):
        time.note(discord_says)
        discord_says += seconds(60)
        clock.now += 66
    assert time.now() - discord_says < seconds(20 * 6 + 7)


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 5)), min_size=1, max_size=40))
@settings(max_examples=50, derandomize=True, deadline=None)
def test_time_is_never_ahead_and_at_most_the_fastest_delivery_behind(
    arrivals: list[tuple[float, float]],
) -> None:
    clock = ManualClock()
    time = DiscordTime(clock)
    begin = clock.now
    for wait, delay in arrivals:
        clock.now += wait
        now = NOON + seconds(clock.now - begin)
        time.note(now - seconds(delay))
        assert time.now() <= now + seconds(0.001)
        assert time.now() >= now - seconds(max(delay for _, delay in arrivals) + 0.001)
