"""Work of a command in the bot's database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.configuration import Configuration
from bot.store import Store, StoreError

Result = TypeVar("Result")


def in_database(configuration: Configuration, work: Callable[[Store], Awaitable[Result]]) -> Result:
    """Open the database of DATABASE_URL, return what `work` returns, and close it.

    Raises:
        StoreError: the database does not answer.
    """
    # A failure is told in one sentence, so what the store says of it need not be printed as well.
    logging.getLogger("bot.store").addHandler(logging.NullHandler())

    async def do() -> Result:
        store = Store(configuration.database_url, configuration.mood_days)
        try:
            await store.refresh()
            return await work(store)
        except StoreError:
            await asyncio.sleep(0.1)  # aiosqlite's thread reports its end to the event loop, which must still be there
            raise
        finally:
            await store.close()

    return asyncio.run(do())
