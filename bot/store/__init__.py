"""Data in SQLite or PostgreSQL: settings of servers, opt-outs, counts of moods, corrections and duels.

Features call `Store`. It looks up what is known in `Cache`, which `DatabaseSync` keeps the same as the database; what
happens during an outage is said there.
"""

from bot.store.failures import PoolerError, StoreError
from bot.store.store import GRACE, MoodCount, Store

__all__ = ["GRACE", "MoodCount", "PoolerError", "Store", "StoreError"]
