"""The local time of a server: what its clocks show, and when its weekly picture is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

LATEST = timedelta(days=1)
"""How long after it was due a weekly picture is still posted."""

_WEEK = timedelta(days=7)


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name in the IANA database; UTC needs no database."""
    return UTC if name == "UTC" else ZoneInfo(name)


def wall_clock(moment: datetime, zone: str) -> datetime:
    """Return what the clocks of a time zone show at a moment, as a time that calls itself UTC.

    Such times can be subtracted and divided into hours and days as people there do it, whatever summer time does.
    """
    return moment.astimezone(zone_of(zone)).replace(tzinfo=UTC)


def moment_of(shown: datetime, zone: str) -> datetime:
    """Return the moment, the first if there are two, at which the clocks of a time zone show what `wall_clock` gave."""
    return shown.replace(tzinfo=zone_of(zone)).astimezone(UTC)


def latest_due(now: datetime, day: str, hour: int, zone: str) -> datetime:
    """Return when a weekly picture was due last, at `now` or before.

    Args:
        now: the present moment.
        day: of the week, one of `DAYS`.
        hour: of the day, by the clocks of the time zone.
        zone: the time zone.
    """
    shown = wall_clock(now, zone)
    days = (shown.weekday() - DAYS.index(day)) % 7
    due = (shown - timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
    return moment_of(due if due <= shown else due - _WEEK, zone)


def next_due(now: datetime, day: str, hour: int, zone: str) -> datetime:
    """Return when a weekly picture will be due next; take what `latest_due` does."""
    return moment_of(wall_clock(latest_due(now, day, hour, zone), zone) + _WEEK, zone)


def week_of(due: datetime, zone: str) -> str:
    """Return the ISO week in which a weekly picture is due; later weeks are greater texts."""
    return f"{wall_clock(due, zone):%G-W%V}"
