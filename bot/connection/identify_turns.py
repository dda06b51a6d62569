"""Let several processes take turns to start sessions with Discord, which allows few at a time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bot.connection.session_starts import SESSION_INTERVAL
from bot.store import StoreError
from bot.store.locks import AdvisoryLocks

log = logging.getLogger(__name__)

UNUSED_TURN_TIMEOUT = 30.0
"""Seconds after which an unused turn is lost, for example because Discord cannot be reached."""


@dataclass(eq=False)
class _Turn:
    lock: AsyncExitStack
    used: asyncio.Event = field(default_factory=asyncio.Event)


class IdentifyTurns:
    """Lets one process at a time start a session in each bucket; a bucket is a shard's number modulo `concurrency`.

    Attributes:
        concurrency: how many sessions may start together: Discord's `max_concurrency`.
    """

    def __init__(self, locks: AdvisoryLocks) -> None:
        """Start with no turn.

        Args:
            locks: locks in the database that all processes share.
        """
        self.concurrency = 1
        self._locks = locks
        self._turns: dict[int, _Turn] = {}
        self._tasks: dict[asyncio.Task[None], _Turn] = {}

    async def wait(self, shard_id: int) -> None:
        """Wait for the turn of a shard's bucket, unless this process already has an unused one.

        If the database fails, wait as long as another process's turn would take. If Discord then refuses the session,
        discord.py tries again.
        """
        bucket = shard_id % self.concurrency
        if bucket in self._turns:
            return
        try:
            lock = await self._locks.acquire(bucket)
        except StoreError as error:
            log.warning("Shard %d starts its session without waiting for other processes: %s", shard_id, error)
            await asyncio.sleep(SESSION_INTERVAL)
            lock = AsyncExitStack()
        self._turns[bucket] = turn = _Turn(lock)
        task = asyncio.create_task(self._keep(bucket, turn))
        self._tasks[task] = turn
        task.add_done_callback(self._tasks.pop)

    def use(self, shard_id: int) -> None:
        """Note that a shard starts its session now; others in its bucket may do so after `SESSION_INTERVAL`."""
        self._turns.pop(shard_id % self.concurrency).used.set()

    async def close(self) -> None:
        """Give up all turns: unused ones at once, the others when their time is over."""
        turns = dict(self._tasks)
        for task, turn in turns.items():
            if not turn.used.is_set():
                task.cancel()
        await asyncio.gather(*turns, return_exceptions=True)
        for turn in turns.values():
            await turn.lock.aclose()  # a task that was cancelled before it started has not released it

    async def _keep(self, bucket: int, turn: _Turn) -> None:
        async with turn.lock:
            try:
                await asyncio.wait_for(turn.used.wait(), UNUSED_TURN_TIMEOUT)
            except TimeoutError:
                if self._turns.get(bucket) is turn:
                    del self._turns[bucket]
            else:
                await asyncio.sleep(SESSION_INTERVAL)
