"""Data in SQLite or PostgreSQL: servers' settings, opt-outs, mood counts, corrections and duels.

Features call `Store`, which answers from `Cache` where it can. `DatabaseSync` keeps the cache equal to the database and
explains what happens during an outage.
"""

from bot.store.failures import PoolerError, StoreError, UnreadableSettingsError
from bot.store.store import GRACE_PERIOD, MoodCount, Store

__all__ = ["GRACE_PERIOD", "MoodCount", "PoolerError", "Store", "StoreError", "UnreadableSettingsError"]
