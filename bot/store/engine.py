"""Open SQLite or PostgreSQL, migrate the tables to this version, and name the reason of a failure."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, URL, Connection, Dialect, NullPool, bindparam, event, func, inspect, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.store.tables import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

PATIENCE = 2.0
"""Seconds to wait for a lock, a connection or a statement; an interaction must be answered within three."""

LONG_PATIENCE = 60.0
"""The same for work in the background, which takes longer the larger the tables are."""

WRITE = ("BEGIN IMMEDIATE",)
"""Begins a transaction of SQLite that reads before it writes, so that nobody else can write in between."""

LIGHT_WRITE = ("PRAGMA synchronous = NORMAL", *WRITE)
"""The same without waiting for a slow disk: a power failure just after it may undo the transaction."""

NEWEST = "0007"
"""The newest revision in `migrations/versions`."""

_NOT_ITS_OWN = ("42P05", "26000")  # SQL's codes for a prepared statement that exists already, or does not
_MIGRATION_LOCK = int.from_bytes(b"emobot")

logging.getLogger("alembic").setLevel(logging.WARNING)  # at INFO it logs at every start which database it found


class StoreError(Exception):
    """The database did not answer or refused; nothing was changed."""


class NewerDatabaseError(StoreError):
    """The tables are those of a later version of the bot."""


class PoolerError(StoreError):
    """A pooler is in between that gives each transaction another connection."""

    def __init__(self) -> None:
        super().__init__(
            "a pooler gives each transaction another connection, as PgBouncer does in transaction mode, and so keeps "
            "what other processes change from this one: let DATABASE_URL lead to PostgreSQL itself, or set "
            "pool_mode = session"
        )


def open_engine(url: URL, *, patient: bool = False) -> AsyncEngine:
    """Return an engine that opens no connection before it is used, and that fails rather than waits for long.

    Args:
        url: of SQLite in a file or of PostgreSQL.
        patient: whether a statement may take long in PostgreSQL.
    """
    if is_sqlite(url):
        # No pool: a connection kept open would go on with a file that is no longer there.
        arguments = {"timeout": PATIENCE, "isolation_level": None}
        engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
        event.listen(engine.sync_engine, "do_connect", _create_private_file)
        event.listen(engine.sync_engine, "connect", _use_write_ahead_log)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine
    arguments = {"timeout": PATIENCE, "command_timeout": LONG_PATIENCE if patient else PATIENCE}
    pool: dict[str, Any] = {"poolclass": NullPool}
    if not patient:  # one connection listens, and of the others there is one at a time
        pool = {"pool_size": 2, "max_overflow": 0, "pool_timeout": PATIENCE, "pool_pre_ping": True}
    return create_async_engine(url, **pool, hide_parameters=True, connect_args=arguments)


def is_sqlite(url: URL) -> bool:
    """Return whether the database is a file rather than a server."""
    return url.get_backend_name() == "sqlite"


def describe(url: URL) -> str:
    """Return a name of the database for the log, without user and password."""
    return f"{url.database} on {url.host}" if url.host else str(url.database)


def reason(error: Exception) -> str:
    """Return why the database failed, in the driver's words, without the statement and its parameters."""
    cause = _cause(error)
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    words = "" if refuses_values(error) else str(cause)  # which may quote the values
    return words.partition("\n")[0] or type(cause).__name__


def refuses_values(error: Exception) -> bool:
    """Return whether the database or its driver refused the values of a row, so that another row may be accepted."""
    cause = _cause(error)
    if not isinstance(error, DBAPIError):
        return isinstance(cause, ValueError | OverflowError)
    # The classes "data exception" and "integrity constraint violation" of SQL's own codes.
    refused = str(getattr(cause, "sqlstate", "")).startswith(("22", "23"))
    return refused or isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError)


def shows_pooler(error: Exception) -> bool:
    """Return whether statements that a connection had prepared are not its own, as behind a pooler of transactions."""
    return str(getattr(_cause(error), "sqlstate", "")) in _NOT_ITS_OWN


def _cause(error: Exception) -> BaseException:
    """Return the driver's own exception, which SQLAlchemy wraps."""
    if isinstance(error, StatementError) and error.orig:
        return error.orig.__cause__ or error.orig
    return error


async def migrate(engine: AsyncEngine, fill: Callable[[AsyncConnection], Awaitable[None]]) -> bool:
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
        if await connection.run_sync(_revision) == NEWEST:
            return False  # without the lock, which a read-only database would not give

    from bot.store.upgrade import known_revisions, upgrade  # noqa: PLC0415 - 12 MB that current tables do not need

    async with engine.execution_options(begin=WRITE).begin() as connection:
        if not is_sqlite(engine.url):
            await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        revision = await connection.run_sync(_revision)
        if revision not in {None, *known_revisions()}:
            raise NewerDatabaseError(f"a later version of the bot has brought it to revision {revision}")
        await connection.run_sync(upgrade)
        if revision is None:
            await fill(connection)
        return revision is None


def new_row(connection: AsyncConnection, table: type[Table]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of the database's own dialect, with its methods for the case that the row exists already."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)

    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 3 MB that SQLite does not need

    return postgresql.insert(table)


def upsert(
    connection: AsyncConnection, table: type[Table], merged: Callable[[Any], dict[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that updates a row which exists already by what `merged` makes of the new row's columns."""
    row = new_row(connection, table)
    return row.on_conflict_do_update(index_elements=list(table.__table__.primary_key), set_=merged(row.excluded))


async def add_up(connection: AsyncConnection, table: type[Table], sum_: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, and add the column `sum_` to that of a row which exists already.

    PostgreSQL gets one statement, with an array for each column, however many rows there are.
    """

    def added(new: Any) -> dict[str, Any]:
        return {sum_: getattr(table, sum_) + getattr(new, sum_)}

    if connection.dialect.name == "sqlite":
        await connection.execute(upsert(connection, table, added), rows)
        return
    columns = table.__table__.columns
    names = [column.name for column in columns]
    arrays = [bindparam(column.name, type_=ARRAY(column.type)) for column in columns]
    unnested = select("*").select_from(func.unnest(*arrays).table_valued(*names))
    new = new_row(connection, table).from_select(names, unnested)
    statement = new.on_conflict_do_update(index_elements=list(table.__table__.primary_key), set_=added(new.excluded))
    await connection.execute(statement, {name: [row[name] for row in rows] for name in names})


def _revision(connection: Connection) -> str | None:
    """Return the revision that Alembic has noted in the database, None if there are no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _create_private_file(_dialect: Dialect, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Create the file before SQLite does, readable by its owner alone; SQLite then creates its other files likewise.

    A file that exists is not touched: opening and closing it here would release SQLite's locks on it.
    """
    with suppress(OSError):  # SQLite will say why
        os.close(os.open(os.path.realpath(arguments[0]), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _use_write_ahead_log(connection: DBAPIConnection, _record: object) -> None:
    """Let writers not wait for readers; the file remembers the mode.

    A failure does no harm: the file is read-only, or another process is just setting the mode.
    """
    cursor = connection.cursor()
    with suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin each transaction explicitly: Python's driver would leave SELECT and changes of tables outside of it."""
    for statement in connection.get_execution_options().get("begin", ("BEGIN",)):
        connection.exec_driver_sql(statement)
