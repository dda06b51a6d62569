from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from bot.reactions.joining import seconds_since_joining

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def message(joined_at: datetime | None, *, in_server: bool = True) -> Any:
    guild = SimpleNamespace(me=SimpleNamespace(joined_at=joined_at)) if in_server else None
    return SimpleNamespace(guild=guild, created_at=NOW)


def test_time_since_joining_is_counted_from_the_day_the_bot_joined_until_the_message() -> None:
    assert seconds_since_joining(message(NOW - timedelta(days=2))) == 2 * 86_400


def test_time_since_joining_is_unknown_in_direct_messages_and_where_discord_does_not_tell() -> None:
    assert seconds_since_joining(message(None, in_server=False)) is None
    assert seconds_since_joining(message(None)) is None
