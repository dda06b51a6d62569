"""Transactions end with their blocks, and connections are closed even if the task is cancelled meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.util import await_only

from bot.store.async_connection import AsyncConnection, AsyncEngine
from bot.store.engine import open_engine

NUMBERS = text("SELECT number FROM numbers")
ADD = text("INSERT INTO numbers VALUES (:number)")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncEngine:
    engine = open_engine(make_url(f"sqlite+aiosqlite:///{tmp_path / 'numbers.db'}"))
    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER UNIQUE)")
    return engine


async def stored_numbers(engine: AsyncEngine) -> list[int]:
    async with engine.connect() as connection:
        return [*await connection.scalars(NUMBERS)]


async def test_transaction_is_committed(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(ADD, {"number": 1})
        assert await connection.scalar(NUMBERS) == 1
    assert await stored_numbers(engine) == [1]


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_raising_transaction_is_rolled_back(engine: AsyncEngine, error: type[BaseException]) -> None:
    async def add_and_fail() -> None:
        async with engine.begin() as connection:
            await connection.execute(ADD, {"number": 1})
            raise error

    with pytest.raises(error):
        await add_and_fail()
    assert await stored_numbers(engine) == []


async def test_connection_is_closed_and_uncommitted_changes_are_lost(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(ADD, {"number": 1})
    assert await connection.run(lambda closed: closed.closed)
    assert await stored_numbers(engine) == []


async def test_function_gets_the_connection_and_its_errors_are_raised(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        assert await connection.run(lambda open_, number: open_.execute(ADD, {"number": number}).rowcount, 3) == 1
        assert type(await connection.driver_connection()).__module__.startswith("aiosqlite")
        with pytest.raises(OperationalError):
            await connection.exec_driver_sql("SELECT nothing FROM nowhere")
    assert await stored_numbers(engine) == [3]


async def test_cancellation_during_a_close_waits_for_the_close(engine: AsyncEngine) -> None:
    closing, may_close, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def hold_up(*_: object) -> None:
        closing.set()
        await_only(may_close.wait())

    event.listen(engine.sync_engine, "checkin", hold_up)
    event.listen(engine.sync_engine, "close", lambda *_: closed.set())
    asking = asyncio.create_task(stored_numbers(engine))
    await closing.wait()
    for _ in range(2):
        asking.cancel()
        await asyncio.sleep(0)
    assert not asking.done()
    may_close.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert closed.is_set()


async def test_error_while_closing_is_raised(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def close_and_fail(connection: AsyncConnection) -> None:
        await connection.run(Connection.close)
        raise OSError("full")

    monkeypatch.setattr(AsyncConnection, "close", close_and_fail)
    with pytest.raises(OSError, match="full"):
        await stored_numbers(engine)
