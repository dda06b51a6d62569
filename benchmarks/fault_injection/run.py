"""Run the bot while people write messages and one fault after another is injected."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.fault_injection import invariants
from benchmarks.fault_injection.databases import Database
from benchmarks.fault_injection.faults import COUNTS_AT_RISK, Fault, System, draw_faults, lost_before
from benchmarks.fault_injection.invariants import Refusals, Written
from benchmarks.fault_injection.supervisor import Size, Supervisor
from benchmarks.gateway import ALICE, BOB, LoopbackDiscord, World
from benchmarks.gateway.world import User
from bot.reactions.pace import WAITING_PER_WEIGHT
from bot.reactions.policy import is_understood
from bot.server_settings import ServerSettings
from bot.store import Store
from bot.store.url import parse_database_url
from classifiers import PRETRAINED, load_models
from classifiers.training.datasets import load_dataset

SERVERS, CHANNELS = 20, 10

RECOVERY_TIMEOUT = 180.0
"""Seconds after a fault within which the bot must react again; its pauses after such short faults are shorter."""

IDLE_TIMEOUT = 120.0
"""Seconds without messages after which the bot must be idle; it refreshes its database once a minute."""

_OPTED_OUT, _SWITCHED_OFF = 0.1, 0.05  # shares of the messages
_COMMANDS = 0.02  # commands per message
_EDITED, _DELETED = 0.06, 0.04  # shares of the messages
_CHANGE_DELAY = 0.1, 4.0  # seconds after which a message is edited or deleted, at least and at most
_POLL_INTERVAL = 0.25  # seconds
_IDLE_CHECKS = 6  # how many checks in a row must find the bot idle
_LEAD_TIME = 3.0  # seconds for which people write before a fault
_DEVIATIONS = 4.0  # standard deviations of sampling that are allowed


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The faults that are injected into a bot under load.

    Attributes:
        faults: the faults to choose from.
        seconds: how long to inject faults.
        seed: the seed of the random choices.
        rate: messages a second.
        shards: the number of the bot's shards.
    """

    faults: Sequence[Fault]
    seconds: float
    seed: int = 0
    rate: float = 20.0
    shards: int = 1


