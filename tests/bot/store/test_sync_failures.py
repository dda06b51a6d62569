"""The bot keeps running whatever happens to the database, and no write is left half done."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.server_settings import ServerSettings
from bot.store import MoodCount, Store, StoreError
from bot.store.cache import MAX_WAITING
from bot.store.sync import _LOCK_TIMEOUT
from bot.store.tables import METADATA
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.support import DatabaseClient, Network, run_pragma_on_connect

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = ServerSettings(enabled=False)
BIG = ServerSettings(channels=frozenset(range(10**17, 10**17 + 500)))
CHANNELS = 1500
KEEPS_SETTINGS = "the bot keeps the settings it read last."


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@asynccontextmanager
async def locked(client: DatabaseClient, _network: Network | None) -> AsyncIterator[None]:
    async with client.holding_all_locks():
        yield


@asynccontextmanager
async def full(client: DatabaseClient, network: Network | None) -> AsyncIterator[None]:
    if network is None:
        await client.execute("VACUUM")
        with run_pragma_on_connect("PRAGMA max_page_count = 1"):  # SQLite uses the current size if that is larger
            yield
        return
    await client.execute(
        "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER no_space BEFORE INSERT OR UPDATE ON servers FOR EACH ROW EXECUTE FUNCTION no_space()",
        "CREATE TRIGGER no_space BEFORE INSERT ON moods FOR EACH ROW WHEN (NEW.channel_id = 1400) "
        "EXECUTE FUNCTION no_space()",
    )
    yield
    await client.execute("DROP FUNCTION no_space CASCADE")


@asynccontextmanager
async def read_only(client: DatabaseClient, network: Network | None) -> AsyncIterator[None]:
    if network is None:
        with run_pragma_on_connect("PRAGMA query_only = 1"):
            yield
        return
    [[name]] = await client.rows("SELECT current_database()")
    await client.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await client.end_connections()
    yield
    await client.execute("SET TRANSACTION READ WRITE", f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await client.end_connections()


@asynccontextmanager
async def changed_by_hand(client: DatabaseClient, _network: Network | None) -> AsyncIterator[None]:
    tables = ("servers", "opt_outs", "moods")
    await client.execute(*(f"ALTER TABLE {table} RENAME TO old_{table}" for table in tables))
    yield
    await client.execute(*(f"ALTER TABLE old_{table} RENAME TO {table}" for table in tables))


@asynccontextmanager
async def unreachable(_client: DatabaseClient, network: Network | None) -> AsyncIterator[None]:
    assert network
    await network.refuse_connections()
    yield
    await network.restore()


@asynccontextmanager
async def unresponsive(_client: DatabaseClient, network: Network | None) -> AsyncIterator[None]:
    assert network
    network.drop_all_data()
    yield
    await network.restore()


Fault = Callable[[DatabaseClient, Network | None], AbstractAsyncContextManager[None]]
LOST = "its connection was lost"
FAULTS: list[tuple[str, Fault, str]] = [
    ("sqlite", locked, "database is locked"),
    ("sqlite", full, "database or disk is full"),
    ("sqlite", read_only, "attempt to write a readonly database"),
    ("sqlite", changed_by_hand, "no such table: servers"),
    ("postgres", locked, "no answer in time"),
    ("postgres", full, "could not extend file"),
    ("postgres", read_only, f"{LOST}|cannot execute INSERT in a read-only transaction"),
    ("postgres", changed_by_hand, 'relation "\\w+" does not exist'),
    ("postgres", unreachable, f"{LOST}|.*Connect call failed .*"),
    ("postgres", unresponsive, f"{LOST}|no answer in time"),
]


@dataclass
class Case:
    url: str
    network: Network | None
    fault: Fault
    reason: str


@pytest.fixture(params=FAULTS, ids=[f"{database}-{fault.__name__}" for database, fault, _ in FAULTS])
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    database, fault, reason = request.param
    monkeypatch.setattr("bot.store.engine.TIMEOUT", 0.2 if database == "sqlite" else 1.0)
    network = request.getfixturevalue("network") if database == "postgres" else None
    return Case(request.getfixturevalue(f"{database}_url"), network, fault, reason)


async def test_outage_is_logged_once_and_the_store_recovers_from_it(
    case: Case, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    client = DatabaseClient(case.url)
    store = await open_store(case.network.url if case.network else case.url)
    await store.save_settings(1, SETTINGS)
    await store.opt_out(7)
    for channel_id in range(CHANNELS):
        store.count_mood(1, channel_id, NOON, "joy")
    async with case.fault(client, case.network):
        async with asyncio.timeout(20):
            for _ in range(2):
                await store.refresh()
        [warning] = caplog.messages
        assert re.fullmatch(
            rf"The database \S+( on \S+)? cannot be used \(({case.reason})\): {KEEPS_SETTINGS}", warning
        )
        with pytest.raises(StoreError):
            await store.save_settings(1, BIG)
        assert (store.settings(1), store.has_opted_out(7)) == (SETTINGS, True)
        store.count_mood(1, 0, NOON, "joy")
    [[written]] = await client.rows("SELECT coalesce(sum(messages), 0) FROM moods")
    assert written + sum(store.cache.waiting_moods.values()) == CHANNELS + 1
    caplog.clear()
    for _ in range(2):
        await store.refresh()
    assert caplog.messages[-1].endswith(" is in use again.")
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    for opened in (store, await open_store(case.url)):
        assert (opened.settings(1), opened.has_opted_out(7)) == (SETTINGS, True)
        assert await opened.moods(1, NOON) == [MoodCount(NOON, "joy", CHANNELS + 1)]
    await store.save_settings(1, BIG)
    assert store.settings(1) == BIG


async def test_failed_write_changes_nothing(
    url: str, store: Store, client: DatabaseClient, open_store: StoreOpener
) -> None:
    await store.save_settings(1, SETTINGS)
    await store.opt_out(7)
    await store.add_correction(1, "joy", "love")
    await store.refresh()
    store.count_mood(1, 10, NOON, "joy")
    before = await store.export_guild(1)
    async with read_only(client, None if url.startswith("sqlite") else Network(url)):
        for write in (
            store.save_settings(1, ServerSettings()),
            store.opt_in(7),
            store.erase_user(7),
            store.opt_out(8),
            store.add_correction(1, "joy", "love"),
            store.mark_left(1, NOON),
            store.erase_guild(1),
        ):
            with pytest.raises(StoreError):
                await write
        assert (store.settings(1), store.has_opted_out(7), store.has_opted_out(8)) == (SETTINGS, True, False)
    assert await store.export_guild(1) == before
    await store.close()
    fresh = await open_store(url)
    assert await fresh.export_guild(1) == before
    assert (fresh.has_opted_out(7), fresh.has_opted_out(8)) == (True, False)


async def test_held_lock_raises_within_three_seconds(
    store: Store, client: DatabaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.sync._LOCK_TIMEOUT", _LOCK_TIMEOUT)
    async with client.holding_all_locks():
        began = time.monotonic()
        refusals = await asyncio.gather(*(store.opt_out(user_id) for user_id in range(3)), return_exceptions=True)
        assert [type(refusal) for refusal in refusals] == [StoreError] * 3
        assert time.monotonic() - began < 3
    await store.opt_out(7)
    assert store.has_opted_out(7)


@pytest.mark.usefixtures("short_timeouts")
async def test_write_failure_is_logged_once_and_recovers(
    store: Store, client: DatabaseClient, caplog: pytest.LogCaptureFixture
) -> None:
    store.count_mood(1, 10, NOON, "joy")
    async with client.holding_all_locks():
        for _ in range(2):
            await store.write()
    assert [message.rpartition(" cannot be used")[2][-len(KEEPS_SETTINGS) :] for message in caplog.messages] == [
        KEEPS_SETTINGS
    ]
    await store.write()
    assert caplog.messages[1:] == [caplog.messages[0].partition(" cannot")[0] + " is in use again."]
    assert await client.rows("SELECT emotion, messages FROM moods") == [("joy", 1)]


async def assert_store_recovers(store: Store, caplog: pytest.LogCaptureFixture, restore: Callable[[], object]) -> None:
    """Check that a store that finds no database at first uses it later."""
    for _ in range(2):
        await store.refresh()
    [warning] = caplog.messages
    assert warning.endswith("): the bot reads no messages until it works.")
    assert (store.ready, store.settings(1), store.has_opted_out(7)) == (False, ServerSettings(), False)
    with pytest.raises(StoreError):
        await store.opt_out(7)
    store.count_mood(1, 10, NOON, "joy")
    started = restore()
    if isinstance(started, Awaitable):
        await started
    await store.refresh()
    assert store.ready
    assert caplog.messages[1:] == [warning.partition(" cannot")[0] + " is in use again."]
    await store.opt_out(7)
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 1)]
    await store.close()


async def test_store_recovers_from_an_initially_unopenable_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "missing"
    await assert_store_recovers(Store(f"sqlite+aiosqlite:///{folder / 'emobot.db'}"), caplog, folder.mkdir)


async def test_store_recovers_from_a_file_that_was_not_a_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "emobot.db"
    file.write_text("This is no database. " * 100)
    await assert_store_recovers(Store(f"sqlite+aiosqlite:///{file}"), caplog, file.unlink)


async def test_store_recovers_from_an_initially_absent_server(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(network.url)
    await network.refuse_connections()
    await assert_store_recovers(store, caplog, network.restore)


async def test_database_of_a_later_version_is_left_unchanged(
    url: str, store: Store, client: DatabaseClient, caplog: pytest.LogCaptureFixture
) -> None:
    await store.save_settings(1, SETTINGS)
    await client.execute("UPDATE alembic_version SET version_num = 'later than ' || version_num")
    async with read_only(client, None if url.startswith("sqlite") else Network(url)):
        with pytest.raises(StoreError):
            await store.opt_out(7)  # the store now has to open the database again, as after an upgrade
    newcomer = Store(url)
    for opened, known in ((store, SETTINGS), (newcomer, ServerSettings())):
        caplog.clear()
        for _ in range(2):
            await opened.refresh()
        warning = r"cannot be used \(a later version of the bot has brought it to revision later than \d+\): the bot "
        assert re.search(warning, caplog.messages[-1])
        assert opened.settings(1) == known
        with pytest.raises(StoreError, match="later version"):
            await opened.opt_out(7)
    assert await client.rows("SELECT * FROM opt_outs") == []
    await client.execute("UPDATE alembic_version SET version_num = substr(version_num, 12)")
    for opened in (store, newcomer):
        await opened.refresh()
        await opened.opt_out(7)
        assert opened.settings(1) == SETTINGS
        await opened.close()


@pytest.mark.parametrize("recover", [Store.refresh, Store.write])
async def test_tables_lost_while_the_bot_runs_are_recreated(
    store: Store,
    client: DatabaseClient,
    url: str,
    open_store: StoreOpener,
    caplog: pytest.LogCaptureFixture,
    recover: Callable[[Store], Awaitable[None]],
) -> None:
    """As if somebody restored an empty dump, or reverted the migrations."""
    await store.save_settings(1, SETTINGS)
    await store.opt_out(7)
    await store.refresh()
    await client.execute(*(f"DROP TABLE {table}" for table in (*METADATA.tables, "alembic_version")))
    with pytest.raises(StoreError):
        await store.opt_out(8)
    store.count_mood(1, 10, NOON, "joy")
    await recover(store)
    assert "was empty: the bot restored settings and opt-outs." in caplog.text
    for opened in (store, await open_store(url)):
        assert (opened.settings(1), opened.has_opted_out(7), opened.has_opted_out(8)) == (SETTINGS, True, False)


async def test_waiting_counts_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert MAX_WAITING == 100_000
    monkeypatch.setattr("bot.store.cache.MAX_WAITING", 3)
    folder = tmp_path / "missing"
    store = Store(f"sqlite+aiosqlite:///{folder / 'emobot.db'}")
    for channel_id in (0, 1, 2, 3, 4, 0):
        store.count_mood(1, channel_id, NOON, "joy")
    warning = "3 mood counts wait for the database: new ones are lost until it works again."
    assert caplog.messages == [warning]
    folder.mkdir()
    await store.refresh()
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 4)]
    for channel_id in range(4):
        store.count_mood(1, channel_id, NOON, "joy")
    assert caplog.messages == [warning, warning]
    await store.refresh()
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 7)]
    await store.close()


BROKEN = "\ud800 secret"  # half of a surrogate pair, which every database refuses


async def test_refused_count_is_skipped_and_the_rest_is_written(
    url: str, store: Store, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    def count(channel_id: int) -> None:
        for label in ("joy", BROKEN, "love", BROKEN + "!", "fear"):
            store.count_mood(1, channel_id, NOON, label)

    count(10)
    store.count_mood(1, 10, NOON, "joy", 2)
    await store.refresh()
    count(11)  # and the bot keeps counting it
    await store.refresh()
    [warning] = caplog.messages
    assert "refused" in warning
    assert "secret" not in warning
    for opened in (store, await open_store(url)):
        counts = await opened.moods(1, NOON)
        assert {count.emotion: count.messages for count in counts} == {"joy": 4, "love": 2, "fear": 2}
    await store.close()
    assert caplog.messages == [warning]


async def test_counts_lost_at_close_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'emobot.db'}")
    store.count_mood(1, 10, NOON, "joy")
    store.count_mood(1, 10, NOON, "fear")
    await store.close()
    await asyncio.sleep(0.1)  # aiosqlite does not wait for the thread of a connection that could not be made
    assert caplog.messages[-1] == "2 mood counts could not be written and are lost."


async def test_errors_contain_neither_password_nor_values(
    postgres_url: str, network: Network, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    await open_store(postgres_url)
    url = make_url(network.url).set(password="hunter2").render_as_string(hide_password=False)
    store = await open_store(url)
    await DatabaseClient(postgres_url).execute("DROP TABLE opt_outs")
    warning = []
    for down in (False, True):
        if down:
            await network.refuse_connections()
        for write in (store.opt_out(123456789), store.opt_out(2**63)):
            with pytest.raises(StoreError) as refusal:
                await write
            warning.append("".join(traceback.format_exception(refusal.value)))
        await store.refresh()
    assert len(caplog.messages) >= 1
    for text in [*warning, caplog.text]:
        for secret in ("hunter2", "123456789", str(2**63)):
            assert secret not in text
