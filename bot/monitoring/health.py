"""Checks whether the bot is alive and ready, and says why if it is not."""

from __future__ import annotations

from bot.client import Emobot

_WORKER_TIMEOUT = 5.0
"""Seconds within which the worker thread must start a new task; its longest task takes less than a second."""


class Health:
    """Checks the running bot.

    Attributes:
        bot: the running bot; None while the process waits to restart it.
        ready_shards: the ids of its shards that are connected and know their servers.
    """

    def __init__(self) -> None:
        self.bot: Emobot | None = None
        self.ready_shards: set[int] = set()

    def follow(self, bot: Emobot) -> None:
        """Check this bot from now on; call this before the bot is started."""
        self.bot, self.ready_shards = bot, set()
        for event in ("on_shard_ready", "on_shard_resumed"):
            bot.add_listener(self._on_shard_up, event)
        bot.add_listener(self._on_shard_disconnect, "on_shard_disconnect")

    def leave(self) -> None:
        """Check no bot until the next call of `follow`."""
        self.bot, self.ready_shards = None, set()

    async def why_dead(self) -> list[str]:
        """Return why the process should be restarted; empty if it works or waits for Discord.

        If this returns at all, the event loop responds.
        """
        if self.bot is None or await self.bot.analyzer.responds(_WORKER_TIMEOUT):
            return []
        return [f"the models' thread has not answered within {_WORKER_TIMEOUT:g} s"]

    def why_not_ready(self) -> list[str]:
        """Return why the bot cannot do its work now; empty if it can."""
        if self.bot is None:
            return ["the bot waits before it connects to Discord again"]
        why = []
        if not self.bot.is_ready():
            why.append("the bot is not logged in to Discord yet")
        if missing := sorted(self.bot.shards.keys() - self.ready_shards):
            why.append(f"not connected: shard {', '.join(map(str, missing))}")
        if not self.bot.store.usable:
            why.append("the database cannot be used")
        return why

    async def _on_shard_up(self, shard_id: int) -> None:
        self.ready_shards.add(shard_id)

    async def _on_shard_disconnect(self, shard_id: int) -> None:
        self.ready_shards.discard(shard_id)
