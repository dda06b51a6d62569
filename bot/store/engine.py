"""Opens SQLite or PostgreSQL with short timeouts, so that a failure is noticed within seconds."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.store.async_connection import AsyncEngine

TIMEOUT = 2.0
"""Seconds to wait for a lock, a connection or a statement; Discord wants an answer to an interaction within three."""

LONG_TIMEOUT = 60.0
"""The same for work that takes longer the larger the tables are."""

WRITE = ("BEGIN IMMEDIATE",)
"""Begin a SQLite transaction with the write lock, so that nobody else can write between its reads and its writes."""

UNSYNCED_WRITE = ("PRAGMA synchronous = NORMAL", *WRITE)
"""The same without waiting for the disk: a power failure soon afterwards may undo the transaction."""

FILE_REPLACED = "its file was deleted or replaced"
"""The reason for which a SQLite file can no longer be used."""


def open_engine(url: URL, *, long_timeout: bool = False) -> AsyncEngine:
    """Return an engine with timeouts; it connects only when it is used.

    Args:
        url: of a SQLite file or a PostgreSQL database.
        long_timeout: whether a statement in PostgreSQL may take up to `LONG_TIMEOUT`, rather than `TIMEOUT`.
    """
    if is_sqlite(url):
        # No pool: a pooled connection would keep using a file that has been deleted or replaced.
        arguments = {"timeout": TIMEOUT, "isolation_level": None}
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
        event.listen(engine, "do_connect", _create_private_file)
        event.listen(engine, "do_connect", _note_file)
        event.listen(engine, "connect", _read_any_text)
        event.listen(engine, "connect", _use_write_ahead_log)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "commit", _check_file)
        return AsyncEngine(engine)
    arguments = {"timeout": TIMEOUT, "command_timeout": LONG_TIMEOUT if long_timeout else TIMEOUT}
    pool: dict[str, Any] = {"poolclass": NullPool}
    if not long_timeout:  # one connection listens for notifications, the other is for transactions, one at a time
        pool = {"pool_size": 2, "max_overflow": 0, "pool_timeout": TIMEOUT, "pool_pre_ping": True}
    return AsyncEngine(create_engine(url, **pool, hide_parameters=True, connect_args=arguments))


def is_sqlite(url: URL) -> bool:
    """Return whether the URL is that of a SQLite file."""
    return url.get_backend_name() == "sqlite"


def inode(path: Path) -> int | None:
    """Return the inode number of the file at a path, which changes if the file is replaced; None if there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def describe(url: URL) -> str:
    """Return the database's name for the log, without user and password."""
    return f"{url.database} on {url.host}" if url.host else str(url.database)


def _create_private_file(_dialect: Dialect, _record: object, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Create the database file with permissions for its owner alone, which SQLite copies to its other files.

    An existing file is not opened: closing it again would release SQLite's locks on it.
    """
    with suppress(OSError):  # SQLite's own attempt reports the reason
        os.close(os.open(os.path.realpath(arguments[0]), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _note_file(_dialect: Dialect, record: ConnectionPoolEntry, arguments: list[Any], _options: dict[str, Any]) -> None:
    """Record the file's inode before SQLite opens it."""
    record.info["inode"] = inode(Path(arguments[0]))


def _check_file(connection: Connection) -> None:
    """Refuse to commit to a file that was replaced or deleted after it was opened, since the commit would be lost.

    Raises:
        OSError: there is another file at the path, or none.
    """
    if inode(Path(str(connection.engine.url.database))) != connection.info["inode"]:
        raise OSError(FILE_REPLACED)


def _read_any_text(connection: Any, _record: object) -> None:
    """Read texts that are not UTF-8, with escapes, so that one damaged row does not keep all others from being read."""
    connection.driver_connection.text_factory = partial(str, encoding="utf-8", errors="backslashreplace")


def _use_write_ahead_log(connection: AdaptedConnection, _record: object) -> None:
    """Switch the file to write-ahead logging, so that writers do not wait for readers; the file keeps the mode.

    This may fail without harm if the file is read-only or another process is switching the mode.
    """
    with suppress(sqlite3.OperationalError):  # one call in the driver's thread; a cursor makes four
        connection.run_async(lambda driver: driver.execute_fetchall("PRAGMA journal_mode = WAL"))


def _begin(connection: Connection) -> None:
    """Begin each transaction explicitly: Python's driver would run SELECT and DDL statements outside it."""
    for statement in connection.get_execution_options().get("begin", ("BEGIN",)):
        connection.exec_driver_sql(statement)