@dataclass(frozen=True, slots=True)
class FaultResult:
    """The effect of one fault, or of two at once, on the bot.

    Attributes:
        faults: the names of the faults.
        ended_at: when they were over, in UTC as in the bot's log.
        recovered_after: seconds from then until the bot reacted to a newer message, or None if it did not.
        written: messages since the last faults that should be counted.
        lost: how many of them were not counted.
        may_be_lost: how many may be lost because of the faults.
        sampling_error: how far sampling may have changed the counts.
        size: the resources of the idle process, or None if it did not become idle.
        broken: the promises that were broken, one sentence each.
    """

    faults: Sequence[str]
    ended_at: datetime
    recovered_after: float | None
    written: int
    lost: int
    may_be_lost: int
    sampling_error: float
    size: Size | None
    broken: Sequence[str]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run.

    Attributes:
        results: of the faults, in order.
        written, edited, deleted: how many messages were written, and how many of them edited and deleted.
        reacted, counted: how many messages got a reaction, and how many are in the mood counts.
        refusals: how often requests were refused.
        starts: how many processes were started.
        log: the lines of the bot's log.
        broken: all promises that were broken, one sentence each.
    """

    results: Sequence[FaultResult]
    written: int
    edited: int
    deleted: int
    reacted: int
    counted: int
    refusals: Refusals
    starts: int
    log: Sequence[str]
    broken: Sequence[str]


class People:
    """People who write messages at a constant rate in random channels, and edit or delete some of them.

    Attributes:
        written: all messages, by id.
    """

    def __init__(self, discord: LoopbackDiscord, texts: Sequence[str], rate: float, chance: random.Random) -> None:
        self.written: dict[int, Written] = {}
        self._discord = discord
        self._texts = texts
        self._rate = rate
        self._random = chance
        self._pending_changes: list[tuple[float, int, User, bool]] = []  # time, message, author, whether to delete it

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Let people write during the block."""
        stop = asyncio.Event()
        writing = asyncio.create_task(self._write(stop))
        try:
            yield
        finally:
            stop.set()
            await writing

    def wanted(self, since: float, until: float) -> int:
        """Return how many messages written in this period should be counted."""
        return sum(since <= each.at < until for each in self._counted())

    def written_or_edited(self, since: float, until: float) -> int:
        """Return how many messages that should be counted were written or edited in this period."""
        return sum(since <= each.at < until or since <= (each.edited_at or 0) < until for each in self._counted())

    def deleted(self, since: float, until: float) -> int:
        """Return how many counted messages were deleted in this period."""
        return sum(each.wanted and since <= (each.deleted_at or 0) < until for each in self.written.values())

    def edited_or_deleted(self, since: float, until: float) -> int:
        """Return how many counted messages were edited or deleted in this period."""
        return sum(
            each.wanted and any(since <= (moment or 0) < until for moment in (each.edited_at, each.deleted_at))
            for each in self.written.values()
        )

    def _counted(self) -> Iterator[Written]:
        return (each for each in self.written.values() if each.wanted and each.deleted_at is None)

    async def _write(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            at, chance = loop.time(), self._random.random()
            off = chance >= 1 - _SWITCHED_OFF
            author = BOB if chance < _OPTED_OUT else ALICE
            channels = range(CHANNELS) if off else range(CHANNELS, SERVERS * CHANNELS)
            text, channel = self._random.choice(self._texts), self._random.choice(channels)
            if self._random.random() < _COMMANDS:
                await self._use_command(text, channel)
            message_id = await self._discord.say(text, channel, author=author)
            self.written[message_id] = Written(at, wanted=not off and author is not BOB)
            self._plan_change(message_id, author)
            await self._apply_changes()
            await asyncio.sleep(max(at + 1 / self._rate - loop.time(), 0))
        self._pending_changes.clear()

    def _plan_change(self, message_id: int, author: User) -> None:
        """Decide at random whether the author will edit or delete a message."""
        chance = self._random.random()
        if chance < _EDITED + _DELETED:
            at = self.written[message_id].at + self._random.uniform(*_CHANGE_DELAY)
            heapq.heappush(self._pending_changes, (at, message_id, author, chance < _DELETED))

    async def _apply_changes(self) -> None:
        """Edit and delete the messages that are due."""
        while self._pending_changes and self._pending_changes[0][0] <= _now():
            _, message_id, author, deleted = heapq.heappop(self._pending_changes)
            if deleted:
                self.written[message_id].deleted_at = _now()
                await self._discord.delete(message_id)
            else:
                self.written[message_id].edited_at = _now()
                await self._discord.edit(message_id, self._random.choice(self._texts), author=author)

    async def _use_command(self, text: str, channel: int) -> None:
        """Use a random command, without waiting for an answer, which may never come."""
        command = self._random.choice(("about", "compare", "mood", "privacy", "settings"))
        if not self._discord.offers(command, channel):
            return
        if command == "compare":
            await self._discord.slash(command, channel, text=text)
        else:
            await self._discord.slash(command, channel)


class ChaosRun:
    """Injects one fault after another, and checks the bot after each.

    Attributes:
        people: who write meanwhile.
    """

    def __init__(self, system: System, people: People) -> None:
        self.people = people
        self._system = system
        self._first: dict[int, Size] = {}  # resources when first idle, by the process's number
        self._since = 0.0
        self._counted = 0

    async def begin(self) -> None:
        """Wait for the bot to start, and let people write until it reacts."""
        await self._wait_until_idle()
        self._first.clear()  # a process that has not read a message yet is no measure
        async with self.people.writing():
            await self._wait_for_reaction(_now())
            await asyncio.sleep(_LEAD_TIME)
        await self._wait_until_idle()
        self._since, self._counted = _now(), await self._system.database.messages()

    async def inject(self, faults: Sequence[Fault]) -> FaultResult:
        """Inject faults while people write, wait until the bot is idle, and check its promises."""
        async with self.people.writing():
            await asyncio.sleep(_LEAD_TIME)
            start, sessions = _now(), self._sessions()
            await asyncio.gather(*(fault.inject(self._system) for fault in faults))
            over, ended_at = _now(), datetime.now(UTC)
            if any(fault.replays_events for fault in faults):
                await self._wait_for_sessions(sessions)
            replayed = self.people.wanted(start, _now())
            recovered_after = await self._wait_for_reaction(over)
        end = _now()
        broken = [] if recovered_after is not None else [f"the bot did not react again within {RECOVERY_TIMEOUT:.0f} s"]
        size, reasons = await self._wait_until_idle()
        broken += [f"the bot was not idle within {IDLE_TIMEOUT:.0f} s: {reason}" for reason in reasons]
        written, counted = self.people.wanted(self._since, end), await self._system.database.messages()
        lost = written - (counted - self._counted)
        unsure_since = start - lost_before(faults)
        unsure_until = end if any(fault.loses_counts for fault in faults) else start
        may_be_lost = self.people.written_or_edited(unsure_since, unsure_until)
        may_be_kept = (
            self.people.edited_or_deleted(start - COUNTS_AT_RISK, end)  # includes changes that are not counted yet
            if any(fault.forgets for fault in faults)
            else self.people.deleted(unsure_since, unsure_until)
        )
        sampling_error = _sampling_error(replayed if any(fault.replays_events for fault in faults) else 0)
        broken += invariants.count_errors(
            lost, may_be_lost=may_be_lost, may_be_kept=may_be_kept, sampling_error=sampling_error
        )
        self._since, self._counted = end, counted
        names = [fault.name for fault in faults]
        return FaultResult(names, ended_at, recovered_after, written, lost, may_be_lost, sampling_error, size, broken)

    async def _wait_for_reaction(self, since: float) -> float | None:
        """Return the seconds until the bot reacts to a message written after `since`, or None if it does not."""
        reactions = self._system.discord.routes.reactions
        earlier = len(reactions)
        while _now() < since + RECOVERY_TIMEOUT:
            for reaction in reactions[earlier:]:
                message = self.people.written.get(reaction.message_id)
                if message and message.at >= since:
                    return _now() - since
            await asyncio.sleep(_POLL_INTERVAL)
        return None

    def _sessions(self) -> int:
        """Return how often the bot has begun or resumed a session."""
        gateway = self._system.discord.gateway
        return gateway.identified + gateway.resumed

    async def _wait_for_sessions(self, sessions: int) -> None:
        """Wait until each shard has begun or resumed a session once more, or until `RECOVERY_TIMEOUT`."""
        until = _now() + RECOVERY_TIMEOUT
        while True:
            await asyncio.sleep(_POLL_INTERVAL)
            if self._sessions() >= sessions + self._system.discord.gateway.shards or _now() > until:
                return

    async def _wait_until_idle(self) -> tuple[Size | None, list[str]]:
        """Wait until the bot is idle and uses no more resources than when it was first idle.

        Returns:
            The resources of the process, or None if it is not ready; and the reasons why it is not idle, if any.
        """
        until, idle_checks = _now() + IDLE_TIMEOUT, 0
        while True:
            await asyncio.sleep(_POLL_INTERVAL)
            size, reasons = await self._check_idle()
            idle_checks = 0 if reasons else idle_checks + 1
            if idle_checks == _IDLE_CHECKS and size:
                self._first.setdefault(self._system.supervisor.starts, size)
            if idle_checks == _IDLE_CHECKS or _now() > until:
                return size, reasons

    async def _check_idle(self) -> tuple[Size | None, list[str]]:
        """Return the resources of the process, if it is ready, and the reasons why it is not idle."""
        supervisor = self._system.supervisor
        if reason := await supervisor.readiness_problem() or _busy(await supervisor.metrics()):
            return None, [reason]
        size = await supervisor.size()
        return size, invariants.resource_leaks(self._first.get(supervisor.starts, size), size)


async def run_faults(
    folder: Path, database: Database, plan: FaultPlan, report_result: Callable[[FaultResult], None]
) -> Report:
    """Run a bot, inject random faults for some seconds, and return the results.

    Args:
        folder: an empty folder, for the bot.
        database: the bot's database.
        plan: the faults, and how long to inject them.
        report_result: called with the result of each fault.
    """
    chance = random.Random(plan.seed)  # noqa: S311 - not for a secret
    discord = LoopbackDiscord(World(servers=SERVERS, channels=CHANNELS), shards=plan.shards)
    texts, models = _texts(), folder / "models"
    shutil.copytree(PRETRAINED, models)
    await _fill(database, discord.world.guild_ids()[0])
    supervisor = Supervisor(discord, folder, {"DATABASE_URL": database.url, "EMOBOT_MODELS": str(models)})
    people = People(discord, texts, plan.rate, random.Random(plan.seed))  # noqa: S311 - not for a secret
    results: list[FaultResult] = []
    async with discord.running(), supervisor.running():
        run = ChaosRun(System(discord, supervisor, models, database, chance), people)
        await run.begin()
        end = _now() + plan.seconds
        while not results or _now() < end:
            results.append(await run.inject(draw_faults(plan.faults, chance)))
            report_result(results[-1])
        await supervisor.stop()
    reactions, refusals = discord.routes.reactions, invariants.refusals(discord.api.requests)
    broken = [
        *(sentence for result in results for sentence in result.broken),
        *invariants.double_reactions(reactions, discord.routes.removed, people.written),
        *invariants.unwanted_reactions(reactions, people.written),
        *invariants.refusal_problems(refusals),
        *invariants.log_problems(supervisor.log, texts),
    ]
    if supervisor.exits[-1]:
        broken.append(f"the bot exited with status {supervisor.exits[-1]} when it was told to stop")
    reacted = len({reaction.message_id for reaction in reactions})
    counted = await database.messages()
    edited = sum(each.edited_at is not None for each in people.written.values())
    deleted = sum(each.deleted_at is not None for each in people.written.values())
    written = len(people.written)
    return Report(
        results, written, edited, deleted, reacted, counted, refusals, supervisor.starts, supervisor.log, broken
    )


def _texts() -> list[str]:
    """Return texts from our own chat set whose emotion the bot recognises, so that it counts each of them."""
    texts = load_dataset("chat").dev.texts
    return [
        text
        for text, prediction in zip(texts, load_models()["bilstm"].predict(texts), strict=True)
        if is_understood(prediction)
    ]


async def _fill(database: Database, switched_off: int) -> None:
    """Create the tables, opt bob out, and switch the bot off in a server."""
    store = Store(parse_database_url(database.url).render_as_string(hide_password=False))
    await store.refresh()
    await store.opt_out(BOB.id)
    await store.save_settings(switched_off, ServerSettings(enabled=False))
    await store.close()


def _busy(metrics: Mapping[str, float]) -> str:
    """Return the metrics that show that the bot is busy, or an empty string if it is idle."""
    busy = [
        name
        for name in ("emobot_texts_waiting", "emobot_requests_waiting", "emobot_remembered moods")
        if metrics.get(name)
    ]
    return ", ".join(busy)


def _sampling_error(messages: int) -> float:
    """Return how far sampling may change the counts if the bot receives this many messages at once.

    A message that counts for n messages is read with a probability of 1/n, so its count has a variance of n - 1.
    """
    return _DEVIATIONS * math.sqrt(sum(waiting // WAITING_PER_WEIGHT for waiting in range(messages)))


def _now() -> float:
    return asyncio.get_running_loop().time()
