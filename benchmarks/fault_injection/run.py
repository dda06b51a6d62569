"""A run: people write all the time, and one fault comes after the other."""

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
from benchmarks.fault_injection.faults import WRITES_WITHIN, Fault, Scene, drawn, lost_before
from benchmarks.fault_injection.invariants import Refusals, Written
from benchmarks.fault_injection.supervisor import Keeper, Size
from benchmarks.gateway import ALICE, BOB, LoopbackDiscord, World
from benchmarks.gateway.world import User
from bot.reactions.pace import WAITING_EACH
from bot.reactions.policy import is_understood
from bot.server_settings import ServerSettings
from bot.store import Store
from bot.store.url import parse_database_url
from classifiers import PRETRAINED, load_models
from classifiers.training.datasets import load_dataset

SERVERS, CHANNELS = 20, 10

BACK_WITHIN = 180.0
"""Seconds after a fault within which the bot has to react again: by then the longest pauses of a run are over."""

RESTS_WITHIN = 120.0
"""Seconds of silence within which the bot has to be at rest; it looks after its database once a minute."""

_OPTED_OUT, _SWITCHED_OFF = 0.1, 0.05  # shares of the messages
_COMMANDS = 0.02  # for each message
_EDITED, _DELETED = 0.06, 0.04  # shares of the messages
_THOUGHT_BETTER = 0.1, 4.0  # seconds after which that is done
_LOOKS_EVERY = 0.25  # seconds
_RESTS = 6  # how often in a row a bot has nothing to do that is at rest
_BEFORE = 3.0  # seconds in which people write before a fault
_DEVIATIONS = 4.0  # standard deviations by which sampling may be wrong


