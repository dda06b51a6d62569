from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError, StatementError

from bot.server_settings import ServerSettings
from bot.store import MoodCount, Store, StoreError
from bot.store.engine import NEWEST, describe, open_engine, reason
from bot.store.tables import Table
from bot.store.upgrade import known_revisions
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.others import Others

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = ServerSettings(enabled=False)
GOES_ON = "the bot goes on with the settings known last."
OPEN_A_STORE = """
import asyncio, logging, sys
from bot.server_settings import ServerSettings
from bot.store import Store, StoreError
logging.basicConfig(level=logging.INFO)
async def main():
    store = Store(sys.argv[1])
    print('imported', flush=True)
    input()
    await store.refresh()
    await store.opt_out(int(sys.argv[2]))
    await store.close()
asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Nothing is there, not even the file."""
    return f"sqlite+aiosqlite:///{tmp_path / 'emobot.db'}"


def migrations(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    config.attributes["connection"] = connection
    return config


def downgrade(connection: Connection, revision: str = "base") -> None:
    command.downgrade(migrations(connection), revision)


def upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(migrations(connection), revision)


def differences(connection: Connection) -> list[object]:
    """Between the database and the tables that the code has."""
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata))


async def test_migrations_make_the_very_tables_of_the_code(url: str, store: Store) -> None:
    del store
    async with open_engine(make_url(url)).connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations_can_be_taken_back_and_made_again(url: str, store: Store, others: Others) -> None:
    engine = open_engine(make_url(url), patient=True)
    async with engine.begin() as connection:
        await connection.run_sync(downgrade)
    async with engine.connect() as connection:
        assert len(await connection.run_sync(differences)) >= len(Table.metadata.tables)
    assert await others.rows("SELECT * FROM alembic_version") == []
    await store.close()
    again = Store(url)
    await again.refresh()
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await again.close()


async def test_a_database_of_the_first_version_keeps_all_that_it_holds(
    url: str, others: Others, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(make_url(url), patient=True)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "0001")
    await others.execute(
        """INSERT INTO servers (guild_id, settings) VALUES (1, '{"enabled": false}')""",
        "INSERT INTO opt_outs VALUES (7)",
        "INSERT INTO moods VALUES (1, 10, '2026-03-01 12:00:00.000000', 'joy', 3)"
        if url.startswith("sqlite")
        else "INSERT INTO moods VALUES (1, 10, '2026-03-01 12:00:00+00', 'joy', 3)",
        "INSERT INTO corrections VALUES (1, 'joy', 'love', 2)",
    )
    store = await open_store(url)
    assert caplog.messages == []
    assert (store.settings(1), store.has_opted_out(7)) == (SETTINGS, True)
    store.count_mood(1, 10, NOON, "joy")
    await store.add_correction(1, "joy", "love")
    await store.refresh()
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 4)]
    assert await store.corrections(1) == {("joy", "love"): 3}
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_first_version_gets_back_what_it_can_hold(url: str, store: Store, others: Others) -> None:
    for label in ("joy", "passive aggressiveness"):
        store.count_mood(1, 10, NOON, label)
        await store.add_correction(1, label, label)
    await store.refresh()
    async with open_engine(make_url(url), patient=True).begin() as connection:
        await connection.run_sync(downgrade, "0001")
    assert await others.rows("SELECT emotion FROM moods") == [("joy",)]
    assert await others.rows("SELECT heard, meant FROM corrections") == [("joy", "joy")]


async def test_many_may_start_at_once(url: str, caplog: pytest.LogCaptureFixture) -> None:
    stores = [Store(url) for _ in range(5)]
    await asyncio.gather(*(store.refresh() for store in stores))
    await asyncio.gather(*(store.opt_out(n) for n, store in enumerate(stores)))
    for store in stores:
        await store.refresh()
        assert all(store.has_opted_out(n) for n in range(len(stores)))
        await store.close()
    assert caplog.messages == []


def start(url: str, user_id: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPEN_A_STORE, url, str(user_id)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_processes_may_start_at_once(url: str, open_store: StoreOpener) -> None:
    processes = [start(url, user_id) for user_id in (7, 8)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "imported\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate() for process in processes] == [("", "")] * 2
    store = await open_store(url)
    assert (store.has_opted_out(7), store.has_opted_out(8)) == (True, True)


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("sqlite+aiosqlite:///emobot.db", "emobot.db"),
        ("sqlite+aiosqlite:////var/lib/emobot.db", "/var/lib/emobot.db"),
        ("postgresql+asyncpg://me:secret@db.example.org:5433/emobot?password=secret", "emobot on db.example.org"),
        ("postgresql+asyncpg://me:secret@/emobot?host=/run/postgresql", "emobot"),
    ],
)
def test_a_database_is_named_without_what_is_secret(url: str, description: str) -> None:
    assert describe(make_url(url)) == description


