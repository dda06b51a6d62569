from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url

from bot.server_settings import ServerSettings
from bot.store import MoodCount, Store
from bot.store.engine import open_engine
from bot.store.schema import NEWEST
from bot.store.tables import METADATA
from bot.store.upgrade import known_revisions
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.migrations import downgrade, upgrade
from tests.bot.store.support import DatabaseClient

pytestmark = pytest.mark.usefixtures("log_everything", "no_database_file")

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = ServerSettings(enabled=False)
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


def differences(connection: Connection) -> list[object]:
    """Return the differences between the database and the tables of the code."""
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


async def test_migrations_create_the_tables_of_the_code(url: str, store: Store) -> None:
    del store
    async with open_engine(make_url(url)).connect() as connection:
        assert await connection.run(differences) == []


async def test_migrations_can_be_reverted_and_repeated(url: str, store: Store, client: DatabaseClient) -> None:
    engine = open_engine(make_url(url), long_timeout=True)
    async with engine.begin() as connection:
        await connection.run(downgrade)
    async with engine.connect() as connection:
        assert len(await connection.run(differences)) >= len(METADATA.tables)
    assert await client.rows("SELECT * FROM alembic_version") == []
    await store.close()
    again = Store(url)
    await again.refresh()
    async with engine.connect() as connection:
        assert await connection.run(differences) == []
    await again.close()


async def test_upgrade_from_the_first_version_keeps_all_data(
    url: str, client: DatabaseClient, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(make_url(url), long_timeout=True)
    async with engine.begin() as connection:
        await connection.run(upgrade, "0001")
    await client.execute(
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
        assert await connection.run(differences) == []


async def test_downgrade_to_the_first_version_keeps_what_it_can_hold(
    url: str, store: Store, client: DatabaseClient
) -> None:
    for label in ("joy", "passive aggressiveness"):
        store.count_mood(1, 10, NOON, label)
        await store.add_correction(1, label, label)
    await store.refresh()
    async with open_engine(make_url(url), long_timeout=True).begin() as connection:
        await connection.run(downgrade, "0001")
    assert await client.rows("SELECT emotion FROM moods") == [("joy",)]
    assert await client.rows("SELECT heard, meant FROM corrections") == [("joy", "joy")]


async def test_many_stores_may_start_at_once(url: str, caplog: pytest.LogCaptureFixture) -> None:
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


def test_newest_revision_matches_the_last_script() -> None:
    assert max(known_revisions()) == NEWEST


def test_alembic_is_not_imported_if_the_tables_are_current(migrated: Path, sqlite_url: str, tmp_path: Path) -> None:
    code = """
import asyncio, sys
from sqlalchemy import make_url
from bot.store.engine import open_engine
from bot.store.schema import migrate

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
