"""The tables of the database. They hold no text that people wrote, and do not say who wrote what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, MetaData, Table, Text, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC that is always aware; SQLite has no time zones and would return naive times."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a value to UTC before it is written."""
        del dialect
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a value that was read to an aware time in UTC."""
        del dialect
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


METADATA = MetaData()


def _key(name: str, kind: type[BigInteger | Text | UtcDateTime], *, index: bool = False) -> Column[Any]:
    """Return a column of the primary key whose values the bot supplies, not the database."""
    return Column(name, kind, primary_key=True, autoincrement=False, index=index)


SERVERS = Table(
    "servers",
    METADATA,
    _key("guild_id", BigInteger),
    Column("settings", Text),
    Column("left_at", UtcDateTime, index=True),
    Column("posted_week", Text),
)
"""Each server's settings as JSON, if any were saved, and the time when the bot left it, if it did.

`posted_week` is the last ISO week whose picture of the week was posted or skipped, such as "2026-W48".
"""

OPT_OUTS = Table("opt_outs", METADATA, _key("user_id", BigInteger))
"""The ids of people whose messages the bot must not read."""

MOODS = Table(
    "moods",
    METADATA,
    _key("guild_id", BigInteger),
    _key("channel_id", BigInteger),
    _key("hour", UtcDateTime, index=True),
    _key("emotion", Text),
    Column("messages", BigInteger, nullable=False),
)
"""The number of messages with each emotion, by channel and hour."""

MOOD_DAYS = Table(
    "mood_days",
    METADATA,
    _key("guild_id", BigInteger),
    _key("channel_id", BigInteger),
    _key("day", UtcDateTime, index=True),
    Column("counts", Text, nullable=False),
)
"""The same for past days in UTC, one row per channel and day; see `bot.store.packing`.

`day` is the midnight at which the day began. `counts` has lines of JSON, each with counts of one emotion, such as
`["joy",13,2,14,5]`: two messages in the hour from 13:00, five in the hour from 14:00.
"""

CORRECTIONS = Table(
    "corrections",
    METADATA,
    _key("guild_id", BigInteger),
    _key("heard", Text),
    _key("meant", Text),
    Column("times", BigInteger, nullable=False),
)
"""How often people of a server said that they meant one emotion where the bot heard another."""

DUELS = Table(
    "duels",
    METADATA,
    _key("guild_id", BigInteger),
    _key("model", Text),
    _key("rival", Text),
    _key("verdict", Text),
    Column("times", BigInteger, nullable=False),
)
"""How often people of a server gave each verdict when they compared two models blindly."""

ERASURES = Table("erasures", METADATA, _key("id", BigInteger), Column("number", BigInteger, nullable=False))
"""One row, with the id 1: how often servers were erased. From a new number, other processes see that one was.

A transaction that writes mood counts holds a share lock on this row; one that erases or packs counts updates it first.
So neither can run in the middle of the other.
"""

JOBS = Table("jobs", METADATA, _key("name", Text), Column("begun_at", UtcDateTime, nullable=False))
"""When each job that one process does for all of them was last begun."""
