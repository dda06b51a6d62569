"""Brings the tables to this version, and says which version a database has."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, func, inspect, select, text

from bot.store.awaited import AwaitedConnection, AwaitedEngine
from bot.store.engine import WRITE, is_sqlite
from bot.store.failures import NewerDatabaseError

NEWEST = "0007"
"""The newest revision in `migrations/versions`."""

_LOCK = int.from_bytes(b"emobot")

logging.getLogger("alembic").setLevel(logging.WARNING)  # at INFO it logs at every start which database it found


async def migrate(engine: AwaitedEngine, fill: Callable[[AwaitedConnection], Awaitable[None]]) -> bool:
    """Bring the tables to this code's schema, one process at a time and all or nothing.

    Args:
        engine: of the database.
        fill: writes known rows into new tables, in the same transaction.

    Returns:
        Whether the database was empty.

    Raises:
        NewerDatabaseError: the tables are of a later version.
    """
    async with engine.connect() as connection:
        if await connection.run(_revision) == NEWEST:
            return False  # without the lock, which a read-only database would not give

    from bot.store.upgrade import known_revisions, upgrade  # noqa: PLC0415 - 12 MB that current tables do not need

    async with engine.execution_options(begin=WRITE).begin() as connection:
        if not is_sqlite(engine.url):
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        revision = await connection.run(_revision)
        if revision not in {None, *known_revisions()}:
            raise NewerDatabaseError(f"a later version of the bot has brought it to revision {revision}")
        await connection.run(upgrade)
        if revision is None:
            await fill(connection)
        return revision is None


def _revision(connection: Connection) -> str | None:
    """Return the revision that Alembic has noted in the database, None if there are no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