class UnknownCertificateError(ValueError):
    """As asyncpg raises it while connecting, when no row is there to quote."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (TimeoutError(), "no answer in time"),
        (StoreError("it is gone"), "it is gone"),
        (ValueError("'secret' is no number"), "ValueError"),
        (DBAPIError("INSERT INTO x VALUES (?)", {"x": "secret"}, Exception("no space\nDETAIL: secret")), "no space"),
        (StatementError("odd", "INSERT INTO x VALUES (?)", {"x": "secret"}, ValueError("secret")), "ValueError"),
        (DBAPIError("INSERT", {}, sqlite3.IntegrityError("secret is not unique")), "IntegrityError"),
        (DBAPIError("INSERT", {}, UnknownCertificateError("root.crt does not exist")), "root.crt does not exist"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_describing_a_failure_gives_its_reason_alone(error: Exception, words: str) -> None:
    assert reason(error) == words


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def permissions(folder: Path) -> dict[str, str]:
    """Of all files in a folder."""
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir() if not path.is_symlink()}


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions: run `wsl python3 -m pytest`")
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], indirect=True)
async def test_database_file_is_readable_by_its_owner_only(
    tmp_path: Path, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked.db").symlink_to("elsewhere.db")
    for name in ("emobot.db", "linked.db"):
        store = await open_store(f"sqlite+aiosqlite:///{name}")
        await store.opt_out(7)
    files = {f"{name}{kind}" for name in ("emobot.db", "elsewhere.db") for kind in ("", "-wal", "-shm")}
    assert permissions(tmp_path) == dict.fromkeys(files, "0o600")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions: run `wsl python3 -m pytest`")
async def test_who_was_let_in_by_hand_stays_in(tmp_path: Path, open_store: StoreOpener) -> None:
    file = tmp_path / "emobot.db"
    file.touch(0o640)
    file.chmod(0o640)
    await open_store(f"sqlite+aiosqlite:///{file}")
    assert permissions(tmp_path)["emobot.db"] == "0o640"


async def test_a_file_can_be_opened_and_read_while_somebody_writes(
    sqlite_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.engine.PATIENCE", 0.2)
    await (await open_store(sqlite_url)).opt_out(7)
    async with Others(sqlite_url).holding_all_locks():
        store = await open_store(sqlite_url)
        assert store.has_opted_out(7)
        assert await store.corrections() == {}
    assert caplog.messages == []


async def test_a_file_that_cannot_be_written_ahead_just_now_is_read_all_the_same(
    sqlite_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.engine.PATIENCE", 0.2)
    first = await open_store(sqlite_url)
    await first.opt_out(7)
    await first.close()
    connection = sqlite3.connect(Path(str(make_url(sqlite_url).database)), isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN IMMEDIATE")  # as a process does that is about to set it
    store = await open_store(sqlite_url)
    assert store.has_opted_out(7)
    assert caplog.messages == []
    connection.close()
    await store.opt_out(8)
    assert await Others(sqlite_url).rows("PRAGMA journal_mode") == [("wal",)]


def test_newest_revision_is_the_last_of_the_scripts() -> None:
    assert max(known_revisions()) == NEWEST


def test_alembic_is_not_loaded_where_the_tables_are_current(migrated: Path, sqlite_url: str, tmp_path: Path) -> None:
    code = """
import asyncio, sys
from sqlalchemy import make_url
from bot.store.engine import migrate, open_engine

async def nothing(_connection):
    pass

for url in sys.argv[1:]:
    asyncio.run(migrate(open_engine(make_url(url)), nothing))
    print(sorted({"alembic", "sqlalchemy.dialects.postgresql"} & sys.modules.keys()))
"""
    current = shutil.copy(migrated, tmp_path / "current.db")
    command = [sys.executable, "-c", code, f"sqlite+aiosqlite:///{current}", sqlite_url]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert loaded[0] == "[]"
    assert "alembic" in loaded[1]