@dataclass(frozen=True, slots=True)
class Passed:
    """Faults that befell the bot together, and what became of it.

    Attributes:
        faults: their names.
        over: when they were over, in UTC as in the bot's log.
        back_after: seconds from their end until the bot reacted to what was written after it, None if it did not.
        written: messages since the last faults that should be counted.
        lost: how many of them were not counted.
        may_be_lost: how many of them might be lost.
        off_by: how far sampling may have taken the counts from the truth.
        size: what the process took at rest, None if it did not come to rest.
        broken: what does not hold.
    """

    faults: Sequence[str]
    over: datetime
    back_after: float | None
    written: int
    lost: int
    may_be_lost: int
    off_by: float
    size: Size | None
    broken: Sequence[str]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a run.

    Attributes:
        passed: the faults, in order.
        written, edited, deleted: messages in all, and those that were edited or deleted by whoever wrote them.
        reacted, counted: messages with a reaction, and those in the counts of moods.
        refusals: how many requests were refused.
        starts: how many processes there were.
        log: the lines of the bot's log.
        broken: what does not hold, of each fault and of the whole run.
    """

    passed: Sequence[Passed]
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
    """Who write all the time, at a rate, here and there, and think better of some messages.

    Attributes:
        written: all messages, by id.
    """

    def __init__(self, discord: LoopbackDiscord, texts: Sequence[str], rate: float, chance: random.Random) -> None:
        self.written: dict[int, Written] = {}
        self._discord = discord
        self._texts = texts
        self._rate = rate
        self._random = chance
        self._regretted: list[tuple[float, int, User, bool]] = []  # when, the message, by whom, whether it is deleted

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Let them write as long as the context lasts."""
        enough = asyncio.Event()
        writing = asyncio.create_task(self._write(enough))
        try:
            yield
        finally:
            enough.set()
            await writing

    def wanted(self, since: float, until: float) -> int:
        """Return how many messages of a time count for the mood."""
        return sum(since <= each.at < until for each in self._counted())

    def touched(self, since: float, until: float) -> int:
        """Return how many messages that count for the mood were written or edited in a time."""
        return sum(since <= each.at < until or since <= (each.edited_at or 0) < until for each in self._counted())

    def deleted(self, since: float, until: float) -> int:
        """Return how many messages that counted for the mood were deleted in a time."""
        return sum(each.wanted and since <= (each.deleted_at or 0) < until for each in self.written.values())

    def regretted(self, since: float, until: float) -> int:
        """Return how many messages that counted for the mood were edited or deleted in a time."""
        return sum(
            each.wanted and any(since <= (moment or 0) < until for moment in (each.edited_at, each.deleted_at))
            for each in self.written.values()
        )

    def _counted(self) -> Iterator[Written]:
        return (each for each in self.written.values() if each.wanted and each.deleted_at is None)

    async def _write(self, enough: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not enough.is_set():
            at, chance = loop.time(), self._random.random()
            off = chance >= 1 - _SWITCHED_OFF
            author = BOB if chance < _OPTED_OUT else ALICE
            channels = range(CHANNELS) if off else range(CHANNELS, SERVERS * CHANNELS)
            text, channel = self._random.choice(self._texts), self._random.choice(channels)
            if self._random.random() < _COMMANDS:
                await self._use_command(text, channel)
            message_id = await self._discord.say(text, channel, author=author)
            self.written[message_id] = Written(at, wanted=not off and author is not BOB)
            self._regret(message_id, author)
            await self._change_minds()
            await asyncio.sleep(max(at + 1 / self._rate - loop.time(), 0))
        self._regretted.clear()

    def _regret(self, message_id: int, author: User) -> None:
        """Let the author of a message perhaps edit or delete it later."""
        chance = self._random.random()
        if chance < _EDITED + _DELETED:
            at = self.written[message_id].at + self._random.uniform(*_THOUGHT_BETTER)
            heapq.heappush(self._regretted, (at, message_id, author, chance < _DELETED))

    async def _change_minds(self) -> None:
        """Edit and delete what is due for that."""
        while self._regretted and self._regretted[0][0] <= _now():
            _, message_id, author, deleted = heapq.heappop(self._regretted)
            if deleted:
                self.written[message_id].deleted_at = _now()
                await self._discord.delete(message_id)
            else:
                self.written[message_id].edited_at = _now()
                await self._discord.edit(message_id, self._random.choice(self._texts), author=author)

    async def _use_command(self, text: str, channel: int) -> None:
        """Let somebody use a command; nobody waits for the answer, which may never come."""
        command = self._random.choice(("about", "compare", "mood", "privacy", "settings"))
        if not self._discord.offers(command, channel):
            return
        if command == "compare":
            await self._discord.slash(command, channel, text=text)
        else:
            await self._discord.slash(command, channel)


class Storm:
    """A bot that one fault after the other befalls.

    Attributes:
        people: who write.
    """

    def __init__(self, scene: Scene, people: People) -> None:
        self.people = people
        self._scene = scene
        self._first: dict[int, Size] = {}  # by process
        self._since = 0.0
        self._counted = 0

    async def begin(self) -> None:
        """Wait for the bot, and let people write until it reacts."""
        await self._rest()
        self._first.clear()  # it has not read a message yet
        async with self.people.writing():
            await self._back(_now())
            await asyncio.sleep(_BEFORE)
        await self._rest()
        self._since, self._counted = _now(), await self._scene.database.messages()

    async def befall(self, faults: Sequence[Fault]) -> Passed:
        """Let faults happen while people write, wait until the bot has come to rest, and take stock."""
        async with self.people.writing():
            await asyncio.sleep(_BEFORE)
            start, sessions = _now(), self._sessions()
            await asyncio.gather(*(fault.happens(self._scene) for fault in faults))
            over, over_at = _now(), datetime.now(UTC)
            if any(fault.replays for fault in faults):
                await self._connected(sessions)
            replayed = self.people.wanted(start, _now())
            back_after = await self._back(over)
        end = _now()
        broken = [] if back_after is not None else [f"the bot did not react again within {BACK_WITHIN:.0f} s"]
        size, why = await self._rest()
        broken += [f"the bot did not come to rest within {RESTS_WITHIN:.0f} s: {reason}" for reason in why]
        written, counted = self.people.wanted(self._since, end), await self._scene.database.messages()
        lost = written - (counted - self._counted)
        unsure_since = start - lost_before(faults)
        unsure_until = end if any(fault.lost_meanwhile for fault in faults) else start
        may_be_lost = self.people.touched(unsure_since, unsure_until)
        may_be_kept = self.people.deleted(unsure_since, unsure_until)
        if any(fault.forgets for fault in faults):  # also what was edited or deleted before, but not yet in the counts
            may_be_kept = self.people.regretted(start - WRITES_WITHIN, end)
        off_by = _off_by(replayed if any(fault.replays for fault in faults) else 0)
        broken += invariants.miscounted(lost, may_be_lost=may_be_lost, may_be_kept=may_be_kept, off_by=off_by)
        self._since, self._counted = end, counted
        names = [fault.name for fault in faults]
        return Passed(names, over_at, back_after, written, lost, may_be_lost, off_by, size, broken)

    async def _back(self, since: float) -> float | None:
        """Return the seconds until the bot reacts to what is written from now on, None if it does not."""
        reactions = self._scene.discord.routes.reactions
        looked_at = len(reactions)
        while _now() < since + BACK_WITHIN:
            for reaction in reactions[looked_at:]:
                message = self.people.written.get(reaction.message_id)
                if message and message.at >= since:
                    return _now() - since
            await asyncio.sleep(_LOOKS_EVERY)
        return None

    def _sessions(self) -> int:
        """Return how often the bot has begun a session or gone on with one."""
        gateway = self._scene.discord.gateway
        return gateway.identified + gateway.resumed

    async def _connected(self, sessions: int) -> None:
        """Wait until each shard has begun a session, or gone on with one, once more; or no longer."""
        until = _now() + BACK_WITHIN
        while True:
            await asyncio.sleep(_LOOKS_EVERY)
            if self._sessions() >= sessions + self._scene.discord.gateway.shards or _now() > until:
                return

    async def _rest(self) -> tuple[Size | None, list[str]]:
        """Wait until the bot has nothing to do and takes no more than when it first rested.

        Returns:
            What the process takes, None if there is none; and why it has not come to rest, nothing if it has.
        """
        until, rests = _now() + RESTS_WITHIN, 0
        while True:
            await asyncio.sleep(_LOOKS_EVERY)
            size, why = await self._look()
            rests = 0 if why else rests + 1
            if rests == _RESTS and size:
                self._first.setdefault(self._scene.keeper.starts, size)
            if rests == _RESTS or _now() > until:
                return size, why

    async def _look(self) -> tuple[Size | None, list[str]]:
        """Return what the process takes, and why it is not at rest."""
        keeper = self._scene.keeper
        if why := await keeper.why_not_ready() or _busy(await keeper.metrics()):
            return None, [why]
        size = await keeper.size()
        return size, invariants.grown(self._first.get(keeper.starts, size), size)


async def storm(
    folder: Path,
    database: Database,
    chosen: Sequence[Fault],
    *,
    seconds: float,
    seed: int,
    rate: float,
    tell: Callable[[Passed], None],
    shards: int = 1,
) -> Report:
    """Let faults happen for some seconds, and return what became of it.

    Args:
        folder: an empty one, for the bot.
        database: what it keeps things in.
        chosen: the faults.
        seconds: how long.
        seed: of the random choices.
        rate: messages a second.
        tell: is told of each fault when it has passed.
        shards: how many the bot has.
    """
    chance = random.Random(seed)  # noqa: S311 - not for a secret
    discord = LoopbackDiscord(World(servers=SERVERS, channels=CHANNELS), shards=shards)
    texts, models = _texts(), folder / "models"
    shutil.copytree(PRETRAINED, models)
    await _fill(database, discord.world.guild_ids()[0])
    keeper = Keeper(discord, folder, {"DATABASE_URL": database.url, "EMOBOT_MODELS": str(models)})
    people = People(discord, texts, rate, random.Random(seed))  # noqa: S311 - not for a secret
    passed: list[Passed] = []
    async with discord.running(), keeper.running():
        run = Storm(Scene(discord, keeper, models, database, chance), people)
        await run.begin()
        end = _now() + seconds
        while not passed or _now() < end:
            passed.append(await run.befall(drawn(chosen, chance)))
            tell(passed[-1])
        await keeper.stop()
    reactions, refusals = discord.routes.reactions, invariants.refusals(discord.api.requests)
    broken = [
        *(sentence for each in passed for sentence in each.broken),
        *invariants.reactions_twice(reactions, discord.routes.removed, people.written),
        *invariants.reactions_unwanted(reactions, people.written),
        *invariants.refused_too_often(refusals),
        *invariants.log_unclean(keeper.log, texts),
    ]
    if keeper.exits[-1]:
        broken.append(f"the bot ended with status {keeper.exits[-1]} when it was told to stop")
    reacted = len({reaction.message_id for reaction in reactions})
    counted = await database.messages()
    edited = sum(each.edited_at is not None for each in people.written.values())
    deleted = sum(each.deleted_at is not None for each in people.written.values())
    written = len(people.written)
    return Report(passed, written, edited, deleted, reacted, counted, refusals, keeper.starts, keeper.log, broken)


def _texts() -> list[str]:
    """Return texts of our own chat set that the bot understands, so that it counts each for the mood."""
    texts = load_dataset("chat").dev.texts
    return [
        text
        for text, prediction in zip(texts, load_models()["bilstm"].predict(texts), strict=True)
        if is_understood(prediction)
    ]


async def _fill(database: Database, switched_off: int) -> None:
    """Make the tables; bob has opted out, and a server has switched the bot off."""
    store = Store(parse_database_url(database.url).render_as_string(hide_password=False))
    await store.refresh()
    await store.opt_out(BOB.id)
    await store.save_settings(switched_off, ServerSettings(enabled=False))
    await store.close()


def _busy(metrics: Mapping[str, float]) -> str:
    """Return what the bot has still to do by its metrics, nothing if it is at rest."""
    busy = [
        name
        for name in ("emobot_texts_waiting", "emobot_requests_waiting", "emobot_remembered moods")
        if metrics.get(name)
    ]
    return ", ".join(busy)


def _off_by(messages: int) -> float:
    """Return how far sampling may take the counts from the truth if the bot hears of so many messages at once.

    A message that stands for `each` others is read with a chance of one in `each`, so its variance is `each` - 1.
    """
    return _DEVIATIONS * math.sqrt(sum(waiting // WAITING_EACH for waiting in range(messages)))


def _now() -> float:
    return asyncio.get_running_loop().time()
