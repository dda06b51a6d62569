"""Changes by other processes: a SQLite file is asked whether there are any, PostgreSQL tells of each by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Executable, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_CHANNEL = "emobot"


class Watch(Protocol):
    """What is asked for changes again and again; each has a connection of its own."""

    async def changed(self) -> bool:
        """Whether anything may have been changed that was not told; always so when it is first asked."""

    async def lost(self) -> str | None:
        """Why changes would no longer be noticed, None if they would."""

    async def stop(self) -> None:
        """Close the connection; `changed` opens another."""


class FileWatch:
    """A SQLite file: its `PRAGMA data_version` tells of others' transactions, its inode whether it is the same file."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._path = Path(str(engine.url.database))
        self._log = Path(f"{engine.url.database}-wal")
        self._connection: AsyncConnection | None = None
        self._inode: int | None = None
        self._version: int | None = None

    async def changed(self) -> bool:
        """By this process or by another, since all use other connections."""
        if self._connection is None:
            self._inode = _inode(self._path)  # before it is opened, lest it be replaced in between
            self._connection, self._version = await self._engine.connect(), None
        if _size(self._log):
            # Else a file put in the place of this one would be mixed with this one's log, and a copy of the bare
            # file would lack what was written last.
            await _ask(self._connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        before, self._version = self._version, await _ask(self._connection, "PRAGMA data_version")
        return self._version != before

    async def lost(self) -> str | None:
        """As soon as the file is another one or none."""
        return None if _inode(self._path) == self._inode else "its file was deleted or replaced"

    async def stop(self) -> None:
        """Close the connection."""
        if self._connection:
            await self._connection.close()
        self._connection = None


async def _ask(connection: AsyncConnection, pragma: str) -> int:
    answer: int = (await connection.exec_driver_sql(pragma)).scalar_one()
    await connection.rollback()
    return answer


def _inode(path: Path) -> int | None:
    return path.stat().st_ino if path.exists() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class NotificationWatch:
    """A PostgreSQL database: whoever changes a row notifies all in the same transaction, by the row's kind and id."""

    def __init__(self, engine: AsyncEngine, hear: Callable[[str, int], None]) -> None:
        """Listen to nothing yet.

        Args:
            engine: of the database.
            hear: is called at once with the kind and the id of each row that is changed, by whomever.
        """
        self._engine = engine
        self._hear = hear
        self._connection: AsyncConnection | None = None

    async def changed(self) -> bool:
        """While nobody listened; the rest is told."""
        if self._connection:
            return False
        self._connection = await self._engine.connect()
        listener: Any = (await self._connection.get_raw_connection()).driver_connection
        await listener.add_listener(_CHANNEL, self._notified)
        return True

    async def lost(self) -> str | None:
        """As soon as the connection carries no answers; a dead one would stay silent for ever."""
        try:
            if self._connection:
                await self._connection.execute(select(1))
                await self._connection.rollback()
        except (SQLAlchemyError, OSError):
            return "its connection was lost"
        return None

    async def stop(self) -> None:
        """Close the connection, not to be used for anything else."""
        if self._connection:
            await self._connection.invalidate()
            await self._connection.close()
        self._connection = None

    def _notified(self, _connection: object, _process: int, _channel: str, payload: object) -> None:
        kind, _, identity = str(payload).partition(" ")
        self._hear(kind, int(identity))


def notification(kind: str, identity: int) -> Executable:
    """The statement by which a transaction tells `NotificationWatch` of a row that it changes."""
    return select(func.pg_notify(_CHANNEL, f"{kind} {identity}"))
