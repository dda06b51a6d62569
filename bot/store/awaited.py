"""SQLAlchemy's engine and connections with methods to await.

`sqlalchemy.ext.asyncio` has them, too, but it imports the whole ORM, which takes 6 MB.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Dialect, Engine
from sqlalchemy.util import greenlet_spawn

P = ParamSpec("P")
Result = TypeVar("Result")


def _awaited(
    method: Callable[Concatenate[Connection, P], Result],
) -> Callable[Concatenate[AwaitedConnection, P], Coroutine[Any, Any, Result]]:
    """Return a method of a connection as one to await."""

    async def call(self: AwaitedConnection, /, *arguments: P.args, **options: P.kwargs) -> Result:
        return await self.run(method, *arguments, **options)

    return call


class AwaitedConnection:
    """A connection to the database, whose methods are SQLAlchemy's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows about this kind of database."""
        return self._connection.dialect

    async def run(
        self, work: Callable[Concatenate[Connection, P], Result], *arguments: P.args, **options: P.kwargs
    ) -> Result:
        """Return what a function makes of the connection, whose methods it calls without awaiting them."""
        return await greenlet_spawn(partial(work, self._connection, *arguments, **options))

    async def driver_connection(self) -> Any:
        """Return the driver's own connection."""
        return await self.run(lambda connection: connection.connection.driver_connection)

    execute = _awaited(Connection.execute)
    exec_driver_sql = _awaited(Connection.exec_driver_sql)
    scalar = _awaited(Connection.scalar)
    scalars = _awaited(Connection.scalars)
    begin = _awaited(Connection.begin)
    commit = _awaited(Connection.commit)
    rollback = _awaited(Connection.rollback)
    invalidate = _awaited(Connection.invalidate)
    close = _awaited(Connection.close)


class AwaitedEngine:
    """Opens connections to a database.

    Attributes:
        sync_engine: SQLAlchemy's own engine, whose driver is an asynchronous one.
    """

    def __init__(self, sync_engine: Engine) -> None:
        self.sync_engine = sync_engine

    @property
    def url(self) -> URL:
        """The URL of the database."""
        return self.sync_engine.url

    def execution_options(self, **options: Any) -> AwaitedEngine:
        """Return an engine with the same connections, which are given these options."""
        return AwaitedEngine(self.sync_engine.execution_options(**options))

    async def open(self) -> AwaitedConnection:
        """Return a connection that the caller has to close."""
        return AwaitedConnection(await greenlet_spawn(self.sync_engine.connect))

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AwaitedConnection]:
        """Open a connection for the block."""
        connection = await self.open()
        try:
            yield connection
        finally:
            await _to_the_end(connection.close())

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AwaitedConnection]:
        """Run the block in a transaction, which is rolled back if it raises something."""
        async with self.connect() as connection:
            await connection.begin()
            try:
                yield connection
            except BaseException:
                await connection.rollback()
                raise
            await connection.commit()

    async def dispose(self) -> None:
        """Close all connections that nobody uses."""
        await greenlet_spawn(self.sync_engine.dispose)


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do what must not be left half done: a cancellation meanwhile is raised after it."""
    task = asyncio.create_task(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
    task.result()
