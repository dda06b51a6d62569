"""What servers cost a bot in memory."""

from __future__ import annotations

import asyncio

from benchmarks.gateway import LoopbackDiscord
from benchmarks.gateway.communities import CHANNELS, Communities
from benchmarks.load.process import started

RESTS_FOR = 3.0
"""Seconds until memory is measured, after the last server has come."""


async def memory(which: str, servers: int, without: str | None = None) -> int:
    """Return the resident bytes of the `full` or the `empty` bot in so many servers."""
    discord = LoopbackDiscord(Communities(servers=servers, without=without))
    async with discord.running(), started(which, discord) as bot:
        await discord.say("hello", CHANNELS * servers - 1)  # which comes after all servers
        if (await bot.settled(1, within=300)).handled != 1:
            raise RuntimeError("The bot is not in all servers after five minutes.")
        await asyncio.sleep(RESTS_FOR)
        return bot.memory()
