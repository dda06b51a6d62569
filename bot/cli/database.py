"""Open the bot's database for a command."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import make_url

from bot.configuration import Configuration
from bot.store import Store, StoreError
from bot.store.engine import is_sqlite

Result = TypeVar("Result")


def database_file(configuration: Configuration) -> Path | None:
    """Return the file of the database in DATABASE_URL, whether it exists or not; None if it is on a server."""
    url = make_url(configuration.database_url)
    return Path(str(url.database)) if is_sqlite(url) else None


def run_with_store(configuration: Configuration, work: Callable[[Store], Awaitable[Result]]) -> Result:
    """Open the database in DATABASE_URL, return the result of `work`, and close the database.

    Raises:
        StoreError: the database does not answer.
    """
    # The command prints a failure in one sentence, so the store need not log it as well.
    logging.getLogger("bot.store").addHandler(logging.NullHandler())

    async def run() -> Result:
        store = Store(configuration.database_url, configuration.mood_days)
        try:
            await store.refresh()
            store.sync.check_opened()
            return await work(store)
        except StoreError:
            await asyncio.sleep(0.1)  # aiosqlite's thread reports its end to the event loop, which must still run
            raise
        finally:
            await store.close()

    return asyncio.run(run())
