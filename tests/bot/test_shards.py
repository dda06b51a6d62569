from __future__ import annotations

import pytest

from bot.shards import ShardsError, Share, format_ranges, own_shards, parse_shard_ids


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Name this host the fourth pod of a StatefulSet, until a test calls `call_host`."""
    call_host(monkeypatch, "emobot-3")
    return monkeypatch


def call_host(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("bot.shards.gethostname", lambda: name)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("0", (0,)),
        ("0-3,8", (0, 1, 2, 3, 8)),
        (" 8 , 0 - 2, 1-3 ", (0, 1, 2, 3, 8)),
        ("5-5", (5,)),
        ("100000", (100_000,)),
    ],
)
def test_shards_are_listed_singly_and_in_ranges(text: str, ids: tuple[int, ...]) -> None:
    assert parse_shard_ids(text) == ids


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("text", ["", "x", "1,", "-1", "1-2-3", "1.5", "auto", "auto/", "auto/x", "0-100001", "²"])
def test_text_without_shards_is_refused(text: str) -> None:
    with pytest.raises(ShardsError, match=r"^be shards, as in 0-3,8, or auto/"):
        parse_shard_ids(text)


def test_range_must_begin_with_the_lower_number() -> None:
    with pytest.raises(ShardsError, match="have the lower number of a range first"):
        parse_shard_ids("3-1")


@pytest.mark.parametrize(("name", "process"), [("emobot-3", 3), ("bot0.emobot.svc", 0), ("worker-015", 15)])
def test_pod_serves_the_shards_of_its_number(host: pytest.MonkeyPatch, name: str, process: int) -> None:
    call_host(host, name)
    assert parse_shard_ids("AUTO/16") == Share(process, 16)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("laptop", "list the shards here.*has none$"), ("emobot-16", "have a higher number.*from 0 to 15.*ends in 16$")],
)
def test_host_name_without_a_process_number_is_refused(host: pytest.MonkeyPatch, name: str, sentence: str) -> None:
    call_host(host, name)
    with pytest.raises(ShardsError, match=sentence):
        parse_shard_ids("auto/16")


@pytest.mark.parametrize(("count", "processes"), [(16, 4), (None, 16), (10, 4), (7, 7)])
def test_processes_share_every_shard_evenly(count: int | None, processes: int) -> None:
    shares = [own_shards(Share(process, processes), count) for process in range(processes)]
    [total] = {total for total, _ in shares}
    assert total == (count or processes)
    assert sorted(shard for _, shards in shares for shard in shards) == list(range(total))
    sizes = [len(shards) for _, shards in shares]
    assert max(sizes) - min(sizes) <= 1


def test_first_shards_of_the_processes_are_in_different_buckets() -> None:
    assert [own_shards(Share(process, 4), 16)[1][0] for process in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("chosen", "count", "sentence"),
    [
        ((0, 1), None, "be set together with SHARD_COUNT"),
        ((0, 1, 8), 8, "name shards from 0 to 7, for SHARD_COUNT is 8"),
        (Share(3, 9), 8, "name no more processes after auto/ than SHARD_COUNT has shards"),
    ],
)
def test_nonexistent_shards_are_refused(chosen: tuple[int, ...] | Share, count: int | None, sentence: str) -> None:
    with pytest.raises(ShardsError, match=sentence):
        own_shards(chosen, count)


@pytest.mark.parametrize("text", ["0", "0-3", "0-3, 8", "1, 3, 5-6"])
def test_shards_are_formatted_as_ranges(text: str) -> None:
    ids = parse_shard_ids(text)
    assert isinstance(ids, tuple)
    assert format_ranges(ids) == text
