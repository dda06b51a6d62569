"""Restart the bot's process as a service manager would, and measure it from outside."""

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

RESTART_DELAY = 2.0
"""Seconds after which a bot that exited is restarted, unless its status was `CONFIGURATION_ERROR`."""

CONFIGURATION_ERROR = 2
"""The bot's exit status when a person must change something before it can run."""

_EXIT_TIMEOUT = 60.0  # seconds


class Size(NamedTuple):
    """The resources that a process uses.

    Attributes:
        memory: resident bytes.
        tasks: of its event loop.
        threads, files: of the process; files include sockets.
    """

    memory: int
    tasks: int
    threads: int
    files: int


class Supervisor:
    """Starts the whole bot, and restarts it when it exits.

    Attributes:
        log: the lines of the bot's log, of all its processes.
        exits: the exit status of each process, in order.
        starts: how many processes were started.
    """

    def __init__(self, discord: LoopbackDiscord, folder: Path, variables: Mapping[str, str]) -> None:
        """Start nothing yet.

        Args:
            discord: the Discord that the bot connects to.
            folder: its working directory.
            variables: its settings except those about Discord, as environment variables.
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
        """Keep the bot running during the block."""
        self.start()
        keeping = asyncio.create_task(self._keep_running())
        try:
            yield
        finally:
            self._wanted.clear()
            self.send(signal.SIGKILL)
            keeping.cancel()
            await asyncio.wait([keeping])

    @property
    def pid(self) -> int | None:
        """The process id, or None while no process runs."""
        return self._bot.process.pid if self._bot and self._bot.process.returncode is None else None

    def start(self) -> None:
        """Start the bot, or let it be restarted, as a person does who has fixed something."""
        self._wanted.set()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self._bot and self.pid is not None:
            self._bot.process.send_signal(number)

    async def set_clock(self, ahead: float) -> None:
        """Set how many seconds ahead the process sees this computer's clock, if it runs."""
        with suppress(RuntimeError):  # it is just exiting
            if self._bot and self.pid is not None:
                await self._bot.set_clock(ahead)

    async def stop(self) -> None:
        """Stop the bot, and wait until it has; it is not restarted before `start`.

        Raises:
            TimeoutError: it does not stop.
        """
        self._wanted.clear()
        self.send(signal.SIGTERM)
        await self.wait_for_exit()

    async def wait_for_exit(self) -> None:
        """Wait until the process has exited.

        Raises:
            TimeoutError: it does not exit.
        """
        await asyncio.wait_for(self._ended.wait(), _EXIT_TIMEOUT)

    async def readiness_problem(self) -> str:
        """Return why /readyz says that the bot is not ready, or an empty string if it is."""
        answer = await self._get("readyz")
        return "" if answer == "ok\n" else answer or "it does not answer"

    async def metrics(self) -> dict[str, float]:
        """Return the values in /metrics, by name and the values of the labels; empty if there is no answer."""
        families = text_string_to_metric_families(await self._get("metrics"))
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in families
            for sample in family.samples
        }

    async def size(self) -> Size:
        """Return the resources that the process uses, which must be running."""
        assert self._bot  # noqa: S101 - the caller's duty, as the docstring says
        seen = psutil.Process(self._bot.process.pid)
        tasks = (await self._bot.progress()).tasks
        return Size(self._bot.memory(), tasks, seen.num_threads(), seen.num_fds())

    async def _keep_running(self) -> None:
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
            if process.returncode == CONFIGURATION_ERROR:
                self._wanted.clear()
            await asyncio.sleep(RESTART_DELAY if self._wanted.is_set() else 0)

    async def _get(self, path: str) -> str:
        """Return the bot's answer to an HTTP request, or an empty string if there is none."""
        timeout = aiohttp.ClientTimeout(5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self._port}/{path}") as answer,
            ):
                return await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return ""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
