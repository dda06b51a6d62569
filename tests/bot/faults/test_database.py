"""What is lost when the database fails under a bot that goes on reacting. Each name says it.

`tests/bot/store/test_sync_failures.py` has the same of the store alone, with PostgreSQL too.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.gateway import LoopbackDiscord
from bot import Emobot
from bot.server_settings import ServerSettings
from tests.bot.faults.support import moods, reacted_to
from tests.bot.store.others import Others
from tests.bot.store.test_sync_failures import always
from tests.loopback import until


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    async with Others(f"sqlite+aiosqlite:///{database}").holding_all_locks():
        yield


@asynccontextmanager
async def full(database: Path) -> AsyncIterator[None]:
    await Others(f"sqlite+aiosqlite:///{database}").execute("VACUUM")
    with always("PRAGMA max_page_count = 1"):  # or as many as there are
        yield


@asynccontextmanager
async def read_only(_database: Path) -> AsyncIterator[None]:
    with always("PRAGMA query_only = 1"):
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


TROUBLES: list[Callable[[Path], AbstractAsyncContextManager[None]]] = [
    locked,
    full,
    read_only,
    deleted,
    replaced_by_a_copy,
]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_trouble_with_the_database_loses_no_reaction_no_setting_and_no_count(
    running: Emobot,
    loopback: LoopbackDiscord,
    database: Path,
    trouble: Callable[[Path], AbstractAsyncContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.store.engine.PATIENCE", 0.1)
    store, off = running.store, loopback.world.guild_ids()[20]
    await store.save_settings(off, ServerSettings(enabled=False))
    await store.refresh()
    async with trouble(database):
        said = [await loopback.say("happy", channel) for channel in range(10)]
        await loopback.say("happy", 20)  # in the server that has switched the bot off
        await until(lambda: len(reacted_to(loopback)) == 10)
        await store.refresh()
    await store.refresh()
    said += [await loopback.say("happy", channel) for channel in range(30, 40)]
    await loopback.say("happy", 20)
    await until(lambda: len(reacted_to(loopback)) == 20)
    assert sorted(reacted_to(loopback)) == sorted(said)
    assert await moods(running, loopback) == 20
    assert not store.settings(off).enabled
