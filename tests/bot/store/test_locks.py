from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from bot.store.locks import AdvisoryLocks
from tests.bot.store.support import DatabaseClient

_STATES = (
    "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY state"
)


async def test_lock_of_a_silent_process_expires(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a whole host is gone, PostgreSQL considers its connection as good for hours."""
    monkeypatch.setattr("bot.store.locks._POLL_INTERVAL", 0.01)
    monkeypatch.setattr("bot.store.locks.MAX_HELD", 0.2)
    gone = await AdvisoryLocks(postgres_url).acquire(7)
    async with asyncio.timeout(10):
        held = await AdvisoryLocks(postgres_url).acquire(7)
    await held.aclose()
    await gone.aclose()  # no error if the process returns


async def test_one_process_can_hold_a_lock_for_each_of_discords_buckets(postgres_url: str) -> None:
    locks = AdvisoryLocks(postgres_url)
    async with AsyncExitStack() as held:
        for number in range(4):  # more than the connections that the store keeps
            await held.enter_async_context(await locks.acquire(number))


async def test_process_that_waits_for_a_lock_keeps_no_transaction_open(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.store.locks.asyncio.sleep", sleep)
    async with await AdvisoryLocks(postgres_url).acquire(7):
        waiting = asyncio.create_task(AdvisoryLocks(postgres_url).acquire(7))
        await waits.wait()
        assert await DatabaseClient(postgres_url).rows(_STATES) == [("idle",), ("idle in transaction",)]
        waiting.cancel()
        await asyncio.wait([waiting])
