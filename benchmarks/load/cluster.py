"""A bot in several processes on this machine: one loopback Discord, one PostgreSQL, and a share of the shards each."""

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

_LOOKS_EVERY = 0.1  # seconds
_SERVING_WITHIN = 600.0  # seconds; a process that does not know its servers by then never will


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a cluster is; a process serves every `processes`-th shard, and so every `processes`-th server.

    Attributes:
        servers, shards, processes: how many there are; the shards are a multiple of the processes.
        max_concurrency: how many sessions may begin at once.
    """

    servers: int
    shards: int
    processes: int
    max_concurrency: int

    def why_impossible(self) -> str | None:
        """Return in a sentence why there can be no such cluster, None if there can be one."""
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
    """How long it took until a process served all its servers.

    Attributes:
        seconds: in all.
        waited: how many of them it waited for a core, which other programs had.
        processor: its processor time.
    """

    seconds: float
    waited: float
    processor: float


class Cluster:
    """The processes, each of which can be ended and started again while the others go on.

    Attributes:
        plan: how large it is.
        discord: where they are.
        database_url: of their database.
        database: tells what is in it, and what it does.
        bots: the processes that run, by number.
        streams: who writes in the servers of each.
    """

    def __init__(self, plan: Plan, discord: LoopbackDiscord, database_url: str, folder: Path) -> None:
        """Start with no process.

        Args:
            plan: how large it is.
            discord: where the processes are to be.
            database_url: of their database.
            folder: where they run.
        """
        self.plan = plan
        self.discord = discord
        self.database_url = database_url
        self.database = Database(database_url)
        self.bots: dict[int, BotProcess] = {}
        self.streams = {process: Stream(discord) for process in range(plan.processes)}
        self._folder = folder

    async def start(self, *processes: int) -> dict[int, Started]:
        """Start processes at the same time; return when each serves all its servers."""
        return dict(zip(processes, await asyncio.gather(*map(self._start, processes)), strict=True))

    async def end(self, *processes: int, by: signal.Signals = signal.SIGTERM) -> None:
        """End processes by a signal."""
        await asyncio.gather(*(self.bots.pop(process).end(by) for process in processes))

    async def progress(self) -> dict[int, Progress]:
        """Return what each process has done so far."""
        return {process: await bot.progress() for process, bot in self.bots.items()}

    async def settled(
        self, before: dict[int, Progress], written: dict[int, Sequence[int]], within: float
    ) -> dict[int, Progress]:
        """Wait until processes are done with all messages, or the seconds are over; return what they have done since.

        Args:
            before: what each had done before.
            written: the messages that were written in the servers of each since then.
            within: seconds.
        """
        ends = await asyncio.gather(
            *(
                self.bots[process].settled(progress.handled + len(written[process]), within)
                for process, progress in before.items()
            )
        )
        return {process: end.since(before[process]) for process, end in zip(before, ends, strict=True)}

    @asynccontextmanager
    async def load(self, rate: float) -> AsyncIterator[dict[int, Sequence[int]]]:
        """Let people write in the servers of all processes, so many messages a second in all, until the context ends.

        Each process has people of its own, so that one that takes no messages does not hold up the others'.

        Yields:
            The ids of what they have written, by the process of the server, which become more meanwhile.
        """
        written: dict[int, list[int]] = {process: [] for process in self.streams}
        over = asyncio.Event()

        async def write(process: int) -> None:
            stream, channels = self.streams[process], self.plan.channels_of(process)
            async for message_id in stream.messages(rate / len(self.streams), channels):
                written[process].append(message_id)
                if over.is_set():
                    return

        writing = asyncio.gather(*map(write, self.streams))
        try:
            yield dict(written)
        finally:
            over.set()
            await writing

    async def close(self) -> None:
        """End all processes."""
        await self.end(*self.bots)
        await self.database.close()

    async def _start(self, process: int) -> Started:
        plan, loop = self.plan, asyncio.get_running_loop()
        began = loop.time()
        variables = {
            "DATABASE_URL": self.database_url,
            "SHARD_COUNT": str(plan.shards),
            "SHARD_IDS": ",".join(map(str, plan.shards_of(process))),
            "EMOBOT_LOG_LEVEL": "ERROR",  # it has nothing to say but when it has ended
        }
        bot = self.bots[process] = await launch("full", self.discord, self._folder, variables)
        while (progress := await bot.progress()).servers < len(plan.servers_of(process)):
            if loop.time() - began > _SERVING_WITHIN:
                raise RuntimeError(f"Process {process} does not know its servers after ten minutes.")
            await asyncio.sleep(_LOOKS_EVERY)
        return Started(loop.time() - began, bot.waited_for_a_core(), progress.process)


class Database:
    """What PostgreSQL tells of the bot's database."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url, poolclass=NullPool)

    async def connections(self) -> int:
        """Return how many connections the processes have."""
        return await self._ask(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    async def rows_changed(self, table: str | None = None) -> int:
        """Return how many rows were inserted or updated so far, in one table or in all; known after a second or two."""
        where = f"WHERE relname = '{table}'" if table else ""
        return await self._ask(f"SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0) FROM pg_stat_user_tables {where}")  # noqa: S608 - our own tables

    async def commits(self) -> int:
        """Return how many transactions there were so far."""
        return await self._ask("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def _ask(self, query: str) -> int:
        async with self._engine.connect() as connection:
            return int((await connection.execute(text(query))).scalar_one())


@asynccontextmanager
async def cluster(plan: Plan) -> AsyncIterator[tuple[Cluster, PostgresServer]]:
    """Serve a Discord and a database for a cluster whose processes are yet to be started; end them in the end."""
    discord = LoopbackDiscord(
        Communities(servers=plan.servers), shards=plan.shards, max_concurrency=plan.max_concurrency
    )
    async with postgres() as server, discord.running():
        with TemporaryDirectory() as folder:
            made = Cluster(plan, discord, server.url, Path(folder))
            try:
                yield made, server
            finally:
                await made.close()
