"""The measurements of a cluster, each of which is a few rows of the table; they go by the same processes in turn."""

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
from benchmarks.load.rows import PATIENCE, Quantiles, Search, latency
from benchmarks.load.servers import RESTS_FOR, memory
from bot.store import Store

SETTLING = 20.0
"""Seconds after which a process that is not done with all messages never will be."""

TOLERANCE = 1.2
"""The greatest rate that was kept up with and the least that was not differ by less than this factor."""

_STATISTICS = 11.0  # seconds after which PostgreSQL has counted what a connection did that rests now
_LOOKS_EVERY = 0.002  # seconds
_ANSWERED_WITHIN = 3.0  # seconds, as Discord has it
_REDRAWN = 7  # the answer that changes the panel, and not one that says what failed
_KNOWN_WITHIN = 120.0  # seconds; what a process does not know by then it never will
_REGISTERED_WITHIN = 300.0  # seconds, in which many servers are asked before
_SAVES = 10
_SAVES_EVERY = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Start:
    """All processes, started at the same time.

    Attributes:
        served: when each process served all its servers.
        identifies: sessions that were begun.
        hasty: those of them that Discord refused since they came too soon.
        syncs: how often the commands were registered.
        purges: how often a process has begun to erase what is due.
    """

    served: list[Started]
    identifies: int
    hasty: int
    syncs: int
    purges: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that are resident.

    Attributes:
        processes: of each process.
        base: of a process in a single server.
        connections: of all processes to the database, while nothing happens.
    """

    processes: list[int]
    base: int
    connections: int


@dataclass(frozen=True, slots=True)
class Load:
    """All processes under load.

    Attributes:
        rate: messages a second that were written.
        unheard, dropped: messages that no process has handled, and those that one could not read in time.
        latency: of the reactions.
        processor: seconds of processor time a message, of all processes together.
        refused: requests that Discord refused with 429.
        commits: transactions of the database a second.
        rows: rows that were inserted or updated a second.
        connections: to the database, at most.
    """

    rate: float
    unheard: int
    dropped: int
    latency: Quantiles
    processor: float
    refused: int
    commits: float
    rows: float
    connections: int


@dataclass(frozen=True, slots=True)
class Saves:
    """What somebody changes in `/settings`.

    Attributes:
        answered: median of the seconds after which they see it.
        everywhere: median of the seconds after which each process knows it.
        after_restart: seconds from the restart of PostgreSQL until something can be saved and each process knows it.
    """

    answered: float
    everywhere: float
    after_restart: float


@dataclass(frozen=True, slots=True)
class Kill:
    """One process killed under load, and started again.

    Attributes:
        alone, beside: the latency in the servers of all others before, and from then on.
        unheard, dropped: messages in their servers that were not handled, and that were not read in time.
        reconnects: their shards that have connected again.
        first_reaction: seconds from the new start to the first reaction in the servers of the killed process.
        served: when it served all of them.
    """

    alone: Quantiles
    beside: Quantiles
    unheard: int
    dropped: int
    reconnects: int
    first_reaction: float
    served: Started


@dataclass(frozen=True, slots=True)
class Rolling:
    """One process after the other ended and started again, under load.

    Attributes:
        away: seconds for which the servers of each process were not served.
        saved: what people have changed in `/settings` meanwhile, and were told that it is saved.
        lost: how many of those changes a process or the database does not know in the end.
        doubled: messages with more than one reaction.
    """

    away: list[float]
    saved: int
    lost: int
    doubled: int


async def start(cluster: Cluster) -> Start:
    """Start all processes at the same time, after ending those that run."""
    await cluster.end(*cluster.bots)
    gateway, database = cluster.discord.gateway, cluster.database
    identifies, hasty, syncs = gateway.identified, gateway.early_identifies, _syncs(cluster.discord)
    purges = await database.rows_changed("jobs")
    served = await cluster.start(*range(cluster.plan.processes))
    await _registered(cluster.discord)
    await asyncio.sleep(_STATISTICS)
    return Start(
        list(served.values()),
        gateway.identified - identifies,
        gateway.early_identifies - hasty,
        _syncs(cluster.discord) - syncs,
        await database.rows_changed("jobs") - purges,
    )


async def resident(cluster: Cluster) -> Memory:
    """Return what the processes take while nothing happens, beside one in a single server."""
    await asyncio.sleep(RESTS_FOR)
    processes = [bot.memory() for bot in cluster.bots.values()]
    return Memory(processes, await memory("full", 1), await cluster.database.connections())


async def load(cluster: Cluster, rate: float, seconds: float) -> Load:
    """Return how the processes do at a rate of messages; half of the seconds before are not measured."""
    async with cluster.load(rate):
        await asyncio.sleep(seconds / 2)
    await asyncio.sleep(_STATISTICS)
    loop, database, refused = asyncio.get_running_loop(), cluster.database, _refused(cluster.discord)
    before, commits, rows = await cluster.progress(), await database.commits(), await database.rows_changed()
    began, most = loop.time(), 0
    async with cluster.load(rate) as written:
        while loop.time() < began + seconds:
            most = max(most, await database.connections())
            await asyncio.sleep(0.5)
    lasted = loop.time() - began
    done = await cluster.settled(before, written, SETTLING)
    messages = sum(map(len, written.values()))
    await asyncio.sleep(_STATISTICS)
    return Load(
        messages / lasted,
        messages - sum(each.handled for each in done.values()),
        sum(each.dropped for each in done.values()),
        latency(cluster.discord, itertools.chain.from_iterable(written.values())),
        sum(each.process for each in done.values()) / messages,
        _refused(cluster.discord) - refused,
        (await database.commits() - commits) / (loop.time() - began),
        (await database.rows_changed() - rows) / lasted,
        most,
    )


async def most_messages(cluster: Cluster, seconds: float, first: float) -> float:
    """Return the most messages a second that all processes together keep up with, and drop none."""
    search = Search(first, TOLERANCE)
    while not search.over:
        search.note(kept_up=await _keeps_up(cluster, search.rate, seconds))
    return search.most


async def saves(cluster: Cluster, server: PostgresServer) -> Saves:
    """Return how soon a change of settings is everywhere, and how soon that is so again after PostgreSQL was away."""
    loop, processes = asyncio.get_running_loop(), range(cluster.plan.processes)
    answered, everywhere = [], []
    for number in range(_SAVES):
        place = cluster.plan.servers_of(number % len(processes))[-1 - number]
        began = loop.time()
        saving = asyncio.create_task(_switch_off(cluster.discord, place))
        saving.add_done_callback(lambda _, began=began: answered.append(loop.time() - began))  # type: ignore[misc] # it cannot infer `began`
        await _known_everywhere(cluster, place)
        everywhere.append(loop.time() - began)
        await saving
    await server.stop()
    await server.start()
    began = loop.time()
    for place in cluster.plan.servers_of(0):
        if await _switch_off(cluster.discord, place):
            await _known_everywhere(cluster, place)
            break
    return Saves(statistics.median(answered), statistics.median(everywhere), loop.time() - began)


async def kill(cluster: Cluster, rate: float, seconds: float, victim: int = 1) -> Kill:
    """Kill a process under load, start it again two seconds later, and look at the others."""
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
    done = await cluster.settled(before, written, SETTLING)
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


async def rolling(cluster: Cluster, rate: float) -> Rolling:
    """End and start one process after the other under load, while people change settings."""
    loop, away = asyncio.get_running_loop(), []
    async with cluster.load(rate), _saving(cluster) as saved:
        for process in range(cluster.plan.processes):
            began = loop.time()
            await cluster.end(process)
            await cluster.start(process)
            away.append(loop.time() - began)
            await asyncio.sleep(2 * _SAVES_EVERY)
    await asyncio.sleep(1)
    reactions = Counter(reaction.message_id for reaction in cluster.discord.routes.reactions)
    return Rolling(away, len(saved), await _lost(cluster, saved), sum(number > 1 for number in reactions.values()))


async def _keeps_up(cluster: Cluster, rate: float, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    before, began = await cluster.progress(), loop.time()
    async with cluster.load(rate) as written:
        await asyncio.sleep(seconds)
    # Where they did not take the messages out of the sockets as fast, fewer were written, or it took longer.
    in_time = sum(map(len, written.values())) >= rate * seconds / 1.05 and loop.time() - began <= seconds + PATIENCE
    done = await cluster.settled(before, written, PATIENCE)
    kept_up = all(each.handled == len(written[process]) and not each.dropped for process, each in done.items())
    if not kept_up:
        await cluster.settled(before, written, SETTLING)
    return in_time and kept_up


async def _switch_off(discord: LoopbackDiscord, server: int) -> bool:
    """Let somebody switch reactions off in `/settings`; return whether they see that it is saved."""
    opened = await discord.slash("settings", server * CHANNELS - 1)
    if not await _answered(opened):
        return False
    pressed = await discord.press("settings:enabled:off", opened)
    return await _answered(pressed) == _REDRAWN


async def _answered(interaction: Interaction) -> int:
    """Return the type of the answer to what somebody did; 0 if there is none in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _ANSWERED_WITHIN
    while loop.time() < end:
        if interaction.callback:
            kind: int = interaction.callback["type"]
            return kind
        await asyncio.sleep(_LOOKS_EVERY)
    return 0


