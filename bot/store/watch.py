"""Notices changes by other processes: by polling a SQLite file, or by PostgreSQL's notifications."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Executable, func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.store.async_connection import AsyncConnection, AsyncEngine
from bot.store.engine import FILE_REPLACED, inode
from bot.store.failures import PoolerError, StoreError

_CHANNEL = "emobot"
_CONNECTION_LOST = "its connection was lost"
_NOTIFICATION_TIMEOUT = 10.0  # seconds; long, so that a busy server is not mistaken for a pooler


class Watch(Protocol):
    """Notices changes for `DatabaseSync`, on a connection of its own."""

    async def has_changed(self) -> bool:
        """Return whether everything must be read again; connect if necessary, and then return True."""

    async def loss_reason(self) -> str | None:
        """Return why changes would no longer be noticed; None if they would be."""

    async def stop(self) -> None:
        """Close the connection; `has_changed` opens another."""


class FileWatch:
    """Watches a SQLite file: `PRAGMA data_version` changes with each write, and the inode if the file is replaced."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._path = Path(str(engine.url.database))
        self._log = Path(f"{engine.url.database}-wal")
        self._connection: AsyncConnection | None = None
        self._inode: int | None = None
        self._version: int | None = None

    async def has_changed(self) -> bool:
        """Return whether any process has written since the last call, including this one on another connection."""
        if self._connection is None:
            self._inode = inode(self._path)  # before opening it, so that a replacement in between is noticed
            self._connection, self._version = await self._engine.open(), None
        if _size(self._log):
            # Empty the log, so that a copy of the file alone is complete, and so that a file which is put in its place
            # is not read together with the old log.
            await _run_pragma(self._connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        before, self._version = self._version, await _run_pragma(self._connection, "PRAGMA data_version")
        return self._version != before

    async def loss_reason(self) -> str | None:
        """Return the reason if the database file was replaced or deleted, else None."""
        return None if inode(self._path) == self._inode else FILE_REPLACED

    async def stop(self) -> None:
        """Close the connection."""
        if self._connection:
            await self._connection.close()
        self._connection = None


async def _run_pragma(connection: AsyncConnection, pragma: str) -> int:
    answer: int = (await connection.exec_driver_sql(pragma)).scalar_one()
    await connection.rollback()
    return answer


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class NotificationWatch:
    """Listens for PostgreSQL's notifications: a transaction that changes a row also sends the row's kind and id."""

    def __init__(
        self, engine: AsyncEngine, on_change: Callable[[str, int], None], on_loss: Callable[[str], None]
    ) -> None:
        """Do not connect yet; the first call of `has_changed` does.

        Args:
            engine: of the database.
            on_change: called with the kind and the id of each row as soon as any process has changed it.
            on_loss: called with the reason as soon as the server or the network ends the connection.
        """
        self._engine = engine
        self._on_change = on_change
        self._on_loss = on_loss
        self._connection: AsyncConnection | None = None
        self._listener: Any = None  # the driver's own connection

    async def has_changed(self) -> bool:
        """Return whether this call had to connect, so that earlier changes were missed.

        Raises:
            PoolerError: notifications do not arrive.
            StoreError: the connection was lost.
        """
        if self._connection:
            return False
        self._connection = await self._engine.open()
        self._listener = await self._connection.driver_connection()
        await self._listener.add_listener(_CHANNEL, self._receive)
        self._listener.add_termination_listener(self._on_termination)
        if not await self._receives_notifications():
            loss_reason = await self.loss_reason()
            await self.stop()
            raise StoreError(loss_reason) if loss_reason else PoolerError()
        return True

    async def _receives_notifications(self) -> bool:
        """Return whether this connection, while idle, receives a notification that another one sends."""
        channel, heard = f"{_CHANNEL}_{secrets.token_hex(8)}", asyncio.Event()

        def hear(*_: object) -> None:
            heard.set()

        await self._listener.add_listener(channel, hear)
        async with self._engine.begin() as other:
            await other.execute(select(func.pg_notify(channel, "")))
        with suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), _NOTIFICATION_TIMEOUT)
        await self._listener.remove_listener(channel, hear)
        return heard.is_set()

    async def loss_reason(self) -> str | None:
        """Return the reason if the connection is dead, else None; a dead one would just stay silent."""
        try:
            if self._connection:
                await self._connection.execute(select(1))
                await self._connection.rollback()
        except (SQLAlchemyError, OSError):
            return _CONNECTION_LOST
        return None

    async def stop(self) -> None:
        """Close the connection, rather than return it to the pool."""
        self._listener = None  # so that `_on_termination` ignores its end
        if self._connection:
            await self._connection.invalidate()
            await self._connection.close()
        self._connection = None

    def _on_termination(self, connection: object) -> None:
        if connection is self._listener:
            self._on_loss(_CONNECTION_LOST)

    def _receive(self, _connection: object, _process: int, _channel: str, payload: object) -> None:
        kind, _, identity = str(payload).partition(" ")
        self._on_change(kind, int(identity))


def notification(kind: str, identity: int) -> Executable:
    """Return the statement with which a transaction notifies every `NotificationWatch` that it changed a row."""
    return select(func.pg_notify(_CHANNEL, f"{kind} {identity}"))
