from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, make_url
from sqlalchemy.util import await_only

from bot.server_settings import ServerSettings
from bot.store import GRACE_PERIOD, MoodCount, Store, StoreError
from bot.store.cache import SERVER, Change
from bot.store.sync import _POSTGRESQL_TRANSACTION, _SQLITE_STATEMENT, _SQLITE_TRANSACTION
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.support import DatabaseClient

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = ServerSettings(enabled=False)


async def becomes_true(fact: Callable[[], bool]) -> bool:
    """Return whether a condition becomes true without any `refresh`."""
    for _ in range(100):
        if fact():
            return True
        await asyncio.sleep(0.1)
    return False


@pytest.fixture
async def other(url: str, store: Store, open_store: StoreOpener) -> Store:
    """The store of another process, opened later."""
    del store
    return await open_store(url)


async def test_refresh_reads_changes_of_another_process(store: Store, other: Store) -> None:
    await store.save_settings(1, SETTINGS)
    await store.save_settings(2, SETTINGS)
    await store.opt_out(7)
    await store.opt_out(8)
    await other.refresh()
    assert (other.settings(1), other.has_opted_out(7), other.has_opted_out(8)) == (SETTINGS, True, True)
    await other.save_settings(1, ServerSettings())
    await other.erase_guild(2)
    await other.opt_in(8)
    await store.refresh()
    assert (store.settings(1), store.is_configured(1), store.is_configured(2)) == (ServerSettings(), True, False)
    assert (store.has_opted_out(7), store.has_opted_out(8)) == (True, False)


async def test_refresh_reads_changes_made_by_hand(sqlite_url: str, open_store: StoreOpener) -> None:
    store = await open_store(sqlite_url)
    await DatabaseClient(sqlite_url).execute(
        """INSERT INTO servers (guild_id, settings) VALUES (1, '{"enabled": false}')""",
        "INSERT INTO opt_outs VALUES (7)",
    )
    await store.refresh()
    assert (store.settings(1), store.has_opted_out(7)) == (SETTINGS, True)


async def test_postgresql_notifies_of_changes_at_once(postgres_url: str, open_store: StoreOpener) -> None:
    store, other = await open_store(postgres_url), await open_store(postgres_url)
    await store.save_settings(1, SETTINGS)
    await store.save_settings(2, SETTINGS)
    await store.opt_out(7)
    assert await becomes_true(lambda: other.settings(1) == SETTINGS and other.has_opted_out(7))
    await other.save_settings(1, ServerSettings())
    await other.opt_in(7)
    assert await becomes_true(lambda: store.settings(1) == ServerSettings() and not store.has_opted_out(7))
    await store.mark_left(1, NOON)
    await store.purge(NOON + 2 * GRACE_PERIOD)
    await store.erase_guild(2)
    assert await becomes_true(lambda: not other.is_configured(1) and not other.is_configured(2))


async def test_erasure_drops_waiting_counts_of_other_processes(postgres_url: str, open_store: StoreOpener) -> None:
    store, other = await open_store(postgres_url), await open_store(postgres_url)
    await store.save_settings(1, SETTINGS)
    assert await becomes_true(lambda: other.is_configured(1))
    other.count_mood(1, 10, NOON, "joy")
    other.count_mood(2, 20, NOON, "joy")
    await store.erase_guild(1)
    assert await becomes_true(lambda: not other.is_configured(1))
    assert set(await other.known_guilds()) == {2}


async def test_erasure_holds_although_another_process_has_waiting_counts(
    url: str, store: Store, other: Store, open_store: StoreOpener
) -> None:
    for guild_id in (1, 2, 3):
        store.count_mood(guild_id, 10, NOON, "joy")
    await store.save_settings(1, SETTINGS)
    await store.refresh()
    await other.refresh()
    for guild_id in (1, 2, 3):
        store.count_mood(guild_id, 10, NOON, "joy")
    await other.erase_guild(1)
    await other.mark_left(3, NOON)
    await other.purge(NOON + 2 * GRACE_PERIOD)
    await store.refresh()
    for opened in (store, other, await open_store(url)):
        assert set(await opened.known_guilds()) == {2}
        assert await opened.moods(2, NOON) == [MoodCount(NOON, "joy", 2)]
    store.count_mood(1, 10, NOON, "fear")  # people go on writing
    await store.refresh()
    assert await other.moods(1, NOON) == [MoodCount(NOON, "fear", 1)]


