"""Opens SQLite or PostgreSQL, each so that a failure is noticed within seconds."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.store.awaited import AwaitedEngine

PATIENCE = 2.0
"""Seconds to wait for a lock, a connection or a statement; an interaction must be answered within three."""

LONG_PATIENCE = 60.0
"""The same for work in the background, which takes longer the larger the tables are."""

WRITE = ("BEGIN IMMEDIATE",)
"""Begins a transaction of SQLite that reads before it writes, so that nobody else can write in between."""

LIGHT_WRITE = ("PRAGMA synchronous = NORMAL", *WRITE)
"""The same without waiting for a slow disk: a power failure just after it may undo the transaction."""

REPLACED = "its file was deleted or replaced"
"""Why a file of SQLite cannot be used any longer."""


def open_engine(url: URL, *, patient: bool = False) -> AwaitedEngine:
    """Return an engine that opens no connection before it is used, and that fails rather than waits for long.

    Args:
        url: of SQLite in a file or of PostgreSQL.
        patient: whether a statement may take long in PostgreSQL.
    """
    if is_sqlite(url):
        # No pool: a connection kept open would go on with a file that is no longer there.
        arguments = {"timeout": PATIENCE, "isolation_level": None}
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
        event.listen(engine, "do_connect", _create_private_file)
        event.listen(engine, "do_connect", _note_file)
        event.listen(engine, "connect", _use_write_ahead_log)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "commit", _check_file)
        return AwaitedEngine(engine)
    arguments = {"timeout": PATIENCE, "command_timeout": LONG_PATIENCE if patient else PATIENCE}
    pool: dict[str, Any] = {"poolclass": NullPool}
    if not patient:  # one connection listens, and of the others there is one at a time
        pool = {"pool_size": 2, "max_overflow": 0, "pool_timeout": PATIENCE, "pool_pre_ping": True}
    return AwaitedEngine(create_engine(url, **pool, hide_parameters=True, connect_args=arguments))


def is_sqlite(url: URL) -> bool:
    """Return whether the database is a file rather than a server."""
    return url.get_backend_name() == "sqlite"


def inode(path: Path) -> int | None:
    """Return the number by which the file at a path is told from any other in its place, None if there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def describe(url: URL) -> str:
    """Return a name of the database for the log, without user and password."""
    return f"{url.database} on {url.host}" if url.host else str(url.database)


def _create_private_file(_dialect: Dialect, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Create the file before SQLite does, readable by its owner alone; SQLite then creates its other files likewise.

    A file that exists is not touched: opening and closing it here would release SQLite's locks on it.
    """
    with suppress(OSError):  # SQLite will say why
        os.close(os.open(os.path.realpath(arguments[0]), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _note_file(_dialect: Dialect, record: ConnectionPoolEntry, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Note which file the path leads to, before it is opened."""
    record.info["inode"] = inode(Path(arguments[0]))


def _check_file(connection: Connection) -> None:
    """Refuse to commit what would be lost: the file was replaced while this waited for its lock.

    Raises:
        OSError: the path leads to another file, or to none.
    """
    if inode(Path(str(connection.engine.url.database))) != connection.info["inode"]:
        raise OSError(REPLACED)


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