async def _known_everywhere(cluster: Cluster, server: int) -> None:
    """Wait until each process knows that reactions are switched off in a server."""

    async def known(process: int) -> None:
        while True:
            [settings] = (await cluster.bots[process].settings(server << 22)).values()
            if not settings.enabled:
                return
            await asyncio.sleep(_LOOKS_EVERY)

    async with asyncio.timeout(_KNOWN_WITHIN):
        await asyncio.gather(*map(known, cluster.bots))


@asynccontextmanager
async def _saving(cluster: Cluster) -> AsyncIterator[Sequence[int]]:
    """Let people switch reactions off in one server after the other; yield those servers where they see it is saved."""
    saved: list[int] = []
    over = asyncio.Event()

    async def save() -> None:
        for server in range(1, cluster.plan.servers + 1):
            if over.is_set():
                return
            if await _switch_off(cluster.discord, server):
                saved.append(server)
            await asyncio.sleep(_SAVES_EVERY)

    saving = asyncio.create_task(save())
    try:
        yield saved
    finally:
        over.set()
        await saving


async def _lost(cluster: Cluster, saved: Sequence[int]) -> int:
    """Return in how many servers some process or the database does not know that reactions are switched off."""
    store = Store(cluster.database_url)
    await store.refresh()
    lost = {server for server in saved if store.settings(server << 22).enabled}
    await store.close()
    for bot in cluster.bots.values():
        known = await bot.settings(*(server << 22 for server in saved))
        lost |= {guild_id >> 22 for guild_id, settings in known.items() if settings.enabled}
    return len(lost)


async def _registered(discord: LoopbackDiscord) -> None:
    """Wait until the commands are registered, which the very first start does while the bot serves already."""
    async with asyncio.timeout(_REGISTERED_WITHIN), discord.routes.registration:
        await discord.routes.registration.wait_for(lambda: discord.offers("settings"))


def _syncs(discord: LoopbackDiscord) -> int:
    return sum(asked.method == "PUT" and asked.path.endswith("/commands") for asked in discord.api.requests)


def _refused(discord: LoopbackDiscord) -> int:
    return sum(asked.status == 429 for asked in discord.api.requests)
