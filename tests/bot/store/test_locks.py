from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from bot.store.locks import AdvisoryLocks


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
