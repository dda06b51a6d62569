"""SQLite or PostgreSQL: opening it, bringing it to this code's tables, and telling why it fails."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Dialect, NullPool, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.store.tables import Table

PATIENCE = 2.0
"""Seconds that a lock, a connection or a statement is waited for; an interaction must be answered within three."""

LONG_PATIENCE = 60.0
"""The same for work that nobody waits for and that grows with the tables."""

WRITE = ("BEGIN IMMEDIATE",)
"""How SQLite begins a transaction that reads before it writes: else somebody else could write in between."""

LIGHT_WRITE = ("PRAGMA synchronous = NORMAL", *WRITE)
"""The same, but not waiting for the disk, which may be slow: if the power fails now, it was never made."""

_MIGRATION_LOCK = int.from_bytes(b"emobot")

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells at every start which database it found


class StoreError(Exception):
    """The database does not answer or does not take it; nothing is half written."""


class NewerDatabaseError(StoreError):
    """A later version of the bot has changed the tables."""


def open_engine(url: URL, *, patient: bool = False) -> AsyncEngine:
    """An engine that opens nothing before it is used, and then rather fails than waits.

    Args:
        url: of SQLite in a file or of PostgreSQL.
        patient: whether a statement may take long in PostgreSQL.
    """
    if is_sqlite(url):
        # No pool: a connection kept open would go on with a file that is no longer there.
        arguments = {"timeout": PATIENCE, "isolation_level": None}
        engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
        event.listen(engine.sync_engine, "do_connect", _keep_to_ourselves)
        event.listen(engine.sync_engine, "connect", _write_ahead)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine
    arguments = {"timeout": PATIENCE, "command_timeout": LONG_PATIENCE if patient else PATIENCE}
    pool: dict[str, Any] = {"poolclass": NullPool}
    if not patient:  # one connection listens, and of the others there is one at a time
        pool = {"pool_size": 2, "max_overflow": 0, "pool_timeout": PATIENCE, "pool_pre_ping": True}
    return create_async_engine(url, **pool, hide_parameters=True, connect_args=arguments)


def is_sqlite(url: URL) -> bool:
    """Whether the database is a file, and no server."""
    return url.get_backend_name() == "sqlite"


def describe(url: URL) -> str:
    """The database as a log names it, without user and password."""
    return f"{url.database} on {url.host}" if url.host else str(url.database)


def reason(error: Exception) -> str:
    """Why the database failed, in the driver's words, without the statement and its parameters."""
    cause = _cause(error)
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    words = "" if refuses_values(error) else str(cause)  # which may quote the values
    return words.partition("\n")[0] or type(cause).__name__


def refuses_values(error: Exception) -> bool:
    """Whether the database, or its driver, refused the values of a row, so that it may take another row."""
    cause = _cause(error)
    if not isinstance(error, DBAPIError):
        return isinstance(cause, ValueError | OverflowError)
    # The classes "data exception" and "integrity constraint violation" of SQL's own codes.
    refused = str(getattr(cause, "sqlstate", "")).startswith(("22", "23"))
    return refused or isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError)


def _cause(error: Exception) -> BaseException:
    """What the driver raised, which SQLAlchemy dresses up."""
    if isinstance(error, StatementError) and error.orig:
        return error.orig.__cause__ or error.orig
    return error


async def migrate(engine: AsyncEngine, fill: Callable[[AsyncConnection], Awaitable[None]]) -> bool:
    """Bring the tables to this code's schema, one process at a time and all or nothing.

    Args:
        engine: of the database.
        fill: puts into new tables what is known already, in the same transaction.

    Returns:
        Whether the database was empty.

    Raises:
        NewerDatabaseError: the tables are of a later version.
    """
    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    async with engine.connect() as connection:
        if await connection.run_sync(_revision) == scripts.get_current_head():
            return False  # without the lock, which a read-only database would not give
    async with engine.execution_options(begin=WRITE).begin() as connection:
        if not is_sqlite(engine.url):
            await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        revision = await connection.run_sync(_revision)
        if revision not in {None, *(script.revision for script in scripts.walk_revisions())}:
            raise NewerDatabaseError(f"a later version of the bot has brought it to revision {revision}")
        await connection.run_sync(_upgrade, config)
        if revision is None:
            await fill(connection)
        return revision is None


def new_row(connection: AsyncConnection, table: type[Table]) -> postgresql.Insert | sqlite.Insert:
    """An insertion that can be told, in the database's own way, what to do if there is such a row already."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def upsert(
    connection: AsyncConnection, table: type[Table], merged: Callable[[Any], dict[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """An insertion that sets in a row which is there already what `merged` makes of the new one's columns."""
    row = new_row(connection, table)
    return row.on_conflict_do_update(index_elements=list(table.__table__.primary_key), set_=merged(row.excluded))


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _keep_to_ourselves(_dialect: Dialect, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Make the file before SQLite does, so that nobody else on the computer can read it, nor what stands beside it.

    A file that is there already stays as it is: to open and to close it here would take SQLite's locks off it.
    """
    with suppress(OSError):  # SQLite will say why
        os.close(os.open(os.path.realpath(arguments[0]), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _write_ahead(connection: DBAPIConnection, _record: object) -> None:
    """Let nobody wait for readers; the file remembers it.

    Where it cannot be set, the file is read-only or another process is just setting it, and all works without.
    """
    cursor = connection.cursor()
    with suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin transactions ourselves: Python's driver would leave reading and the changing of tables outside of them."""
    for statement in connection.get_execution_options().get("begin", ("BEGIN",)):
        connection.exec_driver_sql(statement)
