"""Two databases to test with, SQLite always and PostgreSQL if there is a server, and stores in them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.store import Store
from tests.bot.store.support import DatabaseClient

StoreOpener = Callable[[str], Awaitable[Store]]


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow transactions more time than an interaction has, unless a test is about that."""
    monkeypatch.setattr("bot.store.sync._LOCK_TIMEOUT", 20)


@pytest.fixture
def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    """Let `caplog` record messages at INFO as well."""
    caplog.set_level(logging.INFO)


@pytest.fixture
def no_database_file() -> None:
    """Make the SQLite database a file that does not exist yet."""


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> str:
    """A file with tables, since creating them takes longer than most tests; see `no_database_file`."""
    file = tmp_path / "emobot.db"
    if "no_database_file" not in request.fixturenames:
        shutil.copy(migrated, file)
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a new, empty database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def open_store() -> AsyncIterator[StoreOpener]:
    """Return a function that opens the store of one process; all are closed at the end."""
    stores = []

    async def open_new_store(url: str) -> Store:
        stores.append(Store(url))
        await stores[-1].refresh()
        return stores[-1]

    yield open_new_store
    for store in stores:
        await store.close()


@pytest.fixture
async def store(url: str, open_store: StoreOpener) -> Store:
    return await open_store(url)


@pytest.fixture
def client(url: str) -> DatabaseClient:
    return DatabaseClient(url)


@pytest.fixture
def short_timeouts(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make new stores give up on a locked database soon; connecting to a server takes longer."""
    monkeypatch.setattr("bot.store.engine.TIMEOUT", 0.2 if url.startswith("sqlite") else 1.0)
