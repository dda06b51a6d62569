from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.server_settings import ServerSettings
from bot.store.cache import OPT_OUT, SERVER, Cache, Change, MoodKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = ServerSettings(enabled=False)
JOY = MoodKey(1, 10, NOON, "joy")


@pytest.fixture
def cache() -> Cache:
    return Cache()


def test_new_cache_is_not_ready_and_empty(cache: Cache) -> None:
    assert not cache.ready
    assert (cache.settings(1), cache.is_configured(1), cache.has_opted_out(7)) == (ServerSettings(), False, False)
    assert (cache.settings_as_stored(), cache.opt_outs(), dict(cache.waiting_moods)) == ({}, frozenset(), {})


def test_replace_makes_ready_and_drops_missing_rows(cache: Cache) -> None:
    cache.replace({1: SETTINGS.to_json(), 2: "{}"}, [7, 8])
    assert cache.ready
    assert (cache.settings(1), cache.is_configured(2), cache.opt_outs()) == (SETTINGS, True, frozenset({7, 8}))
    cache.replace({2: "{}"}, [8])
    assert (cache.settings(1), cache.is_configured(1), cache.opt_outs()) == (ServerSettings(), False, frozenset({8}))


def test_replace_does_not_parse_unchanged_settings_again(cache: Cache) -> None:
    texts = {1: SETTINGS.to_json(), 2: "{}"}
    cache.replace(texts, [])
    unchanged, changed = cache.settings(1), cache.settings(2)
    cache.replace(texts | {2: SETTINGS.to_json()}, [])
    assert cache.settings(1) is unchanged
    assert cache.settings(2) != changed


def test_unreadable_settings_make_the_bot_silent_and_stay_as_stored(
    cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.replace({1: "enabled: no"}, [])
    for _ in range(2):
        assert (cache.settings(1).enabled, cache.settings(1).mood) == (False, False)
    [warning] = caplog.messages
    assert warning.startswith("The settings of server 1 cannot be read")
    assert cache.settings_as_stored() == {1: "enabled: no"}


def test_apply_adds_and_removes_opt_outs_and_settings(cache: Cache) -> None:
    for change in (Change(OPT_OUT, 7, 7), Change(OPT_OUT, 8, 8), Change(SERVER, 1, SETTINGS.to_json())):
        cache.apply(change)
    assert (cache.opt_outs(), cache.settings(1)) == (frozenset({7, 8}), SETTINGS)
    for change in (Change(OPT_OUT, 7, None), Change(SERVER, 1, None)):
        cache.apply(change)
    assert (cache.opt_outs(), cache.is_configured(1)) == (frozenset({8}), False)


def test_erasing_a_server_drops_only_its_waiting_counts(cache: Cache) -> None:
    for guild_id in (1, 2):
        cache.count_mood(guild_id, 10, NOON, "joy")
    cache.apply(Change(SERVER, 1, None))
    assert [key.guild_id for key in cache.waiting_moods] == [2]


def test_moods_are_counted_by_the_hour_in_utc(cache: Cache) -> None:
    east = timezone(timedelta(hours=2))
    cache.count_mood(1, 10, datetime(2026, 3, 1, 14, 59, 59, tzinfo=east), "joy")
    cache.count_mood(1, 10, NOON, "joy", 2)
    assert cache.waiting_moods == {JOY: 3}


def test_count_undone_before_it_is_written_no_longer_waits(cache: Cache) -> None:
    cache.count_mood(1, 10, NOON, "joy")
    cache.count_mood(1, 10, NOON, "joy", -1)
    assert cache.waiting_moods == {}


def test_counts_made_during_a_write_keep_waiting(cache: Cache) -> None:
    cache.count_mood(1, 10, NOON, "joy", 2)
    written = list(cache.waiting_moods.items())
    cache.count_mood(1, 10, NOON, "joy")
    cache.subtract_moods(written)
    assert cache.waiting_moods == {JOY: 1}


def test_counts_beyond_the_limit_are_refused_with_one_warning_until_some_are_written(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.cache.MAX_WAITING", 1)
    for channel_id in (10, 11, 12, 10):
        cache.count_mood(1, channel_id, NOON, "joy")
    assert cache.waiting_moods == {JOY: 2}
    assert len(caplog.messages) == 1
    cache.subtract_moods([(JOY, 2)])
    for channel_id in (11, 12):
        cache.count_mood(1, channel_id, NOON, "joy")
    assert len(caplog.messages) == 2
