"""Measure a bot under load; each measurement makes one or more rows of the table."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.gateway import LoopbackDiscord, World
from benchmarks.load.process import BotProcess, Progress, run_bot
from benchmarks.load.stream import Stream

SERVERS, CHANNELS = 20, 10
"""The number of servers, and of channels in each."""

WARM_UP = 2.0
"""Seconds for which people write before a bot is measured."""

LONG_WARM_UP = 15.0
"""Seconds of warm-up before a flood, and before a busy channel is compared with quiet ones.

Without it, the pauses after the first reactions would end in all channels at once, and the measured latency would be
mostly that of the bot's own limit on requests.
"""

RAMP_UP = 12.0
"""Seconds within which people begin to write in one channel after another, before latency is measured.

This is a little longer than the pause after a reaction. If they began in all channels at once, the pauses would end at
the same time, even after a step from 50 to 400 messages a second. Then more than 50 reactions might fall into one
second, which is more than Discord allows; on average there are 18.
"""

INITIAL_RATE = 50.0
"""Messages a second during the warm-up."""

LEAD_TIME = 5.0
"""Seconds at the measured rate before the measurement begins: at first, no pause after a reaction is running."""

FINISH_TIMEOUT = 1.0
"""Seconds after the last message within which a bot must have finished with all messages to count as keeping up."""

TOLERANCE = 1.1
"""A search ends when a rate that the bot kept up with and one that it did not differ by less than this factor."""

_SETTLE_TIMEOUT = 20.0  # seconds to wait for a bot to finish with all messages
_ALL_CHANNELS = range(SERVERS * CHANNELS)
_RAMP_STEPS = 20


class Latency(NamedTuple):
    """Seconds from messages to the requests for reactions: the number of reactions, the median and 99th percentile."""

    reactions: int
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU time per message: of the main thread, and of the whole process."""

    main_thread: float
    process: float


@dataclass(frozen=True, slots=True)
class Flood:
    """A bot that gets more messages than it can read.

    Attributes:
        rate: messages a second that were written.
        dropped: the share of them that the bot could not read in time.
        latency: of its reactions.
        memory: the growth of its resident memory in bytes.
    """

    rate: float
    dropped: float
    latency: Latency
    memory: int


@dataclass(frozen=True, slots=True)
class BusyChannel:
    """A busy channel at the same time as quiet ones.

    Attributes:
        reactions_per_second: in the busy channel.
        oldest: the most seconds from a message there to the request for a reaction.
        alone, beside: the latency in the quiet channels before, and at the same time as, the busy channel.
    """

    reactions_per_second: float
    oldest: float
    alone: Latency
    beside: Latency


class RateSearch:
    """A search for the most messages a second that a bot keeps up with.

    Attributes:
        rate: the rate to try next.
        most: the highest rate so far that the bot kept up with, or 0.
    """

    def __init__(self, first: float, tolerance: float = TOLERANCE) -> None:
        """Start with a rate; `tolerance` is described at `TOLERANCE`."""
        self.rate = first
        self.most = 0.0
        self._too_high: float | None = None
        self._tolerance = tolerance

    @property
    def finished(self) -> bool:
        """Whether the highest rate is known within the tolerance."""
        return self._too_high is not None and self._too_high <= self._tolerance * max(self.most, 1.0)

    def record(self, *, kept_up: bool) -> None:
        """Record whether the bot kept up with `rate`, and choose the next rate."""
        if kept_up:
            self.most = self.rate
        else:
            self._too_high = self.rate
        if self._too_high is None:
            self.rate = 2 * self.most
        elif self.most:
            self.rate = (self.most * self._too_high) ** 0.5
        else:
            self.rate = self._too_high / 2


class Bench:
    """A bot in its own loopback Discord."""

    def __init__(self, discord: LoopbackDiscord, bot: BotProcess) -> None:
        self.discord = discord
        self.bot = bot
        self.stream = Stream(discord)

    async def wait_until_done(self, within: float = _SETTLE_TIMEOUT) -> Progress:
        """Wait until the bot has finished with all messages, or time is up; return its progress."""
        return await self.bot.wait_until_done(self.stream.written, within)

    def latency(self, messages: Iterable[int]) -> Latency:
        """Return the latency of the reactions to these messages."""
        return latency(self.discord, messages)


def latency(discord: LoopbackDiscord, messages: Iterable[int]) -> Latency:
    """Return the latency of the reactions to these messages."""
    sent, wanted = discord.routes.messages, set(messages)
    seconds = sorted(
        reaction.at - sent[reaction.message_id].at
        for reaction in discord.routes.reactions
        if reaction.message_id in wanted
    )
    if len(seconds) < 2:
        return Latency(len(seconds), *(seconds or [float("nan")]) * 2)
    return Latency(len(seconds), statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1])


@asynccontextmanager
async def bench(which: str, warm_up: float = WARM_UP) -> AsyncIterator[Bench]:
    """Start the `full` or the `empty` bot in its own loopback Discord, and let people write during the warm-up."""
    discord = LoopbackDiscord(World(servers=SERVERS, channels=CHANNELS))
    async with discord.running(), run_bot(which, discord) as bot:
        running = Bench(discord, bot)
        await running.stream.write(INITIAL_RATE, warm_up, _ALL_CHANNELS)
        await running.wait_until_done()
        yield running


