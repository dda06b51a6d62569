"""Locks between processes, held in the PostgreSQL database that they share."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from sqlalchemy import bindparam, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from bot.store.engine import StoreError, describe, open_engine, reason

_KIND = int.from_bytes(b"emob")
"""The first of the two numbers of each lock, so that nobody else's advisory locks are meant."""

_LOOKS_EVERY = 0.25  # seconds


class AdvisoryLocks:
    """Locks with numbers, each held by one process at a time and lost when that process or its connection ends.

    Each lock belongs to a transaction that is open for as long, so that it is kept behind a pooler as well.
    """

    def __init__(self, url: str) -> None:
        """Open nothing yet.

        Args:
            url: of a PostgreSQL database as SQLAlchemy has it, with an asynchronous driver.
        """
        self._engine = open_engine(make_url(url), patient=True)  # each lock has a connection of its own

    async def acquire(self, number: int) -> AsyncExitStack:
        """Wait until nobody holds a lock, and return what releases it, by `aclose` or by leaving its context.

        Raises:
            StoreError: the database failed or did not answer in time.
        """
        try:
            async with AsyncExitStack() as stack:
                connection = await stack.enter_async_context(self._engine.connect())
                # It asks again and again, since a statement that waits could not be told from one without an answer.
                while not await connection.scalar(_TRY, {"number": number}):
                    await connection.rollback()
                    await asyncio.sleep(_LOOKS_EVERY)
                return stack.pop_all()
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"The database {describe(self._engine.url)} failed: {reason(error)}.") from error


_TRY = select(func.pg_try_advisory_xact_lock(_KIND, bindparam("number")))
