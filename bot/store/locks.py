"""Locks between processes that share a PostgreSQL database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

from sqlalchemy import bindparam, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from bot.store.engine import describe, open_engine
from bot.store.failures import StoreError, reason

_NAMESPACE = int.from_bytes(b"emob")
"""The first of the two numbers that name each lock; it keeps them apart from other programs' advisory locks."""

MAX_HELD = 60.0
"""Seconds after which a lock is lost if it is not released.

PostgreSQL notices at once when a process ends, but may take hours to notice that a host or the network is down. Without
this limit, no other process could begin a session with Discord for so long.
"""

_POLL_INTERVAL = 0.25  # seconds
_FAILURES = (SQLAlchemyError, OSError)


class AdvisoryLocks:
    """Numbered locks, each held by one process at a time and lost when that process or its connection ends.

    A lock is held by an open transaction, not just by a connection, so that it works behind a pooler, too.
    """

    def __init__(self, url: str) -> None:
        """Open nothing yet.

        Args:
            url: of a PostgreSQL database as SQLAlchemy has it, with an asynchronous driver.
        """
        self._engine = open_engine(make_url(url), long_timeout=True)  # each lock has a connection of its own

    async def acquire(self, number: int) -> AsyncExitStack:
        """Wait for a lock and take it; `aclose` or leaving the context of the returned stack releases it.

        Raises:
            StoreError: the database failed or did not answer in time.
        """
        try:
            async with AsyncExitStack() as stack:
                connection = await stack.enter_async_context(self._engine.connect())
                # Poll: a statement that waits for the lock would look the same as a database that does not answer.
                parameters = {"number": number, "milliseconds": f"{1000 * MAX_HELD:.0f}"}
                while not await connection.scalar(_TRY_LOCK, parameters):
                    await connection.rollback()
                    await asyncio.sleep(_POLL_INTERVAL)
                taken = stack.pop_all()
        except _FAILURES as error:
            raise StoreError(f"The database {describe(self._engine.url)} failed: {reason(error)}.") from error
        held = AsyncExitStack()
        held.enter_context(suppress(*_FAILURES))  # if the connection fails, the lock is released anyway
        held.push_async_exit(taken)
        return held


_TRY_LOCK = select(
    func.pg_try_advisory_xact_lock(_NAMESPACE, bindparam("number")),
    func.set_config("idle_in_transaction_session_timeout", bindparam("milliseconds"), True),  # for this transaction
)
