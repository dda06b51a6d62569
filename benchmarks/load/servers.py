"""Measure how much memory servers take in a bot."""

from __future__ import annotations

import asyncio

from benchmarks.gateway import LoopbackDiscord
from benchmarks.gateway.communities import CHANNELS, Communities
from benchmarks.load.process import run_bot

SETTLING_TIME = 3.0
"""Seconds between the last server's arrival and the measurement of memory."""


async def measure_server_memory(which: str, servers: int, without: str | None = None) -> int:
    """Return the resident memory in bytes of the `full` or the `empty` bot in this many servers.

    Args:
        which: the bot.
        servers: how many there are.
        without: the part of the servers' data to leave out, one of `PARTS`; None for none.

    Raises:
        RuntimeError: the bot does not know all servers after five minutes.
    """
    discord = LoopbackDiscord(Communities(servers=servers, without=without))
    async with discord.running(), run_bot(which, discord) as bot:
        await discord.say("hello", CHANNELS * servers - 1)  # the bot gets it after all servers
        if (await bot.wait_until_done(1, within=300)).handled != 1:
            raise RuntimeError("The bot does not know all servers after five minutes.")
        await asyncio.sleep(SETTLING_TIME)
        return bot.memory()