async def test_erasure_before_the_first_written_count_holds(url: str, store: Store, open_store: StoreOpener) -> None:
    store.count_mood(1, 10, NOON, "joy")
    await store.refresh()
    fresh = await open_store(url)
    fresh.count_mood(1, 10, NOON, "joy")
    fresh.count_mood(2, 10, NOON, "joy")
    await store.erase_guild(1)
    await fresh.write()
    assert await store.known_guilds() == {}
    fresh.count_mood(2, 10, NOON, "joy")
    await fresh.write()
    assert set(await store.known_guilds()) == {2}


@pytest.mark.usefixtures("short_timeouts")
async def test_erasure_is_noticed_after_an_outage(url: str, store: Store, other: Store, client: DatabaseClient) -> None:
    store.count_mood(1, 10, NOON, "joy")
    await store.refresh()
    store.count_mood(1, 10, NOON, "joy")
    async with client.holding_all_locks():
        await store.refresh()
    await client.end_connections() if url.startswith("postgres") else None
    await other.refresh()
    await other.erase_guild(1)
    await store.refresh()
    assert await other.known_guilds() == {}


async def test_erasure_waits_for_counts_being_written(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, go_on = asyncio.Event(), asyncio.Event()
    drop_erased = store.sync._drop_erased

    async def slow(*arguments: Any, **options: Any) -> None:
        await drop_erased(*arguments, **options)
        if options.get("lock"):
            locked.set()
            await go_on.wait()

    monkeypatch.setattr(store.sync, "_drop_erased", slow)
    store.count_mood(1, 10, NOON, "joy")
    writing = asyncio.create_task(store.refresh())
    await locked.wait()
    erasing = asyncio.create_task(other.erase_guild(1))
    await asyncio.sleep(0.3)  # so that it reaches the lock
    go_on.set()
    await asyncio.gather(writing, erasing)
    assert await other.known_guilds() == {}


async def test_settings_erased_elsewhere_are_dropped_instead_of_changed(store: Store, other: Store) -> None:
    await store.save_settings(1, SETTINGS)
    await other.erase_guild(1)
    await store.refresh()
    assert await becomes_true(lambda: not store.is_configured(1))
    store.cache.apply(Change(SERVER, 1, SETTINGS.to_json()))  # as if it had missed the notification
    with pytest.raises(StoreError, match="erased in the meantime"):
        await store.save_settings(1, store.settings(1).replace(mood=False))
    assert (store.settings(1), await other.known_guilds()) == (ServerSettings(), {})
    await store.save_settings(1, SETTINGS)
    assert set(await other.known_guilds()) == {1}


async def test_opt_out_that_another_process_erases_is_dropped_from_the_cache(
    url: str, store: Store, other: Store, open_store: StoreOpener
) -> None:
    await store.opt_out(7)
    await other.refresh()
    await other.erase_user(7)
    await store.refresh()
    await store.close()
    assert not store.has_opted_out(7)
    assert not (await open_store(url)).has_opted_out(7)


class Pause:
    """Holds up the first task that reaches it."""

    def __init__(self) -> None:
        self.reached, self.over = asyncio.Event(), asyncio.Event()

    async def here(self) -> None:
        self.reached.set()
        await self.over.wait()

    async def release_when_others_wait(self, *others: asyncio.Task[None]) -> None:
        """Release the task once all other tasks wait."""
        await self.reached.wait()
        await asyncio.wait(others, timeout=0.5)
        self.over.set()


async def test_opt_out_during_a_refresh_is_kept(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, pause = Store(url), Pause()
    drop_erased = store.sync._drop_erased

    async def slow(*arguments: Any, **options: Any) -> None:
        await drop_erased(*arguments, **options)
        await pause.here()  # everything is read, but not applied yet

    monkeypatch.setattr(store.sync, "_drop_erased", slow)
    reading = asyncio.create_task(store.refresh())
    await pause.reached.wait()
    writing = asyncio.create_task(store.opt_out(7))
    await pause.release_when_others_wait(writing)
    await asyncio.gather(reading, writing)
    assert store.has_opted_out(7)
    await store.close()


async def test_erasure_during_the_reading_of_a_change_holds(
    postgres_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, pause = await open_store(postgres_url), Pause()
    await store.save_settings(1, SETTINGS)
    configured_after: list[bool] = []
    apply = store.cache.apply

    def apply_and_record(change: Change) -> None:
        apply(change)
        configured_after.append(store.is_configured(1))

    def hold_up(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT servers") and not pause.reached.is_set():
            await_only(pause.here())  # the change is read, but not applied yet

    await store.refresh()
    monkeypatch.setattr(store.cache, "apply", apply_and_record)
    event.listen(store.sync._engine.sync_engine, "after_cursor_execute", hold_up)
    await DatabaseClient(postgres_url).execute("SELECT pg_notify('emobot', 'server 1')")
    await pause.reached.wait()
    erasing = asyncio.create_task(store.erase_guild(1))
    await pause.release_when_others_wait(erasing)
    await erasing
    assert await becomes_true(
        lambda: len(configured_after) == 3
    )  # the old value, the erasure, and the database's notification
    assert configured_after == [True, False, False]


async def test_refresh_reads_also_a_change_of_which_it_is_notified_meanwhile(
    postgres_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = await open_store(postgres_url), await open_store(postgres_url)
    notified = asyncio.Event()
    read_changed = store.sync._read_changed

    async def note_and_read() -> None:
        notified.set()
        await read_changed()

    async def change_elsewhere() -> None:
        await other.save_settings(1, SETTINGS)
        await notified.wait()

    monkeypatch.setattr(store.sync, "_read_changed", note_and_read)
    monkeypatch.setattr(store.sync, "_write_moods", change_elsewhere)
    await store.refresh()
    assert store.settings(1) == SETTINGS


async def test_changes_are_applied_in_order_so_that_the_cache_has_the_last_one(store: Store) -> None:
    pause = Pause()

    def hold_up(*_: object) -> None:
        if not pause.reached.is_set():
            await_only(pause.here())  # the change is written, but not applied yet

    event.listen(store.sync._engine.sync_engine, "checkin", hold_up)
    first = asyncio.create_task(store.save_settings(1, ServerSettings()))
    await pause.reached.wait()
    last = asyncio.create_task(store.save_settings(1, SETTINGS))
    await pause.release_when_others_wait(last)
    await asyncio.gather(first, last)
    assert store.settings(1) == SETTINGS


async def test_many_counts_are_written_in_batches_with_other_tasks_in_between(url: str, store: Store) -> None:
    counts = 3 * (_SQLITE_TRANSACTION if url.startswith("sqlite") else _POSTGRESQL_TRANSACTION)
    for channel_id in range(counts):
        store.count_mood(1, channel_id, NOON, "joy")
    writing = asyncio.create_task(store.write())
    await asyncio.sleep(0)
    await store.opt_out(7)
    assert 0 < len(store.cache.waiting_moods) < counts
    await writing
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", counts)]


async def test_postgresql_writes_the_counts_of_four_seconds_in_one_statement(
    postgres_url: str, open_store: StoreOpener
) -> None:
    store = await open_store(postgres_url)
    for channel_id in range(1000):
        store.count_mood(1, channel_id, NOON, "joy")
    statements: list[str] = []
    event.listen(
        store.sync._engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    connections: list[object] = []
    event.listen(store.sync._engine.sync_engine, "connect", lambda connection, _: connections.append(connection))
    await store.write()
    assert not connections  # it uses the one that it kept
    assert [statement.split()[0] for statement in statements] == ["SELECT", "INSERT"]  # the first for erasures
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 1000)]


async def test_every_process_writes_counts_in_the_same_order_so_that_none_waits_for_another(
    sqlite_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    async def note(_connection: object, _table: object, _sum: object, rows: list[dict[str, int]]) -> None:
        written.extend(row["channel_id"] for row in rows)

    monkeypatch.setattr("bot.store.sync.insert_or_add", note)
    store = await open_store(sqlite_url)
    for channel_id in (12, 10, 11):
        store.count_mood(1, channel_id, NOON, "joy")
    await store.write()
    assert written == [10, 11, 12]


async def test_sqlite_writes_the_counts_of_four_seconds_on_one_connection(
    sqlite_url: str, open_store: StoreOpener
) -> None:
    store = await open_store(sqlite_url)
    for channel_id in range(1000):
        store.count_mood(1, channel_id, NOON, "joy")
    connections: list[object] = []
    event.listen(store.sync._engine.sync_engine, "connect", lambda connection, _: connections.append(connection))
    rows: list[int] = []
    event.listen(
        store.sync._engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, values, *_: rows.append(len(values) if "INSERT" in statement else 0),
    )
    await store.write()
    assert len(connections) == 1
    assert (max(rows), sum(rows)) == (_SQLITE_STATEMENT, 1000)


async def test_sqlite_waits_for_the_disk_with_settings_but_not_with_counts(
    sqlite_url: str, open_store: StoreOpener
) -> None:
    store = await open_store(sqlite_url)
    statements: list[str] = []
    event.listen(
        store.sync._engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    await store.save_settings(1, SETTINGS)
    assert "PRAGMA synchronous = NORMAL" not in statements
    store.count_mood(1, 10, NOON, "joy")
    await store.write()
    assert "PRAGMA synchronous = NORMAL" in statements


async def test_work_on_whole_tables_may_take_longer_than_an_answer_to_discord(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.sync.TIMEOUT", 0)
    monkeypatch.setattr("bot.store.sync._LOCK_TIMEOUT", 0)
    with pytest.raises(StoreError, match="no answer in time"):
        await store.opt_out(7)
    await store.known_guilds()
    await store.purge(NOON)
    await store.pack_moods(NOON)
    await store.export_guild(1)
    await store.erase_guild(1)


def have_the_same_state(*stores: Store) -> bool:
    return len({(store.settings(1).channels, store.has_opted_out(7)) for store in stores}) == 1


async def test_processes_that_write_at_once_agree_in_the_end(postgres_url: str, open_store: StoreOpener) -> None:
    stores = [await open_store(postgres_url) for _ in range(3)]
    for _ in range(10):
        await asyncio.gather(
            *(store.save_settings(1, ServerSettings(channels=frozenset({n + 1}))) for n, store in enumerate(stores)),
            *(store.opt_out(7) for store in stores[:2]),
            stores[2].opt_in(7),
        )
        fresh = await open_store(postgres_url)
        assert await becomes_true(partial(have_the_same_state, *stores, fresh))


async def test_lost_connection_is_reopened_and_missed_changes_are_read(
    postgres_url: str, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    store, client = await open_store(postgres_url), DatabaseClient(postgres_url)
    await client.end_connections()
    await client.execute("""INSERT INTO servers (guild_id, settings) VALUES (1, '{"enabled": false}')""")
    await store.refresh()
    assert store.settings(1) == SETTINGS
    [warning] = caplog.messages
    assert "(its connection was lost): the bot keeps the settings it read last" in warning
    other = await open_store(postgres_url)
    await other.opt_out(7)
    assert await becomes_true(lambda: store.has_opted_out(7))


async def test_lost_connection_is_logged_at_once_and_reopened_by_the_next_write(
    postgres_url: str, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    store, client = await open_store(postgres_url), DatabaseClient(postgres_url)
    await client.end_connections()
    assert await becomes_true(lambda: "(its connection was lost): the bot keeps" in caplog.text)
    await client.execute("""INSERT INTO servers (guild_id, settings) VALUES (1, '{"enabled": false}')""")
    await store.write()
    assert store.settings(1) == SETTINGS
    await store.close()
    assert len(caplog.messages) == 1  # a connection that the bot itself ends is not lost


async def test_close_waits_for_the_reading_of_a_change(
    sqlite_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(sqlite_url)
    done: list[str] = []
    stopped, stop = asyncio.Event(), store.sync._watch.stop

    async def stop_and_note() -> None:
        await stop()
        stopped.set()

    async def read() -> None:
        await stopped.wait()
        done.append("read")

    async def dispose() -> None:
        done.append("closed")

    monkeypatch.setattr(store.sync._watch, "stop", stop_and_note)
    monkeypatch.setattr(store.sync, "_read_changed", read)
    monkeypatch.setattr(store.sync._engine, "dispose", dispose)
    store.sync._on_notification(SERVER, 1)
    await store.close()
    assert done == ["read", "closed"]


async def test_row_that_failed_to_be_read_on_notification_is_read_by_refresh(
    postgres_url: str, open_store: StoreOpener
) -> None:
    store, client = await open_store(postgres_url), DatabaseClient(postgres_url)
    await client.execute(
        "INSERT INTO opt_outs VALUES (7)",
        "ALTER TABLE opt_outs RENAME TO elsewhere",
        "SELECT pg_notify('emobot', 'opt-out 7')",
    )
    await asyncio.sleep(0.2)
    assert not store.has_opted_out(7)
    await client.execute("ALTER TABLE elsewhere RENAME TO opt_outs")
    await store.refresh()
    assert store.has_opted_out(7)


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(str(make_url(sqlite_url).database))


def replace_by_nothing(file: Path) -> None:
    file.with_name("empty").touch()
    file.with_name("empty").replace(file)


@pytest.mark.parametrize("how", [Path.unlink, replace_by_nothing])
@pytest.mark.parametrize("noticed_by", ["refresh", "a write"])
async def test_opt_outs_survive_the_loss_of_the_database_file(
    sqlite_url: str,
    file: Path,
    open_store: StoreOpener,
    caplog: pytest.LogCaptureFixture,
    how: Callable[[Path], None],
    noticed_by: str,
) -> None:
    await open_store(sqlite_url)
    await DatabaseClient(sqlite_url).execute(
        "INSERT INTO opt_outs WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 2500) "
        "SELECT id FROM ids"
    )
    store, other = await open_store(sqlite_url), await open_store(sqlite_url)
    await store.save_settings(1, SETTINGS)
    await other.refresh()
    how(file)
    if noticed_by == "a write":
        with pytest.raises(StoreError, match="no such table"):
            await store.opt_in(7)
    store.count_mood(1, 10, NOON, "joy")
    await store.refresh()
    assert f"The database {file} was empty: the bot restored settings and opt-outs." in caplog.messages
    await other.refresh()
    for opened in (store, other, await open_store(sqlite_url)):
        assert opened.settings(1) == SETTINGS
        assert all(opened.has_opted_out(user_id) for user_id in range(1, 2501))
        assert await opened.moods(1, NOON) == [MoodCount(NOON, "joy", 1)]


async def test_restored_backup_is_used_unchanged(
    sqlite_url: str, file: Path, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store, other = await open_store(sqlite_url), await open_store(sqlite_url)
    await store.save_settings(1, SETTINGS)
    store.count_mood(1, 10, NOON, "joy")
    await store.refresh()
    await store.refresh()
    shutil.copy(file, file.with_name("backup"))
    await other.save_settings(1, ServerSettings())
    await other.save_settings(2, SETTINGS)
    await other.refresh()
    file.with_name("backup").replace(file)
    for process in (other, store):
        caplog.clear()
        await process.refresh()
        assert caplog.messages == [
            f"The database {file} cannot be used (its file was deleted or replaced): "
            "the bot keeps the settings it read last.",
            f"The database {file} is in use again.",
        ]
        assert (process.settings(1), process.is_configured(2)) == (SETTINGS, False)
        assert await process.moods(1, NOON) == [MoodCount(NOON, "joy", 1)]
        assert not process.has_opted_out(7)
    assert await DatabaseClient(sqlite_url).rows("PRAGMA integrity_check") == [("ok",)]


@asynccontextmanager
async def replacing_file(store: Store, url: str, file: Path) -> AsyncIterator[None]:
    """Replace the file by its own copy, under its lock, once the store under test has opened it and waits."""
    copy, opened = file.with_name("copy"), asyncio.Event()
    event.listen(store.sync._engine.sync_engine, "connect", lambda *_: opened.set())
    async with DatabaseClient(url).holding_all_locks():
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        yield
        await opened.wait()
        for log in file.parent.glob(f"{file.name}-*"):
            log.unlink()
        copy.replace(file)


async def test_counts_waiting_for_the_lock_of_a_replaced_file_are_kept(
    sqlite_url: str, file: Path, open_store: StoreOpener
) -> None:
    store = await open_store(sqlite_url)
    store.count_mood(1, 10, NOON, "joy")
    async with replacing_file(store, sqlite_url, file):
        writing = asyncio.create_task(store.write())
    await writing
    await store.refresh()
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 1)]
    assert not store.cache.waiting_moods


async def test_settings_waiting_for_the_lock_of_a_replaced_file_are_refused(
    sqlite_url: str, file: Path, open_store: StoreOpener
) -> None:
    store = await open_store(sqlite_url)
    async with replacing_file(store, sqlite_url, file):
        saving = asyncio.create_task(store.save_settings(1, SETTINGS))
    with pytest.raises(StoreError, match="its file was deleted or replaced"):
        await saving
    assert store.settings(1) == ServerSettings()
    await store.save_settings(1, SETTINGS)
    assert (await open_store(sqlite_url)).settings(1) == SETTINGS


async def test_refresh_reads_no_unchanged_rows(
    sqlite_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(sqlite_url)
    await store.save_settings(1, SETTINGS)
    await store.refresh()
    monkeypatch.setattr(store.sync, "_read_all", pytest.fail)
    for _ in range(3):
        await store.refresh()
