"""The process of a bot under load, seen from outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.gateway import LoopbackDiscord
from bot.client import INTENTS
from bot.server_settings import ServerSettings

DROPPED = ("overloaded", "too slow", "stale")
"""Outcomes of messages that the bot could not read in time."""

_ROOT = Path(__file__).parents[2]
_LOOKS_EVERY = 0.02  # seconds
_ENDS_WITHIN = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """What a bot has done so far.

    Attributes:
        outcomes: how many messages had which outcome.
        main_thread, process: seconds of processor time of its main thread, and of all its threads.
        tasks: how many tasks its event loop has now.
        servers: how many it knows of by now; only the full bot tells.
    """

    outcomes: Counter[str]
    main_thread: float
    process: float
    tasks: int
    servers: int = 0

    def since(self, before: Progress) -> Progress:
        """Return what it has done since it had done less."""
        return Progress(
            self.outcomes - before.outcomes,
            self.main_thread - before.main_thread,
            self.process - before.process,
            self.tasks,
            self.servers,
        )

    @property
    def handled(self) -> int:
        """How many messages it is done with."""
        return self.outcomes.total()

    @property
    def dropped(self) -> int:
        """How many messages it could not read in time."""
        return sum(self.outcomes[outcome] for outcome in DROPPED)


class BotProcess:
    """A bot in a process of its own, which is in the loopback Discord.

    Attributes:
        process: the process; its standard error may be piped.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._seen = psutil.Process(process.pid)
        self._asking = asyncio.Lock()

    async def progress(self) -> Progress:
        """Return what it has done so far.

        Raises:
            RuntimeError: it has ended; its standard error says why.
        """
        told = await self._ask()
        times = told["main_thread"], told["process"]
        return Progress(Counter(told["outcomes"]), *times, told["tasks"], told.get("servers", 0))

    async def settings(self, *guild_ids: int) -> dict[int, ServerSettings]:
        """Return the settings of servers as the full bot knows them.

        Raises:
            RuntimeError: it has ended.
        """
        told = (await self._ask(*guild_ids))["settings"]
        return {int(guild_id): ServerSettings.from_json(text) for guild_id, text in told.items()}

    async def set_clock(self, ahead: float) -> None:
        """Let this computer's clock be so many seconds ahead for it, or behind if there are fewer than none.

        Raises:
            RuntimeError: it has ended.
        """
        await self._ask(f"ahead={ahead}")

    async def end(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal unless it has ended, and wait until it has; one that does not end is killed.

        Raises:
            TimeoutError: it did not end.
        """
        if self.process.returncode is None:
            self.process.send_signal(by)
        try:
            await asyncio.wait_for(self.process.wait(), _ENDS_WITHIN)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise

    async def _ask(self, *words: object) -> dict[str, Any]:
        assert self.process.stdin  # noqa: S101 - it is piped, as is stdout
        assert self.process.stdout  # noqa: S101 - as above
        async with self._asking:
            self.process.stdin.write(f"{' '.join(map(str, words))}\n".encode())
            line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the bot has ended")
        told: dict[str, Any] = json.loads(line)
        return told

    def memory(self) -> int:
        """Return the bytes of its memory that are resident."""
        rss: int = self._seen.memory_info().rss
        return rss

    def waited_for_a_core(self) -> float:
        """Return the seconds for which its main thread has waited for a core; 0 where Linux does not tell."""
        with suppress(FileNotFoundError):
            return int(Path(f"/proc/{self.process.pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
        return 0.0

    async def settled(self, messages: int, within: float) -> Progress:
        """Wait until it is done with so many messages since its start, or the seconds are over; return its progress."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            progress = await self.progress()
            if progress.handled >= messages or loop.time() >= end:
                return progress
            await asyncio.sleep(_LOOKS_EVERY)


async def launch(
    which: str,
    discord: LoopbackDiscord,
    folder: Path,
    variables: Mapping[str, str] | None = None,
    *,
    stderr: int | None = None,
) -> BotProcess:
    """Start the `full` or the `empty` bot, and do not wait for what it does.

    Args:
        which: the bot.
        discord: where it is.
        folder: where it runs, and has its database unless it is told of another.
        variables: further settings, as environment variables.
        stderr: where its standard error goes, as `subprocess` has it; None for that of this process.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load.contender", which, str(INTENTS.value)),
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("EMOBOT_")},
            "PYTHONPATH": str(_ROOT),
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_BASE": discord.api_base,
            "DISCORD_GATEWAY_URL": discord.gateway.url,
            **(variables or {}),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )
    return BotProcess(process)


@asynccontextmanager
async def started(which: str, discord: LoopbackDiscord) -> AsyncIterator[BotProcess]:
    """Start the `full` or the `empty` bot and wait until it is in all servers; stop it in the end."""
    told = discord.gateway.events["GUILD_CREATE"]
    with tempfile.TemporaryDirectory() as folder:
        # It has nothing to say but when it has ended.
        bot = await launch(which, discord, Path(folder), {"EMOBOT_LOG_LEVEL": "ERROR"})
        try:
            # Before that, it does not know the channel of a message, and may not react there.
            while discord.gateway.events["GUILD_CREATE"] < told + discord.world.servers:
                await bot.progress()  # raises if it has ended
                await asyncio.sleep(_LOOKS_EVERY)
            yield bot
        finally:
            await bot.end()
