"""Measure a cluster; each measurement makes a few rows of the table, and all use the same processes in turn."""

from __future__ import annotations

import asyncio
import itertools
import signal
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.fault_injection.postgres import PostgresServer
from benchmarks.gateway import LoopbackDiscord
from benchmarks.gateway.communities import CHANNELS
from benchmarks.gateway.rest import Interaction
from benchmarks.load.cluster import Cluster, Started
from benchmarks.load.measurements import FINISH_TIMEOUT, Latency, RateSearch, latency
from benchmarks.load.servers import SETTLING_TIME, measure_server_memory
from bot.store import Store

SETTLE_TIMEOUT = 20.0
"""Seconds to wait for processes to finish with all messages."""

TOLERANCE = 1.2
"""The tolerance of the search for the highest rate, see `benchmarks.load.measurements.TOLERANCE`."""

_STATISTICS_DELAY = 11.0  # seconds until PostgreSQL's statistics include the work of a connection that is now idle
_POLL_INTERVAL = 0.002  # seconds
_ANSWER_TIMEOUT = 3.0  # seconds that Discord waits for an answer
_UPDATE_MESSAGE = 7  # the type of the answer that redraws the panel, rather than reporting an error
_PROPAGATION_TIMEOUT = 120.0  # seconds until all processes must know a change
_REGISTRATION_TIMEOUT = 300.0  # seconds; long, because requests about many servers come first
_CHANGES = 10
_SAVE_INTERVAL = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Start:
    """The start of all processes at the same time.

    Attributes:
        served: how long each process took until it knew all its servers.
        identifies: how many sessions were begun.
        early: how many sessions Discord refused because they were begun too soon after another.
        syncs: how often the commands were registered.
        purges: how often a process began to erase expired data.
    """

    served: list[Started]
    identifies: int
    early: int
    syncs: int
    purges: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in bytes, and database connections.

    Attributes:
        processes: the memory of each process.
        base: the memory of a process in a single server.
        connections: of all processes to the database, while idle.
    """

    processes: list[int]
    base: int
    connections: int


@dataclass(frozen=True, slots=True)
class Load:
    """All processes under load.

    Attributes:
        rate: messages a second that were written.
        unhandled, dropped: messages that no process handled, and that were not read in time.
        latency: of the reactions.
        processor: seconds of CPU time per message, of all processes together.
        refused: requests that Discord refused with 429.
        commits: database transactions a second.
        rows: rows inserted or updated a second.
        connections: the most connections to the database.
    """

    rate: float
    unhandled: int
    dropped: int
    latency: Latency
    processor: float
    refused: int
    commits: float
    rows: float
    connections: int


@dataclass(frozen=True, slots=True)
class Saves:
    """Changes that people make in `/settings`.

    Attributes:
        answered: median of the seconds until the panel shows a change.
        everywhere: median of the seconds until all processes know a change.
        after_restart: seconds from a restart of PostgreSQL until a change can be saved and all processes know it.
    """

    answered: float
    everywhere: float
    after_restart: float


@dataclass(frozen=True, slots=True)
class Kill:
    """One process killed under load, and started again.

    Attributes:
        alone, beside: the latency in the other processes' servers before the kill, and after it.
        unhandled, dropped: messages in the other processes' servers that were not handled, and not read in time.
        reconnects: how many shards of the other processes reconnected.
        first_reaction: seconds from the new start until the first reaction in the process's servers.
        served: how long the new start took.
    """

    alone: Latency
    beside: Latency
    unhandled: int
    dropped: int
    reconnects: int
    first_reaction: float
    served: Started


@dataclass(frozen=True, slots=True)
class Rolling:
    """A rolling restart under load: one process after another is stopped and started.

    Attributes:
        away: the seconds for which each process was away.
        saved: how many changes in `/settings` were confirmed as saved meanwhile.
        lost: how many of those changes some process or the database does not know in the end.
        doubled: messages with more than one reaction.
    """

    away: list[float]
    saved: int
    lost: int
    doubled: int


async def measure_start(cluster: Cluster) -> Start:
    """Start all processes at the same time, after stopping those that run."""
    await cluster.end(*cluster.bots)
    gateway, database = cluster.discord.gateway, cluster.database
    identifies, early, syncs = gateway.identified, gateway.early_identifies, _count_registrations(cluster.discord)
    purges = await database.rows_changed("jobs")
    served = await cluster.start(*range(cluster.plan.processes))
    await _wait_for_registration(cluster.discord)
    await asyncio.sleep(_STATISTICS_DELAY)
    return Start(
        list(served.values()),
        gateway.identified - identifies,
        gateway.early_identifies - early,
        _count_registrations(cluster.discord) - syncs,
        await database.rows_changed("jobs") - purges,
    )


async def measure_memory(cluster: Cluster) -> Memory:
    """Measure the memory and the database connections of the idle processes."""
    await asyncio.sleep(SETTLING_TIME)
    processes = [bot.memory() for bot in cluster.bots.values()]
    return Memory(processes, await measure_server_memory("full", 1), await cluster.database.connections())


async def measure_load(cluster: Cluster, rate: float, seconds: float) -> Load:
    """Measure the processes at a rate of messages, after a warm-up of half as long."""
    async with cluster.load(rate):
        await asyncio.sleep(seconds / 2)
    await asyncio.sleep(_STATISTICS_DELAY)
    loop, database, refused = asyncio.get_running_loop(), cluster.database, _count_refused(cluster.discord)
    before, commits, rows = await cluster.progress(), await database.commits(), await database.rows_changed()
    began, most = loop.time(), 0
    async with cluster.load(rate) as written:
        while loop.time() < began + seconds:
            most = max(most, await database.connections())
            await asyncio.sleep(0.5)
    lasted = loop.time() - began
    done = await cluster.wait_until_done(before, written, SETTLE_TIMEOUT)
    messages = sum(map(len, written.values()))
    await asyncio.sleep(_STATISTICS_DELAY)
    return Load(
        messages / lasted,
        messages - sum(each.handled for each in done.values()),
        sum(each.dropped for each in done.values()),
        latency(cluster.discord, itertools.chain.from_iterable(written.values())),
        sum(each.process for each in done.values()) / messages,
        _count_refused(cluster.discord) - refused,
        (await database.commits() - commits) / (loop.time() - began),
        (await database.rows_changed() - rows) / lasted,
        most,
    )


async def find_highest_rate(cluster: Cluster, seconds: float, first: float) -> float:
    """Return the most messages a second that all processes together keep up with, without dropping any."""
    search = RateSearch(first, TOLERANCE)
    while not search.finished:
        search.record(kept_up=await _keeps_up(cluster, search.rate, seconds))
    return search.most


async def measure_saves(cluster: Cluster, server: PostgresServer) -> Saves:
    """Measure how soon all processes know a change of settings, also after a restart of PostgreSQL."""
    loop, processes = asyncio.get_running_loop(), range(cluster.plan.processes)
    answered, everywhere = [], []
    for number in range(_CHANGES):
        place = cluster.plan.servers_of(number % len(processes))[-1 - number]
        began = loop.time()
        saving = asyncio.create_task(_switch_off(cluster.discord, place))
        saving.add_done_callback(lambda _, began=began: answered.append(loop.time() - began))  # type: ignore[misc] # it cannot infer `began`
        await _wait_until_known(cluster, place)
        everywhere.append(loop.time() - began)
        await saving
    await server.stop()
    await server.start()
    began = loop.time()
    for place in cluster.plan.servers_of(0):
        if await _switch_off(cluster.discord, place):
            await _wait_until_known(cluster, place)
            break
    return Saves(statistics.median(answered), statistics.median(everywhere), loop.time() - began)


async def measure_kill(cluster: Cluster, rate: float, seconds: float, victim: int = 1) -> Kill:
    """Kill a process under load, start it again two seconds later, and measure the others."""
    loop, discord = asyncio.get_running_loop(), cluster.discord
    before = await cluster.progress()
    del before[victim]
    async with cluster.load(rate) as written:
        await asyncio.sleep(seconds)
        earlier = {process: len(messages) for process, messages in written.items()}
        sessions = discord.gateway.identified + discord.gateway.resumed
        await cluster.end(victim, by=signal.SIGKILL)
        await asyncio.sleep(2)
        began = loop.time()
        [served] = (await cluster.start(victim)).values()
        await asyncio.sleep(seconds)
    done = await cluster.wait_until_done(before, written, SETTLE_TIMEOUT)
    again = {message_id for message_id in written[victim] if discord.routes.messages[message_id].at > began}
    reactions = (reaction.at - began for reaction in discord.routes.reactions if reaction.message_id in again)
    first = min(reactions, default=float("nan"))
    others = {process: messages for process, messages in written.items() if process != victim}
    return Kill(
        latency(discord, (each for process, messages in others.items() for each in messages[: earlier[process]])),
        latency(discord, (each for process, messages in others.items() for each in messages[earlier[process] :])),
        sum(len(messages) - done[process].handled for process, messages in others.items()),
        sum(done[process].dropped for process in others),
        discord.gateway.identified + discord.gateway.resumed - sessions - len(cluster.plan.shards_of(victim)),
        first,
        served,
    )


async def measure_rolling_restart(cluster: Cluster, rate: float) -> Rolling:
    """Stop and start one process after another under load, while people change settings."""
    loop, away = asyncio.get_running_loop(), []
    async with cluster.load(rate), _saving(cluster) as saved:
        for process in range(cluster.plan.processes):
            began = loop.time()
            await cluster.end(process)
            await cluster.start(process)
            away.append(loop.time() - began)
            await asyncio.sleep(2 * _SAVE_INTERVAL)
    await asyncio.sleep(1)
    reactions = Counter(reaction.message_id for reaction in cluster.discord.routes.reactions)
    return Rolling(
        away, len(saved), await _count_lost_settings(cluster, saved), sum(number > 1 for number in reactions.values())
    )


async def _keeps_up(cluster: Cluster, rate: float, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    before, began = await cluster.progress(), loop.time()
    async with cluster.load(rate) as written:
        await asyncio.sleep(seconds)
    # If the processes read from their sockets too slowly, fewer messages were written, or it took longer.
    in_time = (
        sum(map(len, written.values())) >= rate * seconds / 1.05 and loop.time() - began <= seconds + FINISH_TIMEOUT
    )
    done = await cluster.wait_until_done(before, written, FINISH_TIMEOUT)
    kept_up = all(each.handled == len(written[process]) and not each.dropped for process, each in done.items())
    if not kept_up:
        await cluster.wait_until_done(before, written, SETTLE_TIMEOUT)
    return in_time and kept_up


async def _switch_off(discord: LoopbackDiscord, server: int) -> bool:
    """Switch reactions off in `/settings` as a user; return whether the panel shows that it is saved."""
    opened = await discord.slash("settings", server * CHANNELS - 1)
    if not await _wait_for_answer(opened):
        return False
    pressed = await discord.press("settings:enabled:off", opened)
    return await _wait_for_answer(pressed) == _UPDATE_MESSAGE


async def _wait_for_answer(interaction: Interaction) -> int:
    """Return the type of the bot's answer to an interaction, or 0 if there is none in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _ANSWER_TIMEOUT
    while loop.time() < end:
        if interaction.callback:
            kind: int = interaction.callback["type"]
            return kind
        await asyncio.sleep(_POLL_INTERVAL)
    return 0


