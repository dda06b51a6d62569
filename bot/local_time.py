"""The local time of a server, and when its weekly picture is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

MAX_DELAY = timedelta(days=1)
"""How long after its due time a weekly picture may still be posted: a day."""

_WEEK = timedelta(days=7)


def zone_of(name: str) -> tzinfo:
    """Return the time zone with a name in the IANA database; UTC works without that database."""
    return UTC if name == "UTC" else ZoneInfo(name)


def wall_clock(moment: datetime, zone: str) -> datetime:
    """Return the local time of a time zone at a moment, as a datetime labelled UTC.

    Such times can be subtracted and divided into hours and days in the way people there do, regardless of summer time.
    """
    return moment.astimezone(zone_of(zone)).replace(tzinfo=UTC)


def moment_of(shown: datetime, zone: str) -> datetime:
    """Return the moment of a local time from `wall_clock`; the first one if the clocks show it twice."""
    return shown.replace(tzinfo=zone_of(zone)).astimezone(UTC)


def latest_due(now: datetime, day: str, hour: int, zone: str) -> datetime:
    """Return when a weekly picture was last due, at `now` or before.

    Args:
        now: the present moment.
        day: the day of the week, one of `DAYS`.
        hour: the hour of the day, in local time.
        zone: the time zone.
    """
    return moment_of(_last_shown(now, day, hour, zone), zone)


def next_due(now: datetime, day: str, hour: int, zone: str) -> datetime:
    """Return when a weekly picture will be due next; for the arguments see `latest_due`."""
    return moment_of(_last_shown(now, day, hour, zone) + _WEEK, zone)


def week_of(due: datetime, zone: str) -> str:
    """Return the ISO week in which a weekly picture is due, as text that sorts by time."""
    return f"{wall_clock(due, zone):%G-W%V}"


def _last_shown(now: datetime, day: str, hour: int, zone: str) -> datetime:
    """Return the local time at which a weekly picture was last due, which the clocks may have skipped."""
    shown = wall_clock(now, zone)
    days = (shown.weekday() - DAYS.index(day)) % 7
    due = (shown - timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
    return due if due <= shown else due - _WEEK
