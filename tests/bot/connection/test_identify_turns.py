"""Several processes that begin sessions with Discord and share one PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from benchmarks.gateway import LoopbackDiscord, World
from bot import create_bot
from bot.configuration import Configuration
from bot.connection import identify_turns
from bot.connection.identify_turns import IdentifyTurns
from bot.connection.session_starts import SESSION_INTERVAL
from bot.store.locks import MAX_HELD, AdvisoryLocks
from classifiers import Classifier
from tests.bot.store.support import DatabaseClient, Network
from tests.loopback import Skipper, configured, until

pytestmark = pytest.mark.timeout(60)  # a turn that is never given makes a test hang


class Processes:
    """Starts the turns of several processes, and closes them at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opened: list[IdentifyTurns] = []

    def start(self, concurrency: int = 1, url: str | None = None) -> IdentifyTurns:
        turns = IdentifyTurns(AdvisoryLocks(url or self.url))
        turns.concurrency = concurrency
        self.opened.append(turns)
        return turns


@pytest.fixture
async def processes(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Processes]:
    monkeypatch.setattr(identify_turns, "SESSION_INTERVAL", 0.05)
    monkeypatch.setattr("bot.store.locks._POLL_INTERVAL", 0.01)
    processes = Processes(postgres_url)
    yield processes
    for turns in processes.opened:
        for task in turns._tasks:
            task.cancel()
        await turns.close()


async def waits(task: asyncio.Task[None]) -> bool:
    """Return whether a task still waits after a time in which it would have got a free lock."""
    await asyncio.sleep(0.3)
    return not task.done()


def test_turn_ends_before_its_lock_expires() -> None:
    assert identify_turns.UNUSED_TURN_TIMEOUT + SESSION_INTERVAL < MAX_HELD


async def test_processes_take_turns_within_a_bucket(processes: Processes) -> None:
    first, second = processes.start(), processes.start()
    await first.wait(0)
    waiting = asyncio.create_task(second.wait(1))
    assert await waits(waiting)  # the first has not begun its session yet
    first.use(0)
    await waiting
    second.use(1)


async def test_a_turn_lasts_for_the_five_seconds_after_the_session_began(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify_turns, "SESSION_INTERVAL", 100)
    first, second = processes.start(), processes.start()
    await first.wait(0)
    first.use(0)
    for turns in (first, second):
        waiting = asyncio.create_task(turns.wait(0))
        assert await waits(waiting)
        waiting.cancel()


async def test_buckets_do_not_wait_for_each_other(processes: Processes) -> None:
    first, second = processes.start(concurrency=2), processes.start(concurrency=2)
    await first.wait(0)
    await second.wait(1)
    assert await waits(asyncio.create_task(second.wait(2)))


async def test_process_that_has_the_turn_gets_it_again_at_once(processes: Processes) -> None:
    turns = processes.start()
    await turns.wait(0)
    await turns.wait(0)


async def test_unused_turn_expires(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    acquire = AdvisoryLocks.acquire

    async def note_and_acquire(locks: AdvisoryLocks, number: int) -> AsyncExitStack:
        taken.append(number)
        return await acquire(locks, number)

    monkeypatch.setattr(AdvisoryLocks, "acquire", note_and_acquire)
    monkeypatch.setattr(identify_turns, "UNUSED_TURN_TIMEOUT", 0.01)
    first, second = processes.start(), processes.start()
    await first.wait(0)
    await second.wait(0)
    assert not first._tasks
    await first.wait(0)  # and must be taken again
    assert taken == [0, 0, 0]


async def test_turn_of_a_dead_process_passes_to_others(processes: Processes, postgres_url: str) -> None:
    first, second = processes.start(), processes.start()
    await first.wait(0)
    await DatabaseClient(postgres_url).end_connections()
    await second.wait(0)


async def test_cancelled_wait_holds_no_turn(processes: Processes) -> None:
    first, second, third = (processes.start() for _ in range(3))
    await first.wait(0)
    waiting = asyncio.create_task(second.wait(0))
    assert await waits(waiting)
    waiting.cancel()
    first.use(0)
    await third.wait(0)


async def test_closed_process_holds_no_turn(processes: Processes) -> None:
    first, second = processes.start(), processes.start()
    await first.wait(0)
    async with asyncio.timeout(10):  # less than an unused turn lasts
        await first.close()
    await second.wait(0)


async def test_turn_with_a_session_lasts_although_the_process_is_closed(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify_turns, "SESSION_INTERVAL", 100)
    first, second = processes.start(), processes.start()
    await first.wait(0)
    first.use(0)
    ending = asyncio.create_task(first.close())
    assert await waits(asyncio.create_task(second.wait(0)))
    assert not ending.done()
    ending.cancel()


async def test_session_begins_after_the_usual_pause_without_the_database(
    processes: Processes, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    turns = processes.start(url=network.url)
    await network.refuse_connections()
    await turns.wait(3)
    turns.use(3)
    [record] = caplog.records
    assert record.getMessage().startswith(
        "Shard 3 starts its session without waiting for other processes: The database "
    )
    await network.restore()
    await turns.wait(3)
    await until(lambda: turns._turns)
    assert await waits(asyncio.create_task(processes.start().wait(3)))


@pytest.mark.parametrize("world", [World(servers=2)])
async def test_two_bots_begin_sessions_in_turn_at_the_start_and_after_an_outage(
    loopback: LoopbackDiscord,
    skipper: Skipper,
    postgres_url: str,
    models: dict[str, Classifier],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.store.locks._POLL_INTERVAL", 0.01)

    def configuration_of(shard_id: int) -> Configuration:
        return configured(loopback, database_url=postgres_url, shard_count=2, shard_ids=(shard_id,))

    async def wait_for_one_more(before: int) -> None:
        await asyncio.sleep(0.3)
        assert loopback.gateway.identified == before
        skipper.skip(6)
        await until(lambda: loopback.gateway.identified == before + 1)

    bots = [create_bot(configuration_of(shard_id), models=models) for shard_id in range(2)]
    async with bots[0], bots[1]:
        running = [asyncio.create_task(bots[0].start(loopback.token))]
        await until(lambda: bots[0].guilds)
        running.append(asyncio.create_task(bots[1].start(loopback.token)))
        await until(lambda: [asked.path for asked in loopback.api.requests].count("/gateway/bot") == 2)
        await wait_for_one_more(1)
        await until(lambda: bots[1].guilds)
        await loopback.gateway.invalidate(resumable=False)
        for sessions in (2, 3):
            await wait_for_one_more(sessions)
        assert loopback.gateway.early_identifies == 0
        skipper.skip(6)
        for bot in bots:
            await bot.close()
        await asyncio.wait(running)
