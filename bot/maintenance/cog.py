"""Maintain the store: synchronise it with the database, and erase old counts and the data of servers the bot left."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta

import discord
from discord.ext import commands, tasks

from bot.connection.clock import DiscordTime
from bot.errors import log_failure
from bot.store import PoolerError, Store, StoreError

log = logging.getLogger(__name__)

_ERASURE_INTERVAL = timedelta(minutes=50)
"""How long no process erases again after one has; shorter than the time between two rounds of `tidy`."""


class Maintenance(commands.Cog):
    """Synchronises and erases, on a schedule, what the other features keep; keeps nothing itself."""

    def __init__(self, bot: commands.AutoShardedBot, store: Store, time: DiscordTime) -> None:
        self._bot = bot
        self._store = store
        self._time = time
        self._busy = asyncio.Lock()

    async def cog_load(self) -> None:
        """Open the database before the first message comes, then start the loops.

        Raises:
            PoolerError: a connection pooler hides the settings and opt-outs of other processes from this one.
        """
        await self._store.refresh()
        if isinstance(self._store.sync.failure, PoolerError):
            raise self._store.sync.failure
        for loop in (self.write, self.refresh, self.tidy):
            loop.start()

    async def cog_unload(self) -> None:
        """Stop the loops after their current round: an interrupted database driver may hang forever."""
        async with self._busy:
            for loop in (self.write, self.refresh, self.tidy):
                loop.cancel()

    @tasks.loop(seconds=4)
    async def write(self) -> None:
        """Write the waiting counts, so that at most five seconds of them are lost if the bot is killed."""
        async with self._busy:
            await self._store.write()

    @tasks.loop(minutes=1)
    async def refresh(self) -> None:
        """Read what other processes have written, and recover from a failure of the database."""
        async with self._busy:
            await self._store.refresh()

    @tasks.loop(hours=1)
    async def tidy(self) -> None:
        """Note which servers the bot has left or joined while the database was down, then erase and pack expired data.

        Each process does the former for its own servers, and one process does the latter for all. They use Discord's
        time, since a wrong clock on this computer could make everything look expired.
        """
        if not self._time.known:
            return
        for task in (self._note_absences, self._erase_and_pack):
            try:
                await task(self._time.now())
            except StoreError as error:
                log.warning("Expired data will be erased later: %s", error)
            except Exception as error:  # it would end the loop
                log_failure("The erasure of expired data", error)

    async def _erase_and_pack(self, now: datetime) -> None:
        async with self._busy:
            if not await self._store.claim_job("purge", now, _ERASURE_INTERVAL):
                return
        # In batches, between which new counts are written.
        more = True
        while more:
            async with self._busy:
                more = await self._store.purge(now)
        last = None
        while True:
            async with self._busy:
                last = await self._store.pack_moods(now, last)
            if last is None:
                return

    async def _note_absences(self, now: datetime) -> None:
        """Note which servers of this process the bot has left or joined since the last time."""
        if not self._bot.is_ready():
            return
        async with self._busy:
            known = await self._store.known_guilds()
            for guild_id, left_at in known.items():
                if self._is_ours(guild_id):
                    await self._note_absence(guild_id, left_at, now)

    async def _note_absence(self, guild_id: int, left_at: datetime | None, now: datetime) -> None:
        present = self._bot.get_guild(guild_id) is not None
        if present and left_at:
            await self._store.mark_present(guild_id)
        elif not present and not left_at:
            await self._store.mark_left(guild_id, now)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Start the grace period after which the server's data is erased; if that fails, `tidy` tries again."""
        with suppress(StoreError):
            await self._store.mark_left(guild.id, self._time.now())

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """End the grace period, so that the server keeps its settings."""
        with suppress(StoreError):
            await self._store.mark_present(guild.id)

    def _is_ours(self, guild_id: int) -> bool:
        """Return whether a shard of this process is responsible for the server, whether the bot is in it or not."""
        return (guild_id >> 22) % (self._bot.shard_count or 1) in self._bot.shards
