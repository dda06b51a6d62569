from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.local_time import latest_due, moment_of, next_due, wall_clock, week_of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        ("2026-11-27 20:30", "UTC", "2026-11-27 20:30"),
        ("2026-11-27 20:30", "Europe/Berlin", "2026-11-27 21:30"),
        ("2026-07-01 20:30", "Europe/Berlin", "2026-07-01 22:30"),
        ("2026-11-27 20:30", "Asia/Kolkata", "2026-11-28 02:00"),
        ("2026-11-27 20:30", "America/New_York", "2026-11-27 15:30"),
    ],
)
def test_local_time_can_be_converted_and_back(moment: str, zone: str, shown: str) -> None:
    assert wall_clock(at(moment), zone) == at(shown)
    assert moment_of(at(shown), zone) == at(moment)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-23 07:59", "2026-11-16 08:00"),  # a Monday; in Berlin it is an hour later
        ("2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-29 23:59", "2026-11-23 08:00"),
        ("2026-10-26 12:00", "2026-10-26 08:00"),  # the first day of winter time
        ("2026-10-25 12:00", "2026-10-19 07:00"),  # the last Monday of summer time
    ],
)
def test_last_due_moment_is_in_local_time(now: str, due: str) -> None:
    assert latest_due(at(now), "monday", 9, "Europe/Berlin") == at(due)


def test_next_due_moment_keeps_its_hour_over_a_clock_change() -> None:
    assert next_due(at("2026-10-20 12:00"), "monday", 9, "Europe/Berlin") == at("2026-10-26 08:00")
    assert next_due(at("2026-10-26 08:00"), "monday", 9, "Europe/Berlin") == at("2026-11-02 08:00")


def test_next_due_moment_returns_to_its_hour_after_a_skipped_one() -> None:
    monday_after = at("2026-03-30 12:00")  # on the Sunday before, the clocks went from 2 to 3
    assert latest_due(monday_after, "sunday", 2, "Europe/Berlin") == at("2026-03-29 01:00")
    assert next_due(monday_after, "sunday", 2, "Europe/Berlin") == at("2026-04-05 00:00")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Australia/Lord_Howe"])
def test_each_moment_is_between_the_last_and_next_due_ones(zone: str) -> None:
    for hours in range(0, 24 * 400, 7):
        now = at("2026-01-01 00:00") + timedelta(hours=hours)
        before, after = latest_due(now, "sunday", 2, zone), next_due(now, "sunday", 2, zone)
        assert before <= now < after
        assert timedelta(days=6, hours=22) <= after - before <= timedelta(days=7, hours=2)


def test_week_is_that_of_the_local_day() -> None:
    sunday_evening = at("2026-11-29 23:00")
    assert week_of(sunday_evening, "UTC") == "2026-W48"
    assert week_of(sunday_evening, "Europe/Berlin") == "2026-W49"
    assert week_of(at("2027-01-01 12:00"), "UTC") == "2026-W53"  # a Friday
    assert "2026-W53" < week_of(at("2027-01-04 12:00"), "UTC") == "2027-W01"