async def _wait_until_known(cluster: Cluster, server: int) -> None:
    """Wait until each process knows that reactions are switched off in a server."""

    async def known(process: int) -> None:
        while True:
            [settings] = (await cluster.bots[process].settings(server << 22)).values()
            if not settings.enabled:
                return
            await asyncio.sleep(_POLL_INTERVAL)

    async with asyncio.timeout(_PROPAGATION_TIMEOUT):
        await asyncio.gather(*map(known, cluster.bots))


@asynccontextmanager
async def _saving(cluster: Cluster) -> AsyncIterator[Sequence[int]]:
    """Switch reactions off in one server after another during the block; yield the servers where that is confirmed."""
    saved: list[int] = []
    stop = asyncio.Event()

    async def save() -> None:
        for server in range(1, cluster.plan.servers + 1):
            if stop.is_set():
                return
            if await _switch_off(cluster.discord, server):
                saved.append(server)
            await asyncio.sleep(_SAVE_INTERVAL)

    saving = asyncio.create_task(save())
    try:
        yield saved
    finally:
        stop.set()
        await saving


async def _count_lost_settings(cluster: Cluster, saved: Sequence[int]) -> int:
    """Return for how many servers some process or the database does not know that reactions are switched off."""
    store = Store(cluster.database_url)
    await store.refresh()
    lost = {server for server in saved if store.settings(server << 22).enabled}
    await store.close()
    for bot in cluster.bots.values():
        known = await bot.settings(*(server << 22 for server in saved))
        lost |= {guild_id >> 22 for guild_id, settings in known.items() if settings.enabled}
    return len(lost)


async def _wait_for_registration(discord: LoopbackDiscord) -> None:
    """Wait until the commands are registered; after the very first start, the bot does this in the background."""
    async with asyncio.timeout(_REGISTRATION_TIMEOUT), discord.routes.registration:
        await discord.routes.registration.wait_for(lambda: discord.offers("settings"))


def _count_registrations(discord: LoopbackDiscord) -> int:
    return sum(request.method == "PUT" and request.path.endswith("/commands") for request in discord.api.requests)


def _count_refused(discord: LoopbackDiscord) -> int:
    return sum(request.status == 429 for request in discord.api.requests)
