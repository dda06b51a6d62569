"""The measurements, each of which is a row of the table or a few of them."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.gateway import LoopbackDiscord, World
from benchmarks.load.process import BotProcess, Progress, started
from benchmarks.load.stream import Stream

SERVERS, CHANNELS = 20, 10
"""How many servers there are, and how many channels each has."""

WARM_UP = 2.0
"""Seconds for which people write before a bot is measured."""

RUN_IN = 15.0
"""The same before a flood, and before a busy channel is compared with quiet ones.

Without it, the pauses after reactions would end in all channels at once, and what is measured would be how long the
bot spreads requests out.
"""

GROWING = 12.0
"""Seconds within which people begin to write in one channel after the other, before latency is measured: a little more
than the pause after a reaction. If they begin in all at once, even the step from 50 to 400 messages a second makes the
pauses end together, and more than 50 reactions may fall into a second, more than Discord allows; on average it is 18.
"""

BEFORE = 50.0
"""Messages a second meanwhile."""

STEP = 5.0
"""Seconds at the rate itself before it is measured: at first, most channels have no pause after a reaction."""

PATIENCE = 1.0
"""Seconds after the last message within which a bot that keeps up is done with all."""

TOLERANCE = 1.1
"""The greatest rate that was kept up with and the least that was not differ by less than this factor."""

_SETTLING = 20.0  # seconds after which a bot that is not done with all messages never will be
_ALL = range(SERVERS * CHANNELS)
_PARTS = 20  # in which the channels are divided while people begin to write there


class Quantiles(NamedTuple):
    """Seconds from a message to the request for a reaction: how many there were, their median and 99th percentile."""

    reactions: int
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time a message: of the main thread, and of the whole process."""

    main_thread: float
    process: float


@dataclass(frozen=True, slots=True)
class Flood:
    """What became of more messages than the bot can read.

    Attributes:
        rate: messages a second that were written.
        dropped: the share of them that it could not read in time.
        latency: of the reactions that it gave.
        memory: bytes that are resident after it and were not before.
    """

    rate: float
    dropped: float
    latency: Quantiles
    memory: int


@dataclass(frozen=True, slots=True)
class Busy:
    """A busy channel beside quiet ones.

    Attributes:
        reactions_per_second: in the busy channel.
        oldest: seconds from a message there to the request for its reaction, at most.
        alone, beside: the latency in the quiet channels without the busy one, and with it.
    """

    reactions_per_second: float
    oldest: float
    alone: Quantiles
    beside: Quantiles


class Search:
    """A search for the most messages a second that something keeps up with.

    Attributes:
        rate: what is to be tried next.
        most: what was kept up with, 0 if nothing was.
    """

    def __init__(self, first: float, tolerance: float = TOLERANCE) -> None:
        """Start with a rate; the search is over when it is known within the tolerance, as a factor."""
        self.rate = first
        self.most = 0.0
        self._least_not: float | None = None
        self._tolerance = tolerance

    @property
    def over(self) -> bool:
        """Whether nothing is left to try."""
        return self._least_not is not None and self._least_not <= self._tolerance * max(self.most, 1.0)

    def note(self, *, kept_up: bool) -> None:
        """Note what became of the rate that was tried."""
        if kept_up:
            self.most = self.rate
        else:
            self._least_not = self.rate
        if self._least_not is None:
            self.rate = 2 * self.most
        elif self.most:
            self.rate = (self.most * self._least_not) ** 0.5
        else:
            self.rate = self._least_not / 2


class Bench:
    """A bot in a loopback Discord of its own."""

    def __init__(self, discord: LoopbackDiscord, bot: BotProcess) -> None:
        self.discord = discord
        self.bot = bot
        self.stream = Stream(discord)

    async def settled(self, within: float = _SETTLING) -> Progress:
        """Wait until the bot is done with all messages, or the seconds are over; return its progress."""
        return await self.bot.settled(self.stream.written, within)

    def latency(self, messages: Iterable[int]) -> Quantiles:
        """Return how long it took from these messages to the requests for reactions to them."""
        return latency(self.discord, messages)


def latency(discord: LoopbackDiscord, messages: Iterable[int]) -> Quantiles:
    """Return how long it took from messages to the requests for reactions to them."""
    sent, wanted = discord.routes.messages, set(messages)
    seconds = sorted(
        reaction.at - sent[reaction.message_id].at
        for reaction in discord.routes.reactions
        if reaction.message_id in wanted
    )
    if len(seconds) < 2:
        return Quantiles(len(seconds), *(seconds or [float("nan")]) * 2)
    return Quantiles(len(seconds), statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1])


@asynccontextmanager
async def bench(which: str, warm_up: float = WARM_UP) -> AsyncIterator[Bench]:
    """Start the `full` or the `empty` bot in a loopback Discord of its own, and let people write for some seconds."""
    discord = LoopbackDiscord(World(servers=SERVERS, channels=CHANNELS))
    async with discord.running(), started(which, discord) as bot:
        running = Bench(discord, bot)
        await running.stream.write(BEFORE, warm_up, _ALL)
        await running.settled()
        yield running


