"""The tables of the database. They hold no text that people wrote, and nothing by author."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, MetaData, Table, Text, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC, always aware; SQLite has no time zones and would return naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a value on its way to the database."""
        del dialect
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a value from the database."""
        del dialect
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


METADATA = MetaData()


def _key(name: str, kind: type[BigInteger | Text | UtcDateTime], *, index: bool = False) -> Column[Any]:
    """Return a column of the primary key, whose numbers are not chosen by the database."""
    return Column(name, kind, primary_key=True, autoincrement=False, index=index)


SERVERS = Table(
    "servers",
    METADATA,
    _key("guild_id", BigInteger),
    Column("settings", Text),
    Column("left_at", UtcDateTime, index=True),
    Column("posted_week", Text),
)
"""A server's settings as JSON, if any were ever saved, and the time when the bot left it.

`posted_week` is the last ISO week whose picture of the mood was posted or given up, as "2026-W48".
"""

OPT_OUTS = Table("opt_outs", METADATA, _key("user_id", BigInteger))
"""The id of a person whose messages are not read."""

MOODS = Table(
    "moods",
    METADATA,
    _key("guild_id", BigInteger),
    _key("channel_id", BigInteger),
    _key("hour", UtcDateTime, index=True),
    _key("emotion", Text),
    Column("messages", BigInteger, nullable=False),
)
"""How many messages of a channel had which emotion in one hour."""

MOOD_DAYS = Table(
    "mood_days",
    METADATA,
    _key("guild_id", BigInteger),
    _key("channel_id", BigInteger),
    _key("day", UtcDateTime, index=True),
    Column("counts", Text, nullable=False),
)
"""The same for one day in UTC that is over, see `bot.store.packing`.

`day` is the midnight at which it began. `counts` is a line of JSON for each emotion, as `["joy",13,2,14,5]`: two
messages at 13 o'clock, five at 14.
"""

CORRECTIONS = Table(
    "corrections",
    METADATA,
    _key("guild_id", BigInteger),
    _key("heard", Text),
    _key("meant", Text),
    Column("times", BigInteger, nullable=False),
)
"""How often people of a server said that one emotion was meant where another was heard."""

DUELS = Table(
    "duels",
    METADATA,
    _key("guild_id", BigInteger),
    _key("model", Text),
    _key("rival", Text),
    _key("verdict", Text),
    Column("times", BigInteger, nullable=False),
)
"""How often people of a server gave a verdict on two models whose names were hidden from them."""

ERASURES = Table("erasures", METADATA, _key("id", BigInteger), Column("number", BigInteger, nullable=False))
"""The number of erasures of servers, in one row with the id 1; a new number shows other processes an erasure.

A transaction that writes waiting counts holds a share lock on the row, and one that erases or packs counts first
updates it. So neither can run in the middle of the other.
"""

JOBS = Table("jobs", METADATA, _key("name", Text), Column("begun_at", UtcDateTime, nullable=False))
"""When a job that one of several processes does for all was last begun."""
