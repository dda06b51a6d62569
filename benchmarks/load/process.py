"""Start a bot in its own process, and measure it from outside."""

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
"""The outcomes of messages that the bot could not read in time."""

_ROOT = Path(__file__).parents[2]
_POLL_INTERVAL = 0.02  # seconds
_EXIT_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a bot so far.

    Attributes:
        outcomes: how many messages had each outcome.
        main_thread, process: seconds of CPU time of its main thread, and of all its threads.
        tasks: how many tasks its event loop has.
        servers: how many servers it knows; only the full bot reports this.
    """

    outcomes: Counter[str]
    main_thread: float
    process: float
    tasks: int
    servers: int = 0

    def since(self, before: Progress) -> Progress:
        """Return what it has done since an earlier progress."""
        return Progress(
            self.outcomes - before.outcomes,
            self.main_thread - before.main_thread,
            self.process - before.process,
            self.tasks,
            self.servers,
        )

    @property
    def handled(self) -> int:
        """The number of messages that it has finished with."""
        return self.outcomes.total()

    @property
    def dropped(self) -> int:
        """The number of messages that it could not read in time."""
        return sum(self.outcomes[outcome] for outcome in DROPPED)


class BotProcess:
    """A bot in its own process, connected to the loopback Discord.

    Attributes:
        process: the process; its standard error may be a pipe.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._psutil = psutil.Process(process.pid)
        self._query_lock = asyncio.Lock()

    async def progress(self) -> Progress:
        """Return what it has done so far.

        Raises:
            RuntimeError: it has exited; its standard error says why.
        """
        status = await self._query()
        times = status["main_thread"], status["process"]
        return Progress(Counter(status["outcomes"]), *times, status["tasks"], status.get("servers", 0))

    async def settings(self, *guild_ids: int) -> dict[int, ServerSettings]:
        """Return the settings of servers as the full bot knows them.

        Raises:
            RuntimeError: it has exited.
        """
        settings = (await self._query(*guild_ids))["settings"]
        return {int(guild_id): ServerSettings.from_json(text) for guild_id, text in settings.items()}

    async def set_clock(self, ahead: float) -> None:
        """Set how many seconds ahead the bot sees this computer's clock; a negative number sets it behind.

        Raises:
            RuntimeError: it has exited.
        """
        await self._query(f"ahead={ahead}")

    async def end(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal unless the process has exited, wait until it has, and kill it if it does not.

        Raises:
            TimeoutError: it had to be killed.
        """
        if self.process.returncode is None:
            self.process.send_signal(by)
        try:
            await asyncio.wait_for(self.process.wait(), _EXIT_TIMEOUT)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise

    async def _query(self, *words: object) -> dict[str, Any]:
        assert self.process.stdin  # noqa: S101 - a pipe, like stdout
        assert self.process.stdout  # noqa: S101 - as above
        async with self._query_lock:
            self.process.stdin.write(f"{' '.join(map(str, words))}\n".encode())
            line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the bot has exited")
        status: dict[str, Any] = json.loads(line)
        return status

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        rss: int = self._psutil.memory_info().rss
        return rss

    def waited_for_a_core(self) -> float:
        """Return the seconds for which its main thread has waited for a CPU core; 0 if the system does not say."""
        with suppress(FileNotFoundError):
            return int(Path(f"/proc/{self.process.pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
        return 0.0

    async def wait_until_done(self, messages: int, within: float) -> Progress:
        """Wait until it has finished with this many messages since its start, or time is up; return its progress."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            progress = await self.progress()
            if progress.handled >= messages or loop.time() >= end:
                return progress
            await asyncio.sleep(_POLL_INTERVAL)


async def launch(
    which: str,
    discord: LoopbackDiscord,
    folder: Path,
    variables: Mapping[str, str] | None = None,
    *,
    stderr: int | None = None,
) -> BotProcess:
    """Start the `full` or the `empty` bot, without waiting until it is connected.

    Args:
        which: the bot.
        discord: the Discord that it connects to.
        folder: its working directory, with its database unless `variables` name another.
        variables: further settings, as environment variables.
        stderr: its standard error, in the terms of `subprocess`; None to share that of this process.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load.instrumented_bot", which, str(INTENTS.value)),
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
async def run_bot(which: str, discord: LoopbackDiscord) -> AsyncIterator[BotProcess]:
    """Start the `full` or the `empty` bot, wait until it knows all servers, and stop it after the block."""
    earlier = discord.gateway.events["GUILD_CREATE"]
    with tempfile.TemporaryDirectory() as folder:
        bot = await launch(which, discord, Path(folder), {"EMOBOT_LOG_LEVEL": "ERROR"})
        try:
            # Until then, it does not know the channel of a message and must not react there.
            while discord.gateway.events["GUILD_CREATE"] < earlier + discord.world.servers:
                await bot.progress()  # raises if it has exited
                await asyncio.sleep(_POLL_INTERVAL)
            yield bot
        finally:
            await bot.end()
