"""What is lost when the database fails while the bot keeps reacting, as the name of each test says.

`tests/bot/store/test_sync_failures.py` tests the store alone, with PostgreSQL too.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.fault_injection.postgres import PostgresServer, find_programs, postgres
from benchmarks.gateway import LoopbackDiscord
from bot import Emobot, create_bot
from bot.server_settings import ServerSettings
from classifiers import Classifier
from tests.bot.faults.support import counted_moods, messages_with_reactions
from tests.bot.store.support import DatabaseClient, run_pragma_on_connect
from tests.loopback import Skipper, configured, until


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a lock of SQLite for less than the usual two seconds."""
    monkeypatch.setattr("bot.store.engine.TIMEOUT", 0.05)


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    async with DatabaseClient(f"sqlite+aiosqlite:///{database}").holding_all_locks():
        yield


@asynccontextmanager
async def full(database: Path) -> AsyncIterator[None]:
    await DatabaseClient(f"sqlite+aiosqlite:///{database}").execute("VACUUM")
    with run_pragma_on_connect("PRAGMA max_page_count = 1"):  # SQLite uses the current size if that is larger
        yield


@asynccontextmanager
async def read_only(_database: Path) -> AsyncIterator[None]:
    with run_pragma_on_connect("PRAGMA query_only = 1"):
        yield


@asynccontextmanager
async def deleted(database: Path) -> AsyncIterator[None]:
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    yield


@asynccontextmanager
async def replaced_by_a_copy(database: Path) -> AsyncIterator[None]:
    copy = shutil.copy(database, database.with_name("copy"))
    shutil.move(copy, database)
    yield


FAULTS: list[Callable[[Path], AbstractAsyncContextManager[None]]] = [
    locked,
    full,
    read_only,
    deleted,
    replaced_by_a_copy,
]


@pytest.mark.usefixtures("short_timeouts")
@pytest.mark.parametrize("fault", FAULTS)
async def test_database_fault_loses_no_reaction_no_setting_and_no_count(
    running: Emobot,
    loopback: LoopbackDiscord,
    database: Path,
    fault: Callable[[Path], AbstractAsyncContextManager[None]],
) -> None:
    store, off = running.store, loopback.world.guild_ids()[20]
    await store.save_settings(off, ServerSettings(enabled=False))
    await store.refresh()
    async with fault(database):
        message_ids = [await loopback.say("happy", channel) for channel in range(10)]
        await loopback.say("happy", 20)  # in the server that has switched the bot off
        await until(lambda: len(messages_with_reactions(loopback)) == 10)
        await store.refresh()
    await store.refresh()
    message_ids += [await loopback.say("happy", channel) for channel in range(30, 40)]
    await loopback.say("happy", 20)
    await until(lambda: len(messages_with_reactions(loopback)) == 20)
    assert sorted(messages_with_reactions(loopback)) == sorted(message_ids)
    assert await counted_moods(running, loopback) == 20
    assert not store.settings(off).enabled


@pytest.mark.usefixtures("short_timeouts")
async def test_locked_database_loses_no_reaction_and_no_count(
    running: Emobot, loopback: LoopbackDiscord, database: Path, skipper: Skipper
) -> None:
    async with locked(database):
        for second in range(60):
            await loopback.say("happy", second % 40)
            skipper.skip(1)
            await asyncio.sleep(0.002)
        await until(lambda: len(messages_with_reactions(loopback)) == 60)
        assert sum(running.store.cache.waiting_moods.values()) == 60
    await until(lambda: not running.store.cache.sizes()["moods"], skipper)
    assert await counted_moods(running, loopback) == 60


class TestPostgres:
    """With a server of its own, since the other tests share one."""

    @pytest.fixture
    async def server(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresServer]:
        if find_programs() is None:
            pytest.skip("there are no programs of PostgreSQL: apt-get install postgresql")
        monkeypatch.setattr("bot.store.engine.TIMEOUT", 60.0)  # while others use the machine, a process takes seconds
        async with postgres() as server:
            yield server

    @pytest.fixture
    def bot(self, loopback: LoopbackDiscord, models: dict[str, Classifier], server: PostgresServer) -> Emobot:
        return create_bot(configured(loopback, database_url=server.url), models=models)

    @pytest.mark.slow
    async def test_restart_of_postgresql_loses_no_reaction_no_setting_and_no_count(
        self, running: Emobot, loopback: LoopbackDiscord, server: PostgresServer
    ) -> None:
        store, off = running.store, loopback.world.guild_ids()[20]
        await store.save_settings(off, ServerSettings(enabled=False))
        message_ids = [await loopback.say("happy", channel) for channel in range(10)]
        await until(lambda: len(messages_with_reactions(loopback)) == 10)
        await store.write()
        await server.stop()
        message_ids += [await loopback.say("happy", channel) for channel in range(10, 20)]
        await loopback.say("happy", 20)  # in the server that has switched the bot off
        await until(lambda: len(messages_with_reactions(loopback)) == 20)
        await store.refresh()
        await until(lambda: not store.usable)
        await server.start()
        await store.refresh()
        message_ids += [await loopback.say("happy", channel) for channel in range(30, 40)]
        await until(lambda: len(messages_with_reactions(loopback)) == 30)
        assert sorted(messages_with_reactions(loopback)) == sorted(message_ids)
        assert await counted_moods(running, loopback) == 30
        assert not store.settings(off).enabled
