"""Run a bot in several processes on this machine, which share a loopback Discord and a PostgreSQL database."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.fault_injection.postgres import PostgresServer, postgres
from benchmarks.gateway import LoopbackDiscord
from benchmarks.gateway.communities import CHANNELS, Communities
from benchmarks.load.process import BotProcess, Progress, launch
from benchmarks.load.stream import Stream

_POLL_INTERVAL = 0.1  # seconds
_START_TIMEOUT = 600.0  # seconds until a process must know its servers


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a cluster; with n processes, each has every n-th shard, and so every n-th server.

    Attributes:
        servers, shards, processes: how many there are; the shards are a multiple of the processes.
        max_concurrency: how many sessions may begin at once.
    """

    servers: int
    shards: int
    processes: int
    max_concurrency: int

    def error(self) -> str | None:
        """Return why such a cluster is impossible, in one sentence, or None if it is possible."""
        if min(self.servers, self.shards, self.processes, self.max_concurrency) < 1:
            return "there must be at least one server, shard, process and session at once"
        if self.shards % self.processes:
            return f"{self.shards} shards cannot be shared equally by {self.processes} processes"
        if self.servers <= 10 * self.processes:
            return f"{self.processes} processes need more than {10 * self.processes} servers"
        return None

    def shards_of(self, process: int) -> range:
        """Return the numbers of the shards of a process."""
        return range(process, self.shards, self.processes)

    def servers_of(self, process: int) -> range:
        """Return the numbers of the servers of a process; the first server has the number 1."""
        return range(process or self.processes, self.servers + 1, self.processes)

    def channels_of(self, process: int) -> range:
        """Return the last channel of each server of a process, as numbers of the world's places."""
        servers = self.servers_of(process)
        return range(servers.start * CHANNELS - 1, self.servers * CHANNELS, servers.step * CHANNELS)


class Started(NamedTuple):
    """The time until a process knew all its servers.

    Attributes:
        seconds: in all.
        waited: for how many of them it waited for a CPU core that other programs used.
        processor: its CPU time.
    """

    seconds: float
    waited: float
    processor: float


class Cluster:
    """The processes of a bot; each can be stopped and started while the others run.

    Attributes:
        plan: the size of the cluster.
        discord: the Discord that the processes connect to.
        database_url: of their database.
        database: statistics of their database.
        bots: the running processes, by number.
        streams: the messages in the servers of each process.
    """

    def __init__(self, plan: Plan, discord: LoopbackDiscord, database_url: str, folder: Path) -> None:
        """Start with no process.

        Args:
            plan: the size of the cluster.
            discord: the Discord that the processes connect to.
            database_url: of their database.
            folder: their working directory.
        """
        self.plan = plan
        self.discord = discord
        self.database_url = database_url
        self.database = Database(database_url)
        self.bots: dict[int, BotProcess] = {}
        self.streams = {process: Stream(discord) for process in range(plan.processes)}
        self._folder = folder

    async def start(self, *processes: int) -> dict[int, Started]:
        """Start processes at the same time; return how long each took until it knew all its servers."""
        return dict(zip(processes, await asyncio.gather(*map(self._start, processes)), strict=True))

    async def end(self, *processes: int, by: signal.Signals = signal.SIGTERM) -> None:
        """Stop processes with a signal, and wait until they have exited."""
        await asyncio.gather(*(self.bots.pop(process).end(by) for process in processes))

    async def progress(self) -> dict[int, Progress]:
        """Return what each process has done so far."""
        return {process: await bot.progress() for process, bot in self.bots.items()}

    async def wait_until_done(
        self, before: dict[int, Progress], written: dict[int, Sequence[int]], within: float
    ) -> dict[int, Progress]:
        """Wait until processes have finished with all messages, or time is up; return what they have done since.

        Args:
            before: the earlier progress of each process.
            written: the messages written since then in the servers of each process.
            within: seconds.
        """
        ends = await asyncio.gather(
            *(
                self.bots[process].wait_until_done(progress.handled + len(written[process]), within)
                for process, progress in before.items()
            )
        )
        return {process: end.since(before[process]) for process, end in zip(before, ends, strict=True)}

    @asynccontextmanager
    async def load(self, rate: float) -> AsyncIterator[dict[int, Sequence[int]]]:
        """Write messages in the servers of all processes during the block, at this rate in all.

        Each process has its own stream of messages, so that a process which reads none does not delay the others.

        Yields:
            The ids of the messages, by the process of the server; the lists grow during the block.
        """
        written: dict[int, list[int]] = {process: [] for process in self.streams}
        stop = asyncio.Event()

        async def write(process: int) -> None:
            stream, channels = self.streams[process], self.plan.channels_of(process)
            async for message_id in stream.messages(rate / len(self.streams), channels):
                written[process].append(message_id)
                if stop.is_set():
                    return

        writing = asyncio.gather(*map(write, self.streams))
        try:
            yield dict(written)
        finally:
            stop.set()
            await writing

    async def close(self) -> None:
        """Stop all processes."""
        await self.end(*self.bots)
        await self.database.close()

    async def _start(self, process: int) -> Started:
        plan, loop = self.plan, asyncio.get_running_loop()
        began = loop.time()
        variables = {
            "DATABASE_URL": self.database_url,
            "SHARD_COUNT": str(plan.shards),
            "SHARD_IDS": ",".join(map(str, plan.shards_of(process))),
            "EMOBOT_LOG_LEVEL": "ERROR",
        }
        bot = self.bots[process] = await launch("full", self.discord, self._folder, variables)
        while (progress := await bot.progress()).servers < len(plan.servers_of(process)):
            if loop.time() - began > _START_TIMEOUT:
                raise RuntimeError(f"Process {process} does not know its servers after ten minutes.")
            await asyncio.sleep(_POLL_INTERVAL)
        return Started(loop.time() - began, bot.waited_for_a_core(), progress.process)


class Database:
    """PostgreSQL's statistics about the bot's database."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url, poolclass=NullPool)

    async def connections(self) -> int:
        """Return how many connections the processes have."""
        return await self._query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    async def rows_changed(self, table: str | None = None) -> int:
        """Return how many rows were inserted or updated so far, in one table or in all, with a delay of seconds."""
        where = f"WHERE relname = '{table}'" if table else ""
        return await self._query(f"SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0) FROM pg_stat_user_tables {where}")  # noqa: S608 - our own tables

    async def commits(self) -> int:
        """Return how many transactions there were so far."""
        return await self._query("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def _query(self, query: str) -> int:
        async with self._engine.connect() as connection:
            return int((await connection.execute(text(query))).scalar_one())


@asynccontextmanager
async def cluster(plan: Plan) -> AsyncIterator[tuple[Cluster, PostgresServer]]:
    """Run a Discord and a database for a cluster, whose processes are not started yet; stop all after the block."""
    discord = LoopbackDiscord(
        Communities(servers=plan.servers), shards=plan.shards, max_concurrency=plan.max_concurrency
    )
    async with postgres() as server, discord.running():
        with TemporaryDirectory() as folder:
            processes = Cluster(plan, discord, server.url, Path(folder))
            try:
                yield processes, server
            finally:
                await processes.close()
