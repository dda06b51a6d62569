"""Helpers shared by the tests of the store: a client that runs plain SQL, and a network that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from sqlalchemy import NullPool, Pool, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import create_async_engine


class DatabaseClient:
    """A client of a database besides the bot; runs plain SQL, each time on a new connection."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url, poolclass=NullPool)

    async def execute(self, *statements: str) -> None:
        async with self._engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self._engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]

    @asynccontextmanager
    async def holding_all_locks(self) -> AsyncIterator[None]:
        """Block all writes."""
        async with self._engine.connect() as connection:
            sqlite = connection.dialect.name == "sqlite"
            await connection.execute(
                text(
                    "BEGIN EXCLUSIVE"
                    if sqlite
                    else "LOCK TABLE servers, opt_outs, moods, mood_days, corrections, duels"
                )
            )
            yield
            await connection.rollback()

    async def end_connections(self) -> None:
        """End all connections, as PostgreSQL does when it stops."""
        await self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


class Network:
    """A TCP proxy to a PostgreSQL server that can refuse connections or drop all data."""

    def __init__(self, url: str) -> None:
        self._to = make_url(url)
        self._open = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The URL of the server through this proxy."""
        return self._to.set(host="127.0.0.1", port=self._port, query={}).render_as_string(hide_password=False)

    async def restore(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]
        self._open.set()

    async def refuse_connections(self) -> None:
        """Refuse all connections, as the machine of a stopped server does."""
        if self._server:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    def drop_all_data(self) -> None:
        """Accept connections and data, but pass nothing on."""
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = self._to.query.get("host") or self._to.host or "127.0.0.1"
        port = int(str(self._to.query.get("port") or self._to.port or 5432))
        if str(host).startswith("/"):
            there, back = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            there, back = await asyncio.open_connection(str(host), port)
        self._writers |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._writers -= {writer, back}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
        writer.close()


@contextmanager
def run_pragma_on_connect(pragma: str) -> Iterator[None]:
    """Run a pragma on each new SQLite connection."""

    def run(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(pragma)
        cursor.close()

    event.listen(Pool, "connect", run)
    try:
        yield
    finally:
        event.remove(Pool, "connect", run)