async def keeps_up(which: str, rate: float, seconds: float) -> bool:
    """Return whether a new bot handles messages at this rate, drops none, and finishes soon after the last."""
    async with bench(which) as running:
        loop = asyncio.get_running_loop()
        before, start = await running.bot.progress(), loop.time()
        await running.stream.write(rate, seconds, _ALL_CHANNELS)
        if loop.time() - start > seconds + FINISH_TIMEOUT:  # it read them from its socket too slowly
            return False
        progress = await running.wait_until_done(FINISH_TIMEOUT)
        return progress.handled == running.stream.written and not progress.since(before).dropped


async def find_highest_rates(seconds: float, first: float = 200.0) -> dict[str, float]:
    """Return the most messages a second that the full and the empty bot keep up with, trying both in turn."""
    searches = {name: RateSearch(first) for name in ("full", "empty")}
    while searched := [name for name, search in searches.items() if not search.finished]:
        for name in searched:
            search = searches[name]
            search.record(kept_up=await keeps_up(name, search.rate, seconds))
    return {name: search.most for name, search in searches.items()}


async def measure_cost(rate: float, seconds: float, rounds: int) -> dict[str, Cost]:
    """Return the cost of a message for the full and the empty bot, measured in turn; medians of the rounds."""
    costs: dict[str, list[Cost]] = {"full": [], "empty": []}
    async with AsyncExitStack() as stack:
        benches = {name: await stack.enter_async_context(bench(name)) for name in costs}
        for _ in range(rounds):
            for name, running in benches.items():
                before = await running.bot.progress()
                await running.stream.write(rate, seconds, _ALL_CHANNELS)
                spent = (await running.wait_until_done()).since(before)
                costs[name].append(Cost(spent.main_thread / spent.handled, spent.process / spent.handled))
    return {
        name: Cost(
            statistics.median(each.main_thread for each in found), statistics.median(each.process for each in found)
        )
        for name, found in costs.items()
    }


async def measure_flood(rate: float, seconds: float) -> Flood:
    """Measure a bot that gets messages faster than it can read them."""
    async with bench("full", LONG_WARM_UP) as running:
        loop, resident = asyncio.get_running_loop(), running.bot.memory()
        await running.stream.write(rate, LEAD_TIME, _ALL_CHANNELS)
        before, start, already = await running.bot.progress(), loop.time(), running.stream.written
        messages = await running.stream.write(rate, seconds, _ALL_CHANNELS)
        written_in = loop.time() - start
        done = (await running.wait_until_done()).since(before)
        unfinished = already - before.handled  # these are among the ones that are finished now
        return Flood(
            len(messages) / written_in,
            done.dropped / (len(messages) + unfinished),
            running.latency(messages),
            running.bot.memory() - resident,
        )


async def measure_latencies(rates: Sequence[float], seconds: float, *, abruptly: bool = False) -> dict[float, Latency]:
    """Return the latency of reactions at each rate.

    Args:
        rates: messages a second.
        seconds: for which each rate is measured.
        abruptly: whether people begin to write in all channels at once, so that the pauses after reactions end at the
            same time, instead of in one channel after another.
    """
    found = {}
    for rate in rates:
        async with bench("full", LONG_WARM_UP if abruptly else WARM_UP) as running:
            if not abruptly:
                await ramp_up(running.stream, rate)
            await running.stream.write(rate, LEAD_TIME, _ALL_CHANNELS)
            messages = await running.stream.write(rate, seconds, _ALL_CHANNELS)
            await running.wait_until_done()
            found[rate] = running.latency(messages)
    return found


async def ramp_up(stream: Stream, rate: float) -> None:
    """Let people begin to write in one channel after another, until they write at this rate in all channels."""
    for step in range(1, _RAMP_STEPS + 1):
        channels = _ALL_CHANNELS[: len(_ALL_CHANNELS) * step // _RAMP_STEPS]
        await stream.write(rate * step / _RAMP_STEPS, RAMP_UP / _RAMP_STEPS, channels)


async def measure_memory(rate: float, first: int, last: int) -> tuple[int, int]:
    """Return the resident memory in bytes after the message with the number `first`, and after `last`."""
    async with bench("full") as running:
        sizes = []
        for messages in (first, last):
            await running.stream.write(rate, (messages - running.stream.written) / rate, _ALL_CHANNELS)
            await running.wait_until_done()
            sizes.append(running.bot.memory())
    return sizes[0], sizes[1]


async def measure_busy_channel(seconds: float, busy_rate: float = 100.0, quiet_rate: float = 8.0) -> BusyChannel:
    """Measure a busy channel and a hundred quiet ones at the same time."""
    quiet = range(1, 101)
    async with bench("full", LONG_WARM_UP) as running:
        alone = await running.stream.write(quiet_rate, seconds, quiet)
        await running.wait_until_done()
        busy_messages, beside = await asyncio.gather(
            running.stream.write(busy_rate, seconds, range(1)), running.stream.write(quiet_rate, seconds, quiet)
        )
        await running.wait_until_done()
        sent, wanted = running.discord.routes.messages, set(busy_messages)
        ages = [
            reaction.at - sent[reaction.message_id].at
            for reaction in running.discord.routes.reactions
            if reaction.message_id in wanted
        ]
        return BusyChannel(
            len(ages) / seconds, max(ages, default=float("nan")), running.latency(alone), running.latency(beside)
        )
