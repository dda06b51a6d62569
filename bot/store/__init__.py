"""What is kept, in SQLite or PostgreSQL: servers' settings, opt-outs, counts of moods and of corrections."""

from bot.store.engine import StoreError
from bot.store.store import GRACE, MoodCount, Store

__all__ = ["GRACE", "MoodCount", "Store", "StoreError"]
