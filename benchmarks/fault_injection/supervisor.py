"""Keeps the bot's process alive as a service manager would, and looks at it from outside."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.gateway import LoopbackDiscord
from benchmarks.load.process import BotProcess, launch

RESTARTS_AFTER = 2.0
"""Seconds after which a bot is started again that has ended, unless with the status that asks a person for help."""

NEEDS_HELP = 2
"""The status with which the bot ends if somebody has to change something first."""

_ENDS_WITHIN = 60.0


class Size(NamedTuple):
    """What a process takes.

    Attributes:
        memory: resident bytes.
        tasks: of its event loop.
        threads, files: of the process; sockets are among the files.
    """

    memory: int
    tasks: int
    threads: int
    files: int


class Keeper:
    """Starts the whole bot, and starts it again when it ends.

    Attributes:
        log: the lines of its log, of all processes.
        exits: the statuses with which processes have ended, in order.
        starts: how many processes were started.
    """

    def __init__(self, discord: LoopbackDiscord, folder: Path, variables: Mapping[str, str]) -> None:
        """Start nothing yet.

        Args:
            discord: where the bot is.
            folder: where it runs.
            variables: its settings beside those about Discord, as environment variables.
        """
        self.log: list[str] = []
        self.exits: list[int] = []
        self.starts = 0
        self._discord = discord
        self._folder = folder
        self._port = _free_port()
        self._variables = {
            **variables,
            "EMOBOT_LOG_FORMAT": "json",
            "EMOBOT_HEALTH_PORT": str(self._port),
        }
        self._wanted = asyncio.Event()
        self._ended = asyncio.Event()
        self._bot: BotProcess | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the bot running as long as the context lasts."""
        self.start()
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            self._wanted.clear()
            self.send(signal.SIGKILL)
            keeping.cancel()
            await asyncio.wait([keeping])

    @property
    def pid(self) -> int | None:
        """The id of the process, None if there is none now."""
        return self._bot.process.pid if self._bot and self._bot.process.returncode is None else None

    def start(self) -> None:
        """Let the bot be started, as whoever has mended something does."""
        self._wanted.set()

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, if there is one."""
        if self._bot and self.pid is not None:
            self._bot.process.send_signal(number)

    async def set_clock(self, ahead: float) -> None:
        """Let this computer's clock be so many seconds ahead for the process, if there is one."""
        with suppress(RuntimeError):  # it is just ending
            if self._bot and self.pid is not None:
                await self._bot.set_clock(ahead)

    async def stop(self) -> None:
        """Tell the bot to stop, and wait until it has; it is not started again before `start`.

        Raises:
            TimeoutError: it does not stop.
        """
        self._wanted.clear()
        self.send(signal.SIGTERM)
        await self.ended()

    async def ended(self) -> None:
        """Wait until the process has ended.

        Raises:
            TimeoutError: it does not end.
        """
        await asyncio.wait_for(self._ended.wait(), _ENDS_WITHIN)

    async def why_not_ready(self) -> str:
        """Return what /readyz says is not in order, nothing if all is."""
        answer = await self._ask("readyz")
        return "" if answer == "ok\n" else answer or "it does not answer"

    async def metrics(self) -> dict[str, float]:
        """Return what /metrics says, by names with the values of their labels behind them; nothing without a bot."""
        families = text_string_to_metric_families(await self._ask("metrics"))
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in families
            for sample in family.samples
        }

    async def size(self) -> Size:
        """Return what the process takes."""
        assert self._bot  # noqa: S101 - whoever asks has seen it
        seen = psutil.Process(self._bot.process.pid)
        tasks = (await self._bot.progress()).tasks
        return Size(self._bot.memory(), tasks, seen.num_threads(), seen.num_fds())

    async def _keep(self) -> None:
        while True:
            await self._wanted.wait()
            self._ended.clear()
            self._bot = await launch(
                "full", self._discord, self._folder, self._variables, stderr=asyncio.subprocess.PIPE
            )
            self.starts += 1
            process = self._bot.process
            assert process.stderr  # noqa: S101 - it is piped
            async for line in process.stderr:
                self.log.append(line.decode(errors="replace").rstrip("\n"))
            self.exits.append(await process.wait())
            self._ended.set()
            if process.returncode == NEEDS_HELP:
                self._wanted.clear()
            await asyncio.sleep(RESTARTS_AFTER if self._wanted.is_set() else 0)

    async def _ask(self, what: str) -> str:
        """Return what the bot answers at its port, nothing if it does not."""
        timeout = aiohttp.ClientTimeout(5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self._port}/{what}") as answer,
            ):
                return await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return ""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
