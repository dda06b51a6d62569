"""One of the bots that are compared, in a process of its own: `python -m benchmarks.load.contender full`.

For each line on standard input it prints what it has done so far, as JSON. The full bot runs as `python -m bot` does,
and tells also of each server whose id stands in the line which settings it knows; the empty one is discord.py alone,
which hears the same events and does nothing. It ends when standard input does. After a line such as `ahead=3600`,
this computer's clock is so many seconds ahead for the bot, or behind if there are fewer than none.
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

Account = Callable[[list[int]], dict[str, Any]]
"""Returns what a bot tells of itself, and of the servers with these ids."""


def main() -> None:
    """Run the bot that the first argument names; the second one is the number of the empty bot's intents."""
    loops: list[asyncio.AbstractEventLoop] = []
    if sys.argv[1] == "full":
        account, run = _full(loops)
    else:
        account, run = _empty(loops, int(sys.argv[2]))
    threading.Thread(target=_tell, args=(loops, account, _Clock()), daemon=True).start()
    run()


def _full(loops: list[asyncio.AbstractEventLoop]) -> tuple[Account, Callable[[], object]]:
    from bot.cli import main as run  # noqa: PLC0415 - the empty bot does without
    from bot.client import Emobot  # noqa: PLC0415 - as above

    bots: list[Emobot] = []
    set_up = Emobot.setup_hook

    async def remember(bot: Emobot) -> None:
        bots.append(bot)
        loops[:] = [asyncio.get_running_loop()]
        await set_up(bot)

    setattr(Emobot, "setup_hook", remember)  # noqa: B010 - so that it can be looked at

    def account(guild_ids: list[int]) -> dict[str, Any]:
        outcomes: Counter[str] = Counter()
        for bot in bots:
            outcomes.update(dict(list(bot.outcomes.items())))  # of a copy, since they change meanwhile
        return {
            "outcomes": outcomes,
            "servers": sum(not guild.unavailable for bot in bots[-1:] for guild in list(bot.guilds)),
            "settings": {guild_id: bots[-1].store.settings(guild_id).to_json() for guild_id in guild_ids},
        }

    return account, lambda: run(["run"])


def _empty(loops: list[asyncio.AbstractEventLoop], intents: int) -> tuple[Account, Callable[[], object]]:
    import discord  # noqa: PLC0415 - the full bot imports it in its own time
    import yarl  # noqa: PLC0415 - as above
    from discord.gateway import DiscordWebSocket  # noqa: PLC0415 - as above
    from discord.http import Route  # noqa: PLC0415 - as above

    Route.BASE = os.environ["DISCORD_API_BASE"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    outcomes: Counter[str] = Counter()
    asked_for = discord.Intents.none()
    asked_for.value = intents
    client = discord.AutoShardedClient(intents=asked_for)

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
        ahead: by how much it is ahead of the real one.
    """

    def __init__(self) -> None:
        import discord  # noqa: PLC0415 - as above

        self.ahead = timedelta()
        self._real = discord.utils.utcnow
        discord.utils.utcnow = self._now

    def _now(self) -> datetime:
        return self._real() + self.ahead


def _tell(loops: list[asyncio.AbstractEventLoop], account: Account, clock: _Clock) -> None:
    """Answer each line of standard input; by a thread of its own, so that the bot need not."""
    main_thread = time.pthread_getcpuclockid(threading.main_thread().ident or 0)
    for line in sys.stdin:
        words = line.split()
        if words and words[0].startswith("ahead="):
            clock.ahead = timedelta(seconds=float(words.pop(0).removeprefix("ahead=")))
        told = {
            **account([int(guild_id) for guild_id in words]),
            "main_thread": time.clock_gettime(main_thread),
            "process": time.process_time(),
            "tasks": sum(len(asyncio.all_tasks(loop)) for loop in loops),
        }
        print(json.dumps(told), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)  # whoever measured it is gone


if __name__ == "__main__":
    main()
