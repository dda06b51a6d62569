"""Keeping the store in order: in step with the database, without what is too old, without servers that were left."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import datetime

import discord
from discord.ext import commands, tasks

from bot.connection.clock import DiscordTime
from bot.store import Store, StoreError

log = logging.getLogger(__name__)


class Upkeep(commands.Cog):
    """Keeps nothing itself; it erases what the other features keep once it is due."""

    def __init__(self, bot: commands.AutoShardedBot, store: Store, time: DiscordTime) -> None:
        self._bot = bot
        self._store = store
        self._time = time
        self._busy = asyncio.Lock()

    async def cog_load(self) -> None:
        """Open the database before the first message comes, then begin the rounds."""
        await self._store.refresh()
        for round_ in (self.write, self.refresh, self.tidy):
            round_.start()

    async def cog_unload(self) -> None:
        """End the rounds, but none half-way: a database driver that is interrupted may never come back."""
        async with self._busy:
            for round_ in (self.write, self.refresh, self.tidy):
                round_.cancel()

    @tasks.loop(seconds=4)
    async def write(self) -> None:
        """Write what waits, so that no more than five seconds are lost when the bot is killed."""
        async with self._busy:
            await self._store.write()

    @tasks.loop(minutes=1)
    async def refresh(self) -> None:
        """Take over what other processes wrote, and recover from a failure."""
        async with self._busy:
            await self._store.refresh()

    @tasks.loop(hours=1)
    async def tidy(self) -> None:
        """Erase what is due, after noticing what was missed: servers left or joined while the store was away.

        By Discord's time: a computer's clock that goes wrong must not make everything due.
        """
        if not self._time.known:
            return
        async with self._busy:
            try:
                await self._notice_and_erase(self._time.now())
            except StoreError as error:
                log.warning("What is due will be erased later: %s", error)

    async def _notice_and_erase(self, now: datetime) -> None:
        if self._bot.is_ready():
            for guild_id, left_at in (await self._store.known_guilds()).items():
                present = self._bot.get_guild(guild_id) is not None
                if not self._is_ours(guild_id):
                    continue
                if present and left_at:
                    await self._store.mark_present(guild_id)
                elif not present and not left_at:
                    await self._store.mark_left(guild_id, now)
        await self._store.purge(now)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Begin the grace period after which the server's data is erased; `tidy` makes up for a failure."""
        with suppress(StoreError):
            await self._store.mark_left(guild.id, self._time.now())

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """End the grace period: the server's settings stand as they were."""
        with suppress(StoreError):
            await self._store.mark_present(guild.id)

    def _is_ours(self, guild_id: int) -> bool:
        """Whether a shard of this process looks after the server, present or not."""
        return (guild_id >> 22) % (self._bot.shard_count or 1) in self._bot.shards
