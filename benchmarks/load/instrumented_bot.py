"""Run a bot that reports its progress: `python -m benchmarks.load.instrumented_bot full`.

For each line on standard input, it prints as JSON what it has done so far. The full bot is that of `python -m bot`; it
also reports the settings of the servers whose ids are in the line. The empty bot is discord.py, which gets the same
events and does nothing. A line such as `ahead=3600` sets this computer's clock that many seconds ahead, as the bot sees
it, or behind if the number is negative. The process exits at the end of standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

Status = Callable[[list[int]], dict[str, Any]]
"""Returns a bot's report, with the settings of the servers with these ids."""


def main() -> None:
    """Run the bot that the first argument names; the second one is the value of the empty bot's intents."""
    loops: list[asyncio.AbstractEventLoop] = []
    if sys.argv[1] == "full":
        status, run = _full(loops)
    else:
        status, run = _empty(loops, int(sys.argv[2]))
    threading.Thread(target=_answer_queries, args=(loops, status, _Clock()), daemon=True).start()
    run()


def _full(loops: list[asyncio.AbstractEventLoop]) -> tuple[Status, Callable[[], object]]:
    from bot.cli import main as run  # noqa: PLC0415 - the empty bot must not import it
    from bot.client import Emobot  # noqa: PLC0415 - as above

    bots: list[Emobot] = []
    set_up = Emobot.setup_hook

    async def remember(bot: Emobot) -> None:
        bots.append(bot)
        loops[:] = [asyncio.get_running_loop()]
        await set_up(bot)

    setattr(Emobot, "setup_hook", remember)  # noqa: B010 - `run` creates the bot, which `status` needs

    def status(guild_ids: list[int]) -> dict[str, Any]:
        outcomes: Counter[str] = Counter()
        for bot in bots:
            outcomes.update(dict(list(bot.outcomes.items())))  # a copy, since they change meanwhile
        return {
            "outcomes": outcomes,
            "servers": sum(not guild.unavailable for bot in bots[-1:] for guild in list(bot.guilds)),
            "settings": {guild_id: bots[-1].store.settings(guild_id).to_json() for guild_id in guild_ids},
        }

    return status, lambda: run(["run"])


def _empty(loops: list[asyncio.AbstractEventLoop], intents: int) -> tuple[Status, Callable[[], object]]:
    import discord  # noqa: PLC0415 - the full bot imports it itself
    import yarl  # noqa: PLC0415 - as above
    from discord.gateway import DiscordWebSocket  # noqa: PLC0415 - as above
    from discord.http import Route  # noqa: PLC0415 - as above

    Route.BASE = os.environ["DISCORD_API_BASE"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    outcomes: Counter[str] = Counter()
    requested = discord.Intents.none()
    requested.value = intents
    client = discord.AutoShardedClient(intents=requested)

    @client.event
    async def setup_hook() -> None:
        loops.append(asyncio.get_running_loop())

    @client.event
    async def on_message(_: discord.Message) -> None:
        outcomes["heard"] += 1

    return lambda _: {"outcomes": dict(outcomes)}, lambda: client.run(os.environ["DISCORD_TOKEN"], log_handler=None)


class _Clock:
    """This computer's clock as a bot sees it.

    Attributes:
        ahead: how far it is ahead of the real one.
    """

    def __init__(self) -> None:
        import discord  # noqa: PLC0415 - as above

        self.ahead = timedelta()
        self._real = discord.utils.utcnow
        discord.utils.utcnow = self._now

    def _now(self) -> datetime:
        return self._real() + self.ahead


def _answer_queries(loops: list[asyncio.AbstractEventLoop], status: Status, clock: _Clock) -> None:
    """Answer each line of standard input; runs in its own thread, so as not to disturb the bot's."""
    main_thread = time.pthread_getcpuclockid(threading.main_thread().ident or 0)
    for line in sys.stdin:
        words = line.split()
        if words and words[0].startswith("ahead="):
            clock.ahead = timedelta(seconds=float(words.pop(0).removeprefix("ahead=")))
        report = {
            **status([int(guild_id) for guild_id in words]),
            "main_thread": time.clock_gettime(main_thread),
            "process": time.process_time(),
            "tasks": sum(len(asyncio.all_tasks(loop)) for loop in loops),
        }
        print(json.dumps(report), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)  # the measuring process has exited


if __name__ == "__main__":
    main()
