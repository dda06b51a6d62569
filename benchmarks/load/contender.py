"""One of the bots that are compared, in a process of its own: `python -m benchmarks.load.contender full`.

For each line on standard input it prints what it has done so far, as JSON. The full bot runs as `python -m bot` does;
the empty one is discord.py alone, which hears the same events and does nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

Counts = Callable[[], dict[str, int]]
"""Returns how many messages had which outcome."""


def main() -> None:
    """Run the bot that the first argument names; the second one is the number of the empty bot's intents."""
    loops: list[asyncio.AbstractEventLoop] = []
    if sys.argv[1] == "full":
        counts, run = _full(loops)
    else:
        counts, run = _empty(loops, int(sys.argv[2]))
    threading.Thread(target=_tell, args=(loops, counts), daemon=True).start()
    run()


def _full(loops: list[asyncio.AbstractEventLoop]) -> tuple[Counts, Callable[[], object]]:
    from bot.cli import main as run  # noqa: PLC0415 - the empty bot does without
    from bot.reactions.cog import Reactions  # noqa: PLC0415 - as above

    cogs: list[Reactions] = []
    initialise = Reactions.__init__

    def remember(cog: Reactions, *arguments: Any, **options: Any) -> None:
        cogs.append(cog)
        loops[:] = [asyncio.get_running_loop()]
        initialise(cog, *arguments, **options)

    setattr(Reactions, "__init__", remember)  # noqa: B010 - so that its outcomes can be read

    def counts() -> dict[str, int]:
        return {str(outcome): number for cog in cogs for outcome, number in list(cog.outcomes.items())}

    return counts, lambda: run(["run"])


def _empty(loops: list[asyncio.AbstractEventLoop], intents: int) -> tuple[Counts, Callable[[], object]]:
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

    return lambda: dict(outcomes), lambda: client.run(os.environ["DISCORD_TOKEN"], log_handler=None)


def _tell(loops: list[asyncio.AbstractEventLoop], counts: Counts) -> None:
    """Answer each line of standard input; by a thread of its own, so that the bot need not."""
    main_thread = time.pthread_getcpuclockid(threading.main_thread().ident or 0)
    for _ in sys.stdin:
        told = {
            "outcomes": counts(),
            "main_thread": time.clock_gettime(main_thread),
            "process": time.process_time(),
            "tasks": sum(len(asyncio.all_tasks(loop)) for loop in loops),
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
