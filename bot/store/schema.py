"""Migrates the tables to this version of the bot."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, func, inspect, select, text

from bot.store.async_connection import AsyncConnection, AsyncEngine
from bot.store.engine import WRITE, is_sqlite
from bot.store.failures import NewerDatabaseError

NEWEST = "0007"
"""The newest revision in `migrations/versions`."""

_LOCK = int.from_bytes(b"emobot")  # the number of an advisory lock

logging.getLogger("alembic").setLevel(logging.WARNING)  # at INFO it would log the kind of database at every start


async def migrate(engine: AsyncEngine, fill: Callable[[AsyncConnection], Awaitable[None]]) -> bool:
    """Migrate the tables in one transaction, in one process at a time; return whether the database was empty.

    Args:
        engine: of the database.
        fill: writes rows into the tables of an empty database, in the same transaction.

    Raises:
        NewerDatabaseError: the tables belong to a later version.
    """
    async with engine.connect() as connection:
        if await connection.run(_revision) == NEWEST:
            return False  # without taking the lock, which is impossible in a read-only database

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
    """Return the revision that Alembic recorded in the database; None if there are no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