async def keeps_up(which: str, rate: float, seconds: float) -> bool:
    """Return whether a fresh bot takes so many messages a second, drops none, and is done soon after the last."""
    async with bench(which) as running:
        loop = asyncio.get_running_loop()
        before, start = await running.bot.progress(), loop.time()
        await running.stream.write(rate, seconds, _ALL)
        if loop.time() - start > seconds + PATIENCE:  # it did not take them out of the socket as fast
            return False
        progress = await running.settled(PATIENCE)
        return progress.handled == running.stream.written and not progress.since(before).dropped


async def most_messages(seconds: float, first: float = 200.0) -> dict[str, float]:
    """Return the most messages a second that the full and the empty bot keep up with; both are tried in turns."""
    searches = {name: Search(first) for name in ("full", "empty")}
    while searched := [name for name, search in searches.items() if not search.over]:
        for name in searched:
            search = searches[name]
            search.note(kept_up=await keeps_up(name, search.rate, seconds))
    return {name: search.most for name, search in searches.items()}


async def cost(rate: float, seconds: float, rounds: int) -> dict[str, Cost]:
    """Return what a message costs the full and the empty bot, which hear the same in turns; medians of the rounds."""
    costs: dict[str, list[Cost]] = {"full": [], "empty": []}
    async with AsyncExitStack() as stack:
        benches = {name: await stack.enter_async_context(bench(name)) for name in costs}
        for _ in range(rounds):
            for name, running in benches.items():
                before = await running.bot.progress()
                await running.stream.write(rate, seconds, _ALL)
                spent = (await running.settled()).since(before)
                costs[name].append(Cost(spent.main_thread / spent.handled, spent.process / spent.handled))
    return {
        name: Cost(
            statistics.median(each.main_thread for each in found), statistics.median(each.process for each in found)
        )
        for name, found in costs.items()
    }


async def flood(rate: float, seconds: float) -> Flood:
    """Return what becomes of messages that come faster than the bot can read."""
    async with bench("full", RUN_IN) as running:
        loop, resident = asyncio.get_running_loop(), running.bot.memory()
        await running.stream.write(rate, STEP, _ALL)
        before, start, already = await running.bot.progress(), loop.time(), running.stream.written
        messages = await running.stream.write(rate, seconds, _ALL)
        written_in = loop.time() - start
        done = (await running.settled()).since(before)
        missing = already - before.handled  # they are among those that are done now
        return Flood(
            len(messages) / written_in,
            done.dropped / (len(messages) + missing),
            running.latency(messages),
            running.bot.memory() - resident,
        )


async def latencies(rates: Sequence[float], seconds: float, *, abruptly: bool = False) -> dict[float, Quantiles]:
    """Return how long reactions take at some rates of messages.

    Args:
        rates: messages a second.
        seconds: for which each rate is measured.
        abruptly: whether the rate is reached in all channels at the same moment, so that their pauses end together, or
            in one channel after the other.
    """
    found = {}
    for rate in rates:
        async with bench("full", RUN_IN if abruptly else WARM_UP) as running:
            if not abruptly:
                await begin(running.stream, rate)
            await running.stream.write(rate, STEP, _ALL)
            messages = await running.stream.write(rate, seconds, _ALL)
            await running.settled()
            found[rate] = running.latency(messages)
    return found


async def begin(stream: Stream, rate: float) -> None:
    """Let people begin to write in one channel after the other, until they write at a rate in all."""
    for part in range(1, _PARTS + 1):
        await stream.write(rate * part / _PARTS, GROWING / _PARTS, _ALL[: len(_ALL) * part // _PARTS])


async def memory(rate: float, first: int, last: int) -> tuple[int, int]:
    """Return the bytes that are resident after the first and after the last of so many messages."""
    async with bench("full") as running:
        sizes = []
        for messages in (first, last):
            await running.stream.write(rate, (messages - running.stream.written) / rate, _ALL)
            await running.settled()
            sizes.append(running.bot.memory())
    return sizes[0], sizes[1]


async def busy(seconds: float, busy_rate: float = 100.0, quiet_rate: float = 8.0) -> Busy:
    """Return how a busy channel and the quiet ones beside it fare; there are a hundred quiet channels."""
    quiet = range(1, 101)
    async with bench("full", RUN_IN) as running:
        alone = await running.stream.write(quiet_rate, seconds, quiet)
        await running.settled()
        loud, beside = await asyncio.gather(
            running.stream.write(busy_rate, seconds, range(1)), running.stream.write(quiet_rate, seconds, quiet)
        )
        await running.settled()
        sent, wanted = running.discord.routes.messages, set(loud)
        ages = [
            reaction.at - sent[reaction.message_id].at
            for reaction in running.discord.routes.reactions
            if reaction.message_id in wanted
        ]
        return Busy(
            len(ages) / seconds, max(ages, default=float("nan")), running.latency(alone), running.latency(beside)
        )
