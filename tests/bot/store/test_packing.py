from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from bot.store import MoodCount, Store
from bot.store.cache import MoodKey
from bot.store.engine import open_engine
from bot.store.packing import pack, unpack
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.migrations import downgrade, upgrade
from tests.bot.store.support import DatabaseClient
from tests.hostile import texts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
LATER = NOON + 4 * DAY
STORED_TEXTS = texts().map(lambda text: text.encode(errors="ignore").decode())
"""Texts that a database can hold: without surrogates, two of which JSON would read back as one character."""


async def pack_all(store: Store, now: datetime) -> int:
    """Pack until nothing is left, and return the number of batches."""
    last, pieces = None, 0
    while last := await store.pack_moods(now, last):
        pieces += 1
    return pieces


async def fill(store: Store) -> None:
    for hour in range(40):
        for channel_id in (10, 20):
            store.count_mood(1, channel_id, NOON + hour * HOUR, "joy", hour + 1)
            store.count_mood(2, channel_id, NOON + hour * HOUR, 'a "quoted"\nlabel', 2)
    await store.write()


@given(st.lists(st.tuples(st.integers(0, 2000), STORED_TEXTS, st.integers(1, 2**60)), max_size=20))
def test_packed_counts_can_be_unpacked(counts: list[tuple[int, str, int]]) -> None:
    keys = [(MoodKey(1, 10, LONG_AGO + hour * HOUR, emotion), messages) for hour, emotion, messages in counts]
    found = [count for row in pack(keys) for count in unpack(row["day"], row["counts"])]
    assert sorted(found) == sorted((key.hour, key.emotion, messages) for key, messages in keys)


def test_ordinary_day_of_a_channel_takes_one_row_of_at_most_240_bytes() -> None:
    """docs/scaling.md uses this to estimate the size of 90 days of a million servers."""
    emotions = ("neutral", "amusement", "curiosity", "annoyance")
    counts = [(MoodKey(1, 10, NOON + hour * HOUR, emotion), 30) for hour in range(6) for emotion in emotions]
    [row] = pack(counts)
    assert len(row["counts"]) <= 240


async def test_packing_keeps_every_count(store: Store, client: DatabaseClient) -> None:
    await fill(store)
    before = [await store.export_guild(guild_id) for guild_id in (1, 2)]
    hours = await store.moods(1, NOON + HOUR, [20])
    assert await pack_all(store, LATER) == 1
    assert await client.rows("SELECT count(*) FROM moods") == [(0,)]
    assert len(await client.rows("SELECT * FROM mood_days")) == 2 * 2 * 3  # servers, channels, days that it touches
    assert [await store.export_guild(guild_id) for guild_id in (1, 2)] == before
    assert await store.moods(1, NOON + HOUR, [20]) == hours
    assert set(await store.known_guilds()) == {1, 2}


async def test_today_and_yesterday_are_not_packed(store: Store, client: DatabaseClient) -> None:
    await fill(store)
    await pack_all(store, NOON + DAY + 11 * HOUR)
    assert await client.rows("SELECT count(*) FROM mood_days") == [(0,)]
    await pack_all(store, NOON + DAY + 12 * HOUR)
    assert {len(row) for row in await client.rows("SELECT * FROM mood_days")} == {4}
    assert await client.rows("SELECT count(*) FROM moods") == [(28 * 4,)]
    assert sum(count.messages for count in await store.moods(1, LONG_AGO)) == 2 * sum(range(1, 41))


async def test_packing_is_done_in_batches(
    store: Store, client: DatabaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store)
    before = await store.export_guild(1)
    monkeypatch.setattr("bot.store.store._PACK_BATCH", 45)
    assert await pack_all(store, LATER) == 4
    assert await client.rows("SELECT count(*) FROM moods") == [(0,)]
    assert await store.export_guild(1) == before


async def test_late_counts_are_added_to_packed_days(store: Store) -> None:
    for _ in range(2):
        store.count_mood(1, 10, NOON, "joy", 2)
        await store.write()
        await pack_all(store, LATER)
    store.count_mood(1, 10, NOON, "joy", 2)
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 6)]
    await store.write()
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 6)]


async def test_concurrent_packing_and_counting_loses_no_count(url: str, open_store: StoreOpener) -> None:
    stores = [await open_store(url) for _ in range(3)]
    await fill(stores[0])

    async def count(store: Store) -> None:
        for _ in range(5):
            store.count_mood(1, 10, NOON, "joy")
            await store.write()

    await asyncio.gather(count(stores[0]), count(stores[1]), pack_all(stores[2], LATER), pack_all(stores[1], LATER))
    [first] = [count for count in await stores[2].moods(1, NOON, [10]) if count.hour == NOON]
    assert first == MoodCount(NOON, "joy", 1 + 2 * 5)


async def purge_all(store: Store, now: datetime) -> None:
    while await store.purge(now):
        pass


async def test_packed_day_is_erased_when_its_first_hour_expires(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.store._ERASE_BATCH", 1)  # in pieces
    store = Store(url, mood_days=30)
    await store.refresh()
    await fill(store)
    await pack_all(store, LATER)
    midnight = NOON - 12 * HOUR
    await purge_all(store, midnight + 30 * DAY)
    assert min(count.hour for count in await store.moods(1, LONG_AGO)) == NOON
    await purge_all(store, midnight + 30 * DAY + timedelta(seconds=1))
    assert min(count.hour for count in await store.moods(1, LONG_AGO)) == midnight + DAY
    await store.close()


async def test_server_with_packed_days_only_can_be_erased(store: Store, open_store: StoreOpener, url: str) -> None:
    await fill(store)
    await pack_all(store, LATER)
    other = await open_store(url)
    other.count_mood(2, 10, LATER, "joy")
    await store.erase_guild(1)
    await other.write()
    assert set(await store.known_guilds()) == {2}
    assert await store.moods(2, LATER) == [MoodCount(LATER, "joy", 1)]


async def test_downgrade_unpacks_every_count(url: str, store: Store, client: DatabaseClient) -> None:
    store.count_mood(1, 10, NOON, "joy", 2)
    await store.write()
    await pack_all(store, LATER)
    store.count_mood(1, 10, NOON, "joy")
    store.count_mood(1, 10, NOON + HOUR, "fear")
    await store.write()
    engine = open_engine(make_url(url), long_timeout=True)
    async with engine.begin() as connection:
        await connection.run(downgrade, "0006")
    assert await client.rows("SELECT emotion, messages FROM moods ORDER BY hour") == [("joy", 3), ("fear", 1)]
    async with engine.begin() as connection:
        await connection.run(upgrade, "0007")
    assert [count.messages for count in await store.moods(1, NOON)] == [3, 1]
