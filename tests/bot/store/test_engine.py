from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, make_url

from bot.server_settings import ServerSettings
from bot.store.engine import LONG_TIMEOUT, TIMEOUT, describe, open_engine
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.support import DatabaseClient

pytestmark = pytest.mark.usefixtures("log_everything", "no_database_file")


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("sqlite+aiosqlite:///emobot.db", "emobot.db"),
        ("sqlite+aiosqlite:////var/lib/emobot.db", "/var/lib/emobot.db"),
        ("postgresql+asyncpg://me:secret@db.example.org:5433/emobot?password=secret", "emobot on db.example.org"),
        ("postgresql+asyncpg://me:secret@/emobot?host=/run/postgresql", "emobot"),
    ],
)
def test_database_name_contains_no_secret(url: str, description: str) -> None:
    assert describe(make_url(url)) == description


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def permissions(folder: Path) -> dict[str, str]:
    """Return the permissions of all files in a folder."""
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
async def test_permissions_set_by_hand_are_kept(tmp_path: Path, open_store: StoreOpener) -> None:
    file = tmp_path / "emobot.db"
    file.touch(0o640)
    file.chmod(0o640)
    await open_store(f"sqlite+aiosqlite:///{file}")
    assert permissions(tmp_path)["emobot.db"] == "0o640"


async def test_file_can_be_opened_and_read_during_a_write(
    sqlite_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.engine.TIMEOUT", 0.2)
    await (await open_store(sqlite_url)).opt_out(7)
    async with DatabaseClient(sqlite_url).holding_all_locks():
        store = await open_store(sqlite_url)
        assert store.has_opted_out(7)
        assert await store.corrections() == {}
    assert caplog.messages == []


async def test_locked_file_without_wal_is_still_readable(
    sqlite_url: str, open_store: StoreOpener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.engine.TIMEOUT", 0.2)
    first = await open_store(sqlite_url)
    await first.opt_out(7)
    await first.close()
    connection = sqlite3.connect(Path(str(make_url(sqlite_url).database)), isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN IMMEDIATE")  # as another process does to set the mode
    store = await open_store(sqlite_url)
    assert store.has_opted_out(7)
    assert caplog.messages == []
    connection.close()
    await store.opt_out(8)
    assert await DatabaseClient(sqlite_url).rows("PRAGMA journal_mode") == [("wal",)]


async def test_row_that_is_not_utf8_does_not_keep_the_others_from_being_read(
    tmp_path: Path, open_store: StoreOpener
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/emobot.db"
    store = await open_store(url)
    await store.save_settings(1, ServerSettings(mood=False))
    client = DatabaseClient(url)
    await client.execute("INSERT INTO servers (guild_id, settings) VALUES (2, CAST(x'7bff7d' AS TEXT))")
    fresh = await open_store(url)
    assert fresh.settings(1) == ServerSettings(mood=False)
    assert fresh.unreadable_settings(2) == r"{\xff}"


async def test_only_long_work_in_postgresql_may_take_long() -> None:
    limits: list[float] = []

    def note_limit(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> None:
        limits.append(options["command_timeout"])
        raise OSError("no server")

    for long_timeout in (False, True):
        engine = open_engine(make_url("postgresql+asyncpg:///emobot"), long_timeout=long_timeout)
        event.listen(engine.sync_engine, "do_connect", note_limit)
        with pytest.raises(OSError, match="no server"):
            await engine.open()
    assert limits == [TIMEOUT, LONG_TIMEOUT]
