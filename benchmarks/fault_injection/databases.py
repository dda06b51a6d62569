"""The bot's database, and what can befall it."""

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
_PATIENCE = 30.0  # seconds to wait for a lock, which the bot holds for milliseconds
_WRITE_VERSION = 18  # the place in a file of SQLite of the number that says how it is written
_WRITE_AHEAD_LOG, _UNKNOWN = b"\x02", b"\x03"  # a way that nobody knows makes the file read-only


class SQLiteFile:
    """A database in a file of SQLite.

    Attributes:
        path: the file.
        url: as the bot's setting has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._deleted = 0

    async def messages(self) -> int:
        """Return how many messages it has in the counts of moods, and had before it was deleted."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=_PATIENCE)) as connection:
            return self._deleted + _sum(connection)

    async def lock(self, seconds: float) -> None:
        """Let nobody else write for some seconds."""
        with self._alone():
            await asyncio.sleep(seconds)

    async def delete(self) -> None:
        """Delete the file."""
        with self._alone() as connection:
            self._deleted += _sum(connection)
            self._unlink()

    async def replace(self) -> None:
        """Put a copy in the place of the file, as whoever restores a backup does."""
        copy = self.path.with_name("copy")
        with self._alone():
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            self._unlink()
            copy.replace(self.path)

    async def forbid_writing(self, seconds: float) -> None:
        """Let the file say for some seconds that nobody may write to it."""
        self._say_how_to_write(_UNKNOWN)
        await asyncio.sleep(seconds)
        self._say_how_to_write(_WRITE_AHEAD_LOG)

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """Let nobody else write."""
        with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield connection

    def _unlink(self) -> None:
        for end in ("", "-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{end}").unlink(missing_ok=True)

    def _say_how_to_write(self, how: bytes) -> None:
        file = os.open(self.path, os.O_RDWR)
        try:
            if how == _UNKNOWN:  # it cannot be written any more otherwise
                with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            os.pwrite(file, how, _WRITE_VERSION)
        finally:
            os.close(file)


class PostgresDatabase:
    """A database on a PostgreSQL server of one's own.

    Attributes:
        server: the server.
        url: as the bot's setting has it.
    """

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.url = server.url
        self._engine = create_async_engine(parse_database_url(self.url), poolclass=NullPool)

    async def messages(self) -> int:
        """Return how many messages it has in the counts of moods."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(text(_SUM)) or 0)

    async def restart(self, seconds: float) -> None:
        """Stop the server, and start it after some seconds."""
        await self.server.stop()
        await asyncio.sleep(seconds)
        await self.server.start()

    async def crash(self) -> None:
        """Let the server crash, and start it again."""
        await self.server.stop("immediate")
        await self.server.start()

    async def lock(self, seconds: float) -> None:
        """Let nobody else read or write for some seconds."""
        async with self._engine.begin() as connection:
            await connection.execute(text("LOCK TABLE servers, opt_outs, moods, mood_days"))
            await asyncio.sleep(seconds)

    async def end_connections(self) -> None:
        """End all other connections, as an administrator may."""
        async with self._engine.begin() as connection:
            await connection.execute(text(_END_OTHERS))


Database = SQLiteFile | PostgresDatabase


def _sum(connection: sqlite3.Connection) -> int:
    [messages] = connection.execute(_SUM).fetchone()
    return int(messages)
