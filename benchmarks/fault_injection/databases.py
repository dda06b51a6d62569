"""Disturb the bot's database."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.fault_injection.postgres import PostgresServer
from bot.store.url import parse_database_url

_SUM = "SELECT COALESCE(SUM(messages), 0) FROM moods"
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_LOCK_TIMEOUT = 30.0  # seconds; the bot holds a lock for milliseconds
_WRITE_VERSION = 18  # offset of the file format write version in a SQLite file
_WRITE_AHEAD_LOG, _UNKNOWN = b"\x02", b"\x03"  # an unknown version makes the file read-only


class SQLiteFile:
    """A SQLite file.

    Attributes:
        path: the file.
        url: the value of the bot's setting DATABASE_URL.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._deleted = 0

    async def messages(self) -> int:
        """Return how many messages the mood counts contain, including those in files that were deleted."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=_LOCK_TIMEOUT)) as connection:
            return self._deleted + _sum(connection)

    async def lock(self, seconds: float) -> None:
        """Keep everyone else from writing for some seconds."""
        with self._locked():
            await asyncio.sleep(seconds)

    async def delete(self) -> None:
        """Delete the file."""
        with self._locked() as connection:
            self._deleted += _sum(connection)
            self._unlink()

    async def replace(self) -> None:
        """Replace the file with a copy of it, as when a backup is restored."""
        copy = self.path.with_name("copy")
        with self._locked():
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            self._unlink()
            copy.replace(self.path)

    async def forbid_writing(self, seconds: float) -> None:
        """Make the file read-only for some seconds."""
        self._set_write_version(_UNKNOWN)
        await asyncio.sleep(seconds)
        self._set_write_version(_WRITE_AHEAD_LOG)

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        """Hold an exclusive lock during the block."""
        with closing(sqlite3.connect(self.path, timeout=_LOCK_TIMEOUT, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield connection

    def _unlink(self) -> None:
        for end in ("", "-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{end}").unlink(missing_ok=True)

    def _set_write_version(self, how: bytes) -> None:
        file = os.open(self.path, os.O_RDWR)
        try:
            if how == _UNKNOWN:  # it cannot be written any more otherwise
                with closing(sqlite3.connect(self.path, timeout=_LOCK_TIMEOUT)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            os.pwrite(file, how, _WRITE_VERSION)
        finally:
            os.close(file)


class PostgresDatabase:
    """A database on a PostgreSQL server that nobody else uses.

    Attributes:
        server: the server.
        url: the value of the bot's setting DATABASE_URL.
    """

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.url = server.url
        self._engine = create_async_engine(parse_database_url(self.url), poolclass=NullPool)

    async def messages(self) -> int:
        """Return how many messages the mood counts contain."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(text(_SUM)) or 0)

    async def restart(self, seconds: float) -> None:
        """Stop the server, and start it again after some seconds."""
        await self.server.stop()
        await asyncio.sleep(seconds)
        await self.server.start()

    async def crash(self) -> None:
        """Stop the server as in a crash, and start it again."""
        await self.server.stop("immediate")
        await self.server.start()

    async def lock(self, seconds: float) -> None:
        """Keep everyone else from reading and writing for some seconds."""
        async with self._engine.begin() as connection:
            await connection.execute(text("LOCK TABLE servers, opt_outs, moods, mood_days"))
            await asyncio.sleep(seconds)

    async def end_connections(self) -> None:
        """Close all other connections, as an administrator can."""
        async with self._engine.begin() as connection:
            await connection.execute(text(_END_OTHERS))


Database = SQLiteFile | PostgresDatabase


def _sum(connection: sqlite3.Connection) -> int:
    [messages] = connection.execute(_SUM).fetchone()
    return int(messages)
