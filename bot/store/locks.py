"""Locks between processes, held in the PostgreSQL database that they share."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

from sqlalchemy import bindparam, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from bot.store.engine import describe, open_engine
from bot.store.failures import StoreError, reason

_KIND = int.from_bytes(b"emob")
"""The first of the two numbers of each lock, so that nobody else's advisory locks are meant."""

HELD_AT_MOST = 60.0
"""Seconds after which a lock is lost that was not released.

PostgreSQL notices at once that a process has ended, but of a whole host that is gone, or of a network that is broken,
only after hours, for which no other process could begin a session with Discord.
"""

_LOOKS_EVERY = 0.25  # seconds
_FAILURES = (SQLAlchemyError, OSError)


class AdvisoryLocks:
    """Locks with numbers, each held by one process at a time, and lost with that process or its connection.

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
                parameters = {"number": number, "milliseconds": f"{1000 * HELD_AT_MOST:.0f}"}
                while not await connection.scalar(_TRY, parameters):
                    await connection.rollback()
                    await asyncio.sleep(_LOOKS_EVERY)
                taken = stack.pop_all()
        except _FAILURES as error:
            raise StoreError(f"The database {describe(self._engine.url)} failed: {reason(error)}.") from error
        held = AsyncExitStack()
        held.enter_context(suppress(*_FAILURES))  # with its connection the lock is lost already
        held.push_async_exit(taken)
        return held


_TRY = select(
    func.pg_try_advisory_xact_lock(_KIND, bindparam("number")),
    func.set_config("idle_in_transaction_session_timeout", bindparam("milliseconds"), True),  # for this transaction
)
