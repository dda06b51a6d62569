"""A transaction pooler, such as PgBouncer, would hide other processes' changes from the bot, so it is refused."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from bot.store import PoolerError, StoreError
from bot.store.failures import shows_pooler
from bot.store.watch import NotificationWatch
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.support import DatabaseClient

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH')}:/usr/sbin")
Pooler = Callable[[str], str]


class FakeConnection:
    """A fake of the engine, its connections and the driver; passes on each notification, or none."""

    url = make_url("postgresql+asyncpg://somewhere/emobot")

    def __init__(self, *, without_notifications: bool) -> None:
        self.closed = 0
        self.broken = False
        self._without_notifications = without_notifications
        self._listeners: list[Callable[..., None]] = []

    async def open(self) -> FakeConnection:
        return self

    async def driver_connection(self) -> FakeConnection:
        return self

    def begin(self) -> FakeConnection:
        return self

    async def __aenter__(self) -> FakeConnection:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def add_listener(self, _channel: str, listener: Callable[..., None]) -> None:
        self._listeners.append(listener)

    async def remove_listener(self, _channel: str, listener: Callable[..., None]) -> None:
        self._listeners.remove(listener)

    def add_termination_listener(self, _: object) -> None: ...

    async def execute(self, _: object) -> None:
        if self.broken:
            raise ConnectionResetError
        if not self._without_notifications:
            self._listeners[-1](self, 1, "channel", "")

    async def rollback(self) -> None: ...

    async def invalidate(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def watch_of() -> Callable[[FakeConnection], NotificationWatch]:
    def make(connection: Any) -> NotificationWatch:
        return NotificationWatch(connection, lambda *_: None, lambda _: None)

    return make


async def test_connection_that_receives_notifications_is_kept(
    watch_of: Callable[[FakeConnection], NotificationWatch],
) -> None:
    connection = FakeConnection(without_notifications=False)
    assert await watch_of(connection).has_changed()
    assert connection.closed == 0


async def test_connection_without_notifications_is_refused_and_closed(
    watch_of: Callable[[FakeConnection], NotificationWatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.watch._NOTIFICATION_TIMEOUT", 0.0)
    connection = FakeConnection(without_notifications=True)
    with pytest.raises(PoolerError, match="PgBouncer does in transaction mode"):
        await watch_of(connection).has_changed()
    assert connection.closed == 1


async def test_broken_connection_is_not_mistaken_for_a_pooler(
    watch_of: Callable[[FakeConnection], NotificationWatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.watch._NOTIFICATION_TIMEOUT", 0.0)
    connection = FakeConnection(without_notifications=True)

    async def break_down(*_: object) -> None:
        connection.broken = True

    monkeypatch.setattr(connection, "remove_listener", break_down)
    with pytest.raises(StoreError, match="lost") as raised:
        await watch_of(connection).has_changed()
    assert not isinstance(raised.value, PoolerError)
    assert connection.closed == 1


@pytest.mark.parametrize(("code", "shown"), [("42P05", True), ("26000", True), ("40001", False)])
def test_foreign_prepared_statement_reveals_a_pooler(code: str, *, shown: bool) -> None:
    error = DBAPIError("SELECT 1", None, RuntimeError())
    error.orig = SimpleNamespace(__cause__=None, sqlstate=code)  # type: ignore[assignment] # in place of the driver's
    assert shows_pooler(error) is shown
    assert not shows_pooler(OSError())


async def test_pooler_after_an_outage_is_logged(
    postgres_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def without_notifications(_: NotificationWatch) -> bool:
        return False

    store = await open_store(postgres_url)
    monkeypatch.setattr(NotificationWatch, "_receives_notifications", without_notifications)
    await DatabaseClient(postgres_url).end_connections()
    for _ in range(3):
        await store.refresh()
    warnings = [message for message in caplog.messages if "cannot be used" in message]
    assert [("its connection was lost" in message, "pool_mode = session" in message) for message in warnings] == [
        (True, False),
        (False, True),
    ]


@pytest.fixture
def pooler(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    """Return a function that starts PgBouncer before the database of the test and returns its URL."""
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed")
    to = make_url(postgres_url)
    processes: list[subprocess.Popen[bytes]] = []

    def start(mode: str) -> str:
        folder = Path(tmp_path_factory.mktemp("pgbouncer"))
        for above in (folder, *folder.parents[:3]):
            above.chmod(0o755)
        folder.chmod(0o777)
        host = to.query.get("host") or to.host
        port = to.port or 5432
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={host} port={port} user={to.username}"
            f"{f' password={to.password}' if to.password else ''}\n"
            f"[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nauth_type = any\npool_mode = {mode}\n"
        )
        as_user = ["-u", "postgres"] if os.getuid() == 0 else []  # it refuses to run as root
        processes.append(subprocess.Popen([PROGRAM, "-q", *as_user, settings], stderr=subprocess.DEVNULL))
        while not (folder / ".s.PGSQL.6432").exists():
            assert processes[-1].poll() is None
            time.sleep(0.02)
        through = to.set(host=None, port=6432, query={"host": str(folder)})
        return through.render_as_string(hide_password=False)

    yield start
    for process in processes:
        process.kill()
        process.wait()


async def test_pgbouncer_in_transaction_mode_is_refused_in_one_sentence(
    pooler: Pooler, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.watch._NOTIFICATION_TIMEOUT", 0.2)
    url = pooler("transaction")
    for _ in range(2):  # at the second time the statements of the first are still prepared, under the same names
        monkeypatch.setattr("asyncpg.connection._uid", 0)  # as in another process
        store = await open_store(url)
        assert not store.ready
        with pytest.raises(StoreError, match="let DATABASE_URL lead to PostgreSQL itself"):
            await store.opt_out(7)
        assert "pool_mode = session" in caplog.messages[-1]


async def test_pgbouncer_in_session_mode_works(pooler: Pooler, open_store: StoreOpener) -> None:
    url = pooler("session")
    first, second = await open_store(url), await open_store(url)
    await first.opt_out(7)
    for _ in range(200):
        if second.has_opted_out(7):
            break
        await asyncio.sleep(0.02)
    assert second.has_opted_out(7)
