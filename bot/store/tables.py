"""The tables of the database. They hold no text that people wrote, and nothing by author."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


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


class Table(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {  # noqa: RUF012 - as SQLAlchemy wants it
        int: BigInteger,
        datetime: UtcDateTime,
    }


class Server(Table):
    """A server's settings as JSON, if any were ever saved, and the time when the bot left it.

    Attributes:
        posted_week: the last ISO week whose picture of the mood was posted or given up, as "2026-W48".
    """

    __tablename__ = "servers"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    settings: Mapped[str | None] = mapped_column(Text)
    left_at: Mapped[datetime | None] = mapped_column(index=True)
    posted_week: Mapped[str | None] = mapped_column(Text)


class OptOut(Table):
    """The id of a person whose messages are not read."""

    __tablename__ = "opt_outs"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Mood(Table):
    """How many messages of a channel had which emotion in one hour."""

    __tablename__ = "moods"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    emotion: Mapped[str] = mapped_column(Text, primary_key=True)
    messages: Mapped[int]


class MoodDay(Table):
    """The same for one day in UTC that is over, see `bot.store.packing`.

    Attributes:
        day: the midnight at which it began.
        counts: a line of JSON for each emotion, as `["joy",13,2,14,5]`: two messages at 13 o'clock, five at 14.
    """

    __tablename__ = "mood_days"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    counts: Mapped[str] = mapped_column(Text)


class Correction(Table):
    """How often people of a server said that one emotion was meant where another was heard."""

    __tablename__ = "corrections"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    heard: Mapped[str] = mapped_column(Text, primary_key=True)
    meant: Mapped[str] = mapped_column(Text, primary_key=True)
    times: Mapped[int]


class Duel(Table):
    """How often people of a server gave a verdict on two models whose names were hidden from them."""

    __tablename__ = "duels"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    rival: Mapped[str] = mapped_column(Text, primary_key=True)
    verdict: Mapped[str] = mapped_column(Text, primary_key=True)
    times: Mapped[int]


class Erasures(Table):
    """The number of erasures of servers, in one row with the id 1; a new number shows other processes an erasure.

    A transaction that writes waiting counts holds a share lock on the row, and one that erases or packs counts first
    updates it. So neither can run in the middle of the other.
    """

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]


class Job(Table):
    """When a job that one of several processes does for all was last begun."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    begun_at: Mapped[datetime]
