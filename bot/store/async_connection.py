"""An asynchronous engine and connection over SQLAlchemy's synchronous ones.

They replace the classes of the same names in `sqlalchemy.ext.asyncio`, which imports the whole ORM and so takes 6 MB
more memory.
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


def _async_method(
    method: Callable[Concatenate[Connection, P], Result],
) -> Callable[Concatenate[AsyncConnection, P], Coroutine[Any, Any, Result]]:
    """Return a coroutine function that calls a method of SQLAlchemy's connection."""

    async def call(self: AsyncConnection, /, *arguments: P.args, **options: P.kwargs) -> Result:
        return await self.run(method, *arguments, **options)

    return call


class AsyncConnection:
    """A connection to the database; its methods do the same as SQLAlchemy's, but have to be awaited."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect for this kind of database."""
        return self._connection.dialect

    async def run(
        self, work: Callable[Concatenate[Connection, P], Result], *arguments: P.args, **options: P.kwargs
    ) -> Result:
        """Call a function with SQLAlchemy's own connection, which it uses without awaiting, and return its result."""
        return await greenlet_spawn(partial(work, self._connection, *arguments, **options))

    async def driver_connection(self) -> Any:
        """Return the driver's own connection."""
        return await self.run(lambda connection: connection.connection.driver_connection)

    execute = _async_method(Connection.execute)
    exec_driver_sql = _async_method(Connection.exec_driver_sql)
    scalar = _async_method(Connection.scalar)
    scalars = _async_method(Connection.scalars)
    begin = _async_method(Connection.begin)
    commit = _async_method(Connection.commit)
    rollback = _async_method(Connection.rollback)
    invalidate = _async_method(Connection.invalidate)
    close = _async_method(Connection.close)


class AsyncEngine:
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

    def execution_options(self, **options: Any) -> AsyncEngine:
        """Return an engine that shares this one's pool, and gives its connections these options."""
        return AsyncEngine(self.sync_engine.execution_options(**options))

    async def open(self) -> AsyncConnection:
        """Return a new connection, which the caller must close."""
        return AsyncConnection(await greenlet_spawn(self.sync_engine.connect))

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection, and close it after the block."""
        connection = await self.open()
        try:
            yield connection
        finally:
            await _finish(connection.close())

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Run the block in a transaction: commit it afterwards, or roll it back if the block raises."""
        async with self.connect() as connection:
            await connection.begin()
            try:
                yield connection
            except BaseException:
                await connection.rollback()
                raise
            await connection.commit()

    async def dispose(self) -> None:
        """Close all idle connections."""
        await greenlet_spawn(self.sync_engine.dispose)


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end; if this is cancelled meanwhile, raise CancelledError only then."""
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
