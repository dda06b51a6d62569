from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.server_settings import Liveliness, ServerSettings
from bot.store import GRACE_PERIOD, MoodCount, Store, StoreError, UnreadableSettingsError
from bot.store.tables import METADATA
from tests.bot.store.conftest import StoreOpener
from tests.bot.store.support import DatabaseClient

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
SETTINGS = ServerSettings(
    enabled=False,
    channel_rule="only",
    channels=frozenset({2**62, 5}),
    liveliness=Liveliness.LIVELY,
    model="rnn",
    muted=frozenset({"joy", "anger"}),
    emoji={"love": "💙", "pride": "<:lion:123456789012345678>"},
    mood=False,
)


def test_new_store_creates_no_file_and_has_default_settings(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'emobot.db'}")
    assert not store.ready
    assert list(tmp_path.iterdir()) == []
    assert (store.settings(1), store.is_configured(1), store.has_opted_out(1)) == (ServerSettings(), False, False)


async def test_new_database_is_empty(store: Store) -> None:
    assert store.ready
    assert (store.settings(1), store.is_configured(1), store.has_opted_out(1)) == (ServerSettings(), False, False)
    assert await store.moods(1, LONG_AGO) == []
    assert (await store.corrections(), await store.known_guilds()) == ({}, {})
    assert await store.verdicts(("rnn", "bilstm")) == {}
    assert await store.export_user(1) == {"user_id": 1, "opted_out": False}
    assert await store.export_guild(1) == {
        "guild_id": 1,
        "settings": None,
        "left_at": None,
        "posted_week": None,
        "moods": [],
        "corrections": [],
        "duels": [],
    }


async def test_settings_are_those_that_were_saved_last(url: str, store: Store, open_store: StoreOpener) -> None:
    await store.save_settings(1, ServerSettings())
    await store.save_settings(2, ServerSettings())
    await store.save_settings(2, SETTINGS)
    for opened in (store, await open_store(url)):
        assert [opened.settings(guild_id) for guild_id in (1, 2, 3)] == [ServerSettings(), SETTINGS, ServerSettings()]
        assert [opened.is_configured(guild_id) for guild_id in (1, 2, 3)] == [True, True, False]


async def test_opt_out_lasts_until_the_person_opts_in(url: str, store: Store, open_store: StoreOpener) -> None:
    for user_id in (7, 7, 8, 2**63 - 1):
        await store.opt_out(user_id)
    await store.opt_in(8)
    await store.opt_in(9)
    for opened in (store, await open_store(url)):
        assert [opened.has_opted_out(user_id) for user_id in (7, 8, 9, 2**63 - 1)] == [True, False, False, True]
    assert await store.export_user(7) == {"user_id": 7, "opted_out": True}


async def test_erasing_a_person_removes_the_opt_out(
    url: str, store: Store, client: DatabaseClient, open_store: StoreOpener
) -> None:
    await store.opt_out(7)
    await store.erase_user(7)
    assert not store.has_opted_out(7)
    assert not (await open_store(url)).has_opted_out(7)
    assert await client.rows("SELECT * FROM opt_outs") == []


def test_tables_have_no_text_and_only_opt_outs_by_person() -> None:
    columns = {f"{table.name}.{column.name}" for table in METADATA.sorted_tables for column in table.columns}
    assert columns == {
        *("servers.guild_id", "servers.settings", "servers.left_at", "servers.posted_week", "opt_outs.user_id"),
        *("moods.guild_id", "moods.channel_id", "moods.hour", "moods.emotion", "moods.messages"),
        *("mood_days.guild_id", "mood_days.channel_id", "mood_days.day", "mood_days.counts"),
        *("corrections.guild_id", "corrections.heard", "corrections.meant", "corrections.times"),
        *("duels.guild_id", "duels.model", "duels.rival", "duels.verdict", "duels.times"),
        *("erasures.id", "erasures.number"),  # how many servers, without naming them
        *("jobs.name", "jobs.begun_at"),  # such as the purge
    }


