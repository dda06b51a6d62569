from __future__ import annotations

import pytest

from bot.analysis.fair_queue import FairQueue


@pytest.fixture
def queue() -> FairQueue[str]:
    return FairQueue(6)


def put_all(queue: FairQueue[str], *items: str) -> list[str | None]:
    """Add items, whose first letter is their lane; return what each of them displaced."""
    return [queue.put(item[0], item) for item in items]


def test_newest_item_of_a_lane_is_served_first(queue: FairQueue[str]) -> None:
    assert put_all(queue, "a1", "a2", "a3") == [None] * 3
    assert queue.take(1) == ["a3"]
    put_all(queue, "a4")
    assert (queue.take(2), queue.take(2), queue.take(2)) == (["a4", "a2"], ["a1"], [])


def test_lanes_are_served_in_turn(queue: FairQueue[str]) -> None:
    put_all(queue, "a1", "a2", "a3", "a4", "b1", "c1")
    assert queue.take(2) == ["a4", "b1"]
    put_all(queue, "b2")
    assert queue.take(3) == ["c1", "a3", "b2"]
    assert queue.take(9) == ["a2", "a1"]


def test_oldest_item_is_dropped_when_full(queue: FairQueue[str]) -> None:
    dropped = put_all(queue, *(f"a{number}" for number in range(9)))
    assert dropped == [None] * 6 + ["a0", "a1", "a2"]
    assert (len(queue), queue.take(9)) == (6, ["a8", "a7", "a6", "a5", "a4", "a3"])


def test_flooding_lane_drops_only_its_own_items(queue: FairQueue[str]) -> None:
    put_all(queue, "b1", "c1")
    dropped = put_all(queue, *(f"a{number}" for number in range(100)))
    assert {item[0] for item in dropped if item} == {"a"}
    assert put_all(queue, "b2") == ["a96"]  # other lanes still have room
    assert queue.take(9) == ["b2", "c1", "a99", "b1", "a98", "a97"]


def test_more_lanes_than_places_drop_the_oldest_item(queue: FairQueue[str]) -> None:
    assert put_all(queue, *"abcdefgh") == [None] * 6 + ["a", "b"]


def test_an_empty_lane_takes_no_memory(queue: FairQueue[str]) -> None:
    put_all(queue, "a1", "b1")
    queue.take(2)
    assert (len(queue), queue._lanes) == (0, {})
