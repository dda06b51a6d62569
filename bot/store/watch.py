"""Notice changes by other processes: by asking a SQLite file again and again, by notifications of PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Executable, func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.store.awaited import AwaitedConnection, AwaitedEngine
from bot.store.engine import REPLACED, inode
from bot.store.failures import PoolerError, StoreError

_CHANNEL = "emobot"
_LOST = "its connection was lost"
_HEARS_WITHIN = 10.0  # seconds: a busy server must not be taken for a pooler


class Watch(Protocol):
    """Tell `DatabaseSync`, whenever it asks, whether to read everything again; each watch has its own connection."""

    async def changed(self) -> bool:
        """Return whether anything may have changed without a notification; always True when first asked."""

    async def lost(self) -> str | None:
        """Return why changes would no longer be noticed, None if they would be."""

    async def stop(self) -> None:
        """Close the connection; `changed` opens another."""


class FileWatch:
    """Watch a SQLite file: `PRAGMA data_version` shows others' transactions, the inode whether it is the same file."""

    def __init__(self, engine: AwaitedEngine) -> None:
        self._engine = engine
        self._path = Path(str(engine.url.database))
        self._log = Path(f"{engine.url.database}-wal")
        self._connection: AwaitedConnection | None = None
        self._inode: int | None = None
        self._version: int | None = None

    async def changed(self) -> bool:
        """Return whether this or another process has written, since all write on other connections than this one."""
        if self._connection is None:
            self._inode = inode(self._path)  # before it is opened, lest it be replaced in between
            self._connection, self._version = await self._engine.open(), None
        if _size(self._log):
            # Else a file put in the place of this one would be mixed with this one's log, and a copy of the bare
            # file would lack what was written last.
            await _ask(self._connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        before, self._version = self._version, await _ask(self._connection, "PRAGMA data_version")
        return self._version != before

    async def lost(self) -> str | None:
        """Return the reason if the database file was replaced or deleted, else None."""
        return None if inode(self._path) == self._inode else REPLACED

    async def stop(self) -> None:
        """Close the connection."""
        if self._connection:
            await self._connection.close()
        self._connection = None


async def _ask(connection: AwaitedConnection, pragma: str) -> int:
    answer: int = (await connection.exec_driver_sql(pragma)).scalar_one()
    await connection.rollback()
    return answer


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class NotificationWatch:
    """Listen to PostgreSQL: whoever changes a row notifies all in the same transaction, with the row's kind and id."""

    def __init__(
        self, engine: AwaitedEngine, notified: Callable[[str, int], None], when_lost: Callable[[str], None]
    ) -> None:
        """Do not listen yet; `changed` begins it.

        Args:
            engine: of the database.
            notified: called at once with the kind and the id of each row that any process changes.
            when_lost: called at once with the reason when the server or the network ends the connection.
        """
        self._engine = engine
        self._notified = notified
        self._when_lost = when_lost
        self._connection: AwaitedConnection | None = None
        self._listener: Any = None  # the driver's own connection

    async def changed(self) -> bool:
        """Return whether this watch has just begun to listen, so that earlier changes were missed.

        Raises:
            PoolerError: no notification comes.
            StoreError: the connection was lost meanwhile.
        """
        if self._connection:
            return False
        self._connection = await self._engine.open()
        self._listener = await self._connection.driver_connection()
        await self._listener.add_listener(_CHANNEL, self._receive)
        self._listener.add_termination_listener(self._terminated)
        if not await self._hears():
            lost = await self.lost()
            await self.stop()
            raise StoreError(lost) if lost else PoolerError()
        return True

    async def _hears(self) -> bool:
        """Return whether a notification from another connection comes to this one while it does nothing."""
        channel, heard = f"{_CHANNEL}_{secrets.token_hex(8)}", asyncio.Event()

        def hear(*_: object) -> None:
            heard.set()

        await self._listener.add_listener(channel, hear)
        async with self._engine.begin() as other:
            await other.execute(select(func.pg_notify(channel, "")))
        with suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), _HEARS_WITHIN)
        await self._listener.remove_listener(channel, hear)
        return heard.is_set()

    async def lost(self) -> str | None:
        """Return the reason if the connection is dead, else None: it would bring no notifications, and no error."""
        try:
            if self._connection:
                await self._connection.execute(select(1))
                await self._connection.rollback()
        except (SQLAlchemyError, OSError):
            return _LOST
        return None

    async def stop(self) -> None:
        """Close the connection for good instead of giving it back to the pool."""
        self._listener = None  # lest its end be taken for a loss
        if self._connection:
            await self._connection.invalidate()
            await self._connection.close()
        self._connection = None

    def _terminated(self, connection: object) -> None:
        if connection is self._listener:
            self._when_lost(_LOST)

    def _receive(self, _connection: object, _process: int, _channel: str, payload: object) -> None:
        kind, _, identity = str(payload).partition(" ")
        self._notified(kind, int(identity))


def notification(kind: str, identity: int) -> Executable:
    """Return the statement by which a transaction notifies each `NotificationWatch` of a row that it changes."""
    return select(func.pg_notify(_CHANNEL, f"{kind} {identity}"))