async def test_settings_of_another_version_are_kept_unparsed(
    url: str, store: Store, client: DatabaseClient, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    await store.save_settings(1, SETTINGS)
    await client.execute(
        """INSERT INTO servers (guild_id, settings) VALUES (2, '{"enabled" : false, "telepathy" : true}')""",
        "INSERT INTO servers (guild_id, settings) VALUES (3, 'enabled: no')",
    )
    fresh = await open_store(url)
    for _ in range(2):
        assert fresh.settings(1) == SETTINGS
        for guild_id in (2, 3):  # with the defaults, it would read channels from which it was excluded
            assert not fresh.settings(guild_id).enabled
            assert not fresh.settings(guild_id).mood
        await fresh.opt_out(7)
        await fresh.refresh()
    first, second = caplog.messages
    fault = "Object contains unknown field 'telepathy'"
    assert first == f"The settings of server 2 cannot be read, so the bot is silent there: {fault}"
    assert second.startswith("The settings of server 3 cannot be read")
    assert (await fresh.export_guild(2))["settings"] == {"enabled": False, "telepathy": True}
    assert (await fresh.export_guild(3))["settings"] == "enabled: no"
    assert [fresh.unreadable_settings(guild_id) for guild_id in (1, 3, 4)] == [None, "enabled: no", None]
    for guild_id in (2, 3):
        with pytest.raises(UnreadableSettingsError):
            await fresh.change_settings(guild_id, lambda old: (old, None))
    assert (await fresh.export_guild(3))["settings"] == "enabled: no"
    await fresh.save_settings(2, SETTINGS)
    assert fresh.settings(2) == SETTINGS
    assert fresh.unreadable_settings(2) is None


async def test_settings_that_cannot_be_parsed_are_exported_as_text(
    url: str, client: DatabaseClient, open_store: StoreOpener
) -> None:
    await (await open_store(url)).refresh()
    await client.execute("INSERT INTO servers (guild_id, settings) VALUES (2, '" + "[" * 10_000 + "')")
    assert (await (await open_store(url)).export_guild(2))["settings"] == "[" * 10_000


async def test_moods_are_counted_by_channel_and_hour(store: Store) -> None:
    elsewhere = timezone(timedelta(hours=5, minutes=45))
    store.count_mood(1, 10, NOON, "joy")
    store.count_mood(1, 10, (NOON + timedelta(minutes=59)).astimezone(elsewhere), "joy")
    store.count_mood(1, 10, NOON + HOUR, "joy")
    store.count_mood(1, 11, NOON, "joy", 5)
    store.count_mood(1, 11, NOON, "fear")
    store.count_mood(2, 20, NOON, "joy")
    for _ in range(3):  # waiting, written, and written no more than once
        assert await store.moods(1, LONG_AGO) == [
            MoodCount(NOON, "fear", 1),
            MoodCount(NOON, "joy", 7),
            MoodCount(NOON + HOUR, "joy", 1),
        ]
        assert await store.moods(1, NOON + HOUR) == [MoodCount(NOON + HOUR, "joy", 1)]
        assert await store.moods(1, NOON, [10]) == [MoodCount(NOON, "joy", 2), MoodCount(NOON + HOUR, "joy", 1)]
        assert await store.moods(2, NOON, [10]) == []
        await store.refresh()


async def test_undone_count_leaves_no_row(store: Store, client: DatabaseClient) -> None:
    store.count_mood(1, 10, NOON, "joy")
    store.count_mood(1, 10, NOON, "joy", -1)
    await store.refresh()
    store.count_mood(1, 10, NOON, "fear")
    store.count_mood(1, 10, NOON, "love", 2)
    await store.refresh()
    store.count_mood(1, 10, NOON, "fear", -1)
    store.count_mood(1, 10, NOON, "love", -1)
    assert await store.moods(1, NOON) == [MoodCount(NOON, "love", 1)]
    await store.refresh()
    assert await store.moods(1, NOON) == [MoodCount(NOON, "love", 1)]
    assert await client.rows("SELECT emotion, messages FROM moods") == [("love", 1)]


async def test_waiting_counts_are_written_once(store: Store, client: DatabaseClient) -> None:
    await store.write()
    store.count_mood(1, 10, NOON, "joy")
    await store.write()
    await store.write()
    assert await client.rows("SELECT emotion, messages FROM moods") == [("joy", 1)]


async def test_random_counts_of_two_processes_are_neither_lost_nor_doubled(
    url: str, store: Store, open_store: StoreOpener
) -> None:
    """Two processes count at random in two channels each; each knows what is written and what it counted itself."""
    chance = random.Random(1)  # noqa: S311 - chance, not secrecy
    processes = [store, await open_store(url)]
    expected: Counter[tuple[int, datetime, str]] = Counter()
    for _ in range(200):
        channel_id, when = chance.randrange(4), NOON + chance.randrange(3) * HOUR
        key = (channel_id, when, chance.choice(["joy", "fear", "love"]))
        messages = chance.choice([1, -1]) if expected[key] else 1
        expected[key] += messages
        processes[channel_id % 2].count_mood(1, *key, messages)
        if chance.random() < 0.1:
            await chance.choice(processes).refresh()
    await processes[0].refresh()
    for channel_id in range(4):
        counts = await processes[1].moods(1, NOON, [channel_id])
        kept = {(channel_id, count.hour, count.emotion): count.messages for count in counts}
        assert kept == {key: messages for key, messages in expected.items() if messages and key[0] == channel_id}


async def test_processes_may_write_the_same_counts_at_once(
    url: str, store: Store, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    other = await open_store(url)
    channels = range(2500)
    for channel_id in channels:
        store.count_mood(1, channel_id, NOON, "joy")
        other.count_mood(1, channels[-1 - channel_id], NOON, "joy")
    await asyncio.gather(store.refresh(), other.refresh())
    assert caplog.messages == []
    assert await store.moods(1, NOON) == [MoodCount(NOON, "joy", 2 * len(channels))]


async def test_corrections_are_counted_as_pairs(url: str, store: Store, open_store: StoreOpener) -> None:
    other = await open_store(url)
    await store.add_correction(1, "joy", "love")
    await other.add_correction(1, "joy", "love")
    await store.add_correction(2, "joy", "love")
    await store.add_correction(0, "fear", "fear")
    assert await other.corrections(1) == {("joy", "love"): 2}
    assert await other.corrections() == {("fear", "fear"): 1, ("joy", "love"): 3}


async def test_verdicts_on_a_pair_are_counted_in_either_order(url: str, store: Store, open_store: StoreOpener) -> None:
    other = await open_store(url)
    await store.add_verdict(1, ("rnn", "bilstm"), "rnn")
    await other.add_verdict(1, ("bilstm", "rnn"), "rnn")
    await store.add_verdict(1, ("rnn", "bilstm"), "both")
    await store.add_verdict(0, ("rnn", "bilstm"), "rnn")
    await store.add_verdict(1, ("rnn", "gru"), "gru")
    assert await other.verdicts(("rnn", "bilstm"), 1) == {"rnn": 2, "both": 1}
    assert await other.verdicts(("bilstm", "rnn")) == {"rnn": 3, "both": 1}
    assert await other.verdicts(("gru", "rnn"), 1) == {"gru": 1}
    assert await other.verdicts(("gru", "rnn"), 0) == {}


async def test_emotion_may_have_any_name(store: Store) -> None:
    """Own data sets have their own labels, longer than ours and in any script."""
    label = "passive aggressiveness, or what they call it: 受動的攻撃性 " * 10
    store.count_mood(1, 10, NOON, label)
    await store.add_correction(1, label, label.upper())
    await store.refresh()
    assert await store.moods(1, NOON) == [MoodCount(NOON, label, 1)]
    assert await store.corrections(1) == {(label, label.upper()): 1}


async def test_known_guilds_are_all_with_data(store: Store) -> None:
    await store.save_settings(1, SETTINGS)
    await store.mark_left(2, NOON)
    await store.add_correction(3, "joy", "love")
    store.count_mood(4, 40, NOON, "joy")
    await store.refresh()
    store.count_mood(5, 50, NOON, "joy")
    await store.add_verdict(6, ("rnn", "bilstm"), "rnn")
    await store.add_correction(0, "joy", "love")  # in direct messages, which no server ever leaves
    assert set(await store.known_guilds()) == {1, 2, 3, 4, 5, 6}


async def fill(store: Store, guild_id: int) -> None:
    """Add data of every kind, written and waiting."""
    await store.save_settings(guild_id, SETTINGS)
    await store.claim_week(guild_id, "2026-W09")
    await store.add_correction(guild_id, "joy", "love")
    await store.add_verdict(guild_id, ("rnn", "bilstm"), "both")
    store.count_mood(guild_id, 10, NOON, "joy", 2)
    await store.refresh()
    store.count_mood(guild_id, 10, NOON, "joy")
    store.count_mood(guild_id, 11, NOON + HOUR, "fear")


EXPORTED = {
    "settings": json.loads(SETTINGS.to_json()),
    "posted_week": "2026-W09",
    "moods": [
        {"channel_id": 10, "hour": "2026-03-01T12:00:00+00:00", "emotion": "joy", "messages": 3},
        {"channel_id": 11, "hour": "2026-03-01T13:00:00+00:00", "emotion": "fear", "messages": 1},
    ],
    "corrections": [{"heard": "joy", "meant": "love", "times": 1}],
    "duels": [{"model": "bilstm", "rival": "rnn", "verdict": "both", "times": 1}],
}


async def test_export_has_all_data_about_a_server(store: Store) -> None:
    await fill(store, 1)
    await fill(store, 2)
    await store.mark_left(2, NOON)
    exported = json.loads(json.dumps([await store.export_guild(1), await store.export_guild(2)]))
    assert exported == [
        {"guild_id": 1, "left_at": None, **EXPORTED},
        {"guild_id": 2, "left_at": "2026-03-01T12:00:00+00:00", **EXPORTED},
    ]


async def test_erasing_a_server_removes_all_its_data_and_no_other(
    url: str, store: Store, open_store: StoreOpener
) -> None:
    await fill(store, 1)
    await fill(store, 2)
    await store.erase_guild(1)
    await store.refresh()
    for opened in (store, await open_store(url)):
        assert (opened.settings(1), opened.is_configured(1)) == (ServerSettings(), False)
        assert set(await opened.known_guilds()) == {2}
        assert await opened.export_guild(2) == {"guild_id": 2, "left_at": None, **EXPORTED}


async def test_a_server_is_erased_when_the_bot_has_been_gone_for_longer_than_the_grace_period(
    url: str, store: Store, open_store: StoreOpener
) -> None:
    for guild_id in (1, 2, 3):
        await fill(store, guild_id)
        await store.mark_left(guild_id, NOON)
    await store.mark_left(1, NOON + HOUR)  # as at the next start of the bot; the earlier time remains
    await store.mark_present(2)
    await store.mark_left(3, NOON)
    await store.mark_present(3)
    await store.mark_left(3, NOON + HOUR)  # left once more
    store.count_mood(4, 40, NOON, "joy")
    await store.mark_left(4, NOON)  # never configured
    await store.purge(NOON + GRACE_PERIOD)
    assert set(await store.known_guilds()) == {1, 2, 3, 4}
    await store.purge(NOON + GRACE_PERIOD + timedelta(seconds=1))
    await store.refresh()
    assert set(await store.known_guilds()) == {2, 3}
    for opened in (store, await open_store(url)):
        assert [opened.is_configured(guild_id) for guild_id in (1, 2, 3, 4)] == [False, True, True, False]
    await store.purge(NOON + HOUR + GRACE_PERIOD + timedelta(seconds=1))
    assert set(await store.known_guilds()) == {2}
    assert (await store.export_guild(2))["left_at"] is None


async def test_job_is_claimed_by_one_process_until_it_is_due_again(url: str, open_store: StoreOpener) -> None:
    processes = [await open_store(url) for _ in range(4)]
    for now in (NOON, NOON + HOUR):
        claims = await asyncio.gather(*(process.claim_job("purge", now, HOUR) for process in processes))
        assert sorted(claims) == [False, False, False, True]
        assert not await processes[0].claim_job("purge", now + HOUR / 2, HOUR)
    assert await processes[0].claim_job("another", NOON, HOUR)
    assert await processes[0].claim_job("purge", NOON - 2 * HOUR, HOUR)  # the earlier claims were made at a wrong time


async def test_mark_present_stores_nothing_about_a_server(store: Store) -> None:
    await store.mark_left(1, NOON)
    await store.mark_present(1)
    await store.mark_present(2)
    assert set(await store.known_guilds()) == set()


async def test_moods_are_erased_after_the_configured_number_of_days(url: str, open_store: StoreOpener) -> None:
    store = Store(url, mood_days=2)
    await store.refresh()
    store.count_mood(1, 10, NOON, "joy")
    store.count_mood(1, 10, NOON + HOUR, "joy")
    await store.refresh()
    await store.purge(NOON + timedelta(days=2))
    assert len(await store.moods(1, LONG_AGO)) == 2
    await store.purge(NOON + timedelta(days=2, seconds=1))
    assert await store.moods(1, LONG_AGO) == [MoodCount(NOON + HOUR, "joy", 1)]
    await store.close()
    by_default = await open_store(url)
    await by_default.purge(NOON + HOUR + timedelta(days=90))
    assert len(await by_default.moods(1, LONG_AGO)) == 1
    await by_default.purge(NOON + HOUR + timedelta(days=90, seconds=1))
    assert await by_default.moods(1, LONG_AGO) == []


async def test_close_writes_the_waiting_counts(
    url: str, open_store: StoreOpener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = Store(url)
    store.count_mood(1, 10, NOON, "joy")  # before the database was ever opened
    await store.close()
    assert await (await open_store(url)).moods(1, NOON) == [MoodCount(NOON, "joy", 1)]
    assert caplog.messages == []


async def test_settings_that_have_not_been_read_are_not_changed(url: str, store: Store) -> None:
    """As when the database works again, but the bot, started in an outage, has not yet noticed."""
    await store.save_settings(1, SETTINGS)
    newcomer = Store(url)
    with pytest.raises(StoreError):
        await newcomer.change_settings(1, lambda old: (old.replace(mood=False), None))
    await newcomer.refresh()
    assert newcomer.settings(1) == SETTINGS
    await newcomer.close()


class TestClaimingAWeek:
    async def test_one_of_many_processes_claims_a_week(self, url: str, store: Store, open_store: StoreOpener) -> None:
        await store.save_settings(1, SETTINGS)
        stores = [store, *[await open_store(url) for _ in range(4)]]
        claims = await asyncio.gather(*(each.claim_week(1, "2026-W48") for each in stores for _ in range(2)))
        assert sorted(claims) == [False] * 9 + [True]
        assert (await store.export_guild(1))["posted_week"] == "2026-W48"

    async def test_only_a_later_week_can_be_claimed(self, store: Store) -> None:
        await store.save_settings(1, SETTINGS)
        weeks = ("2026-W48", "2026-W47", "2026-W48", "2026-W53", "2027-W01")
        assert [await store.claim_week(1, week) for week in weeks] == [True, False, False, True, True]

    async def test_weeks_are_claimed_per_server(self, store: Store) -> None:
        for guild_id in (1, 2):
            await store.save_settings(guild_id, SETTINGS)
            assert await store.claim_week(guild_id, "2026-W48")
        assert not await store.claim_week(3, "2026-W48")  # a server without data

    async def test_released_week_can_be_claimed_again(self, store: Store) -> None:
        await store.save_settings(1, SETTINGS)
        assert await store.claim_week(1, "2026-W48")
        await store.release_week(1, "2026-W47")  # another week
        assert not await store.claim_week(1, "2026-W48")
        await store.release_week(1, "2026-W48")
        assert await store.claim_week(1, "2026-W48")

    async def test_new_settings_keep_the_claim_and_may_skip_a_week(self, store: Store) -> None:
        await store.change_settings(1, lambda _old: (SETTINGS, "2026-W48"))
        assert not await store.claim_week(1, "2026-W48")
        await store.save_settings(1, ServerSettings())
        await store.change_settings(1, lambda _old: (SETTINGS, "2026-W47"))
        assert not await store.claim_week(1, "2026-W48")
        await store.change_settings(1, lambda _old: (SETTINGS, "2026-W49"))
        assert not await store.claim_week(1, "2026-W49")

    async def test_claim_is_erased_with_the_settings(self, store: Store) -> None:
        await store.save_settings(1, SETTINGS)
        await store.claim_week(1, "2026-W48")
        await store.erase_guild(1)
        assert (await store.export_guild(1))["posted_week"] is None
