"""A bounded queue that serves its lanes in turn; no input or output."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Holds items in lanes that are served in turn, so that a lane with too many items only delays itself.

    The newest item of a lane is taken first: under too much load some items are then as quick as ever, whereas
    otherwise all would be late. If the queue is full, the oldest item of the longest lane is dropped.
    """

    def __init__(self, max_size: int) -> None:
        """Create an empty queue.

        Args:
            max_size: the most items that may wait, at least 1.
        """
        self._max_size = max_size
        self._size = 0
        self._lanes: dict[Hashable, deque[Item]] = {}  # no lane is empty; the first is served next

    def __len__(self) -> int:
        """Return how many items wait."""
        return self._size

    def put(self, lane: Hashable, item: Item) -> Item | None:
        """Add an item to a lane; return the item that was dropped for it, or None if there was room."""
        self._lanes.setdefault(lane, deque()).append(item)
        self._size += 1
        if self._size <= self._max_size:
            return None
        return self._remove(max(self._lanes, key=lambda lane: len(self._lanes[lane])), deque.popleft)

    def take(self, limit: int) -> list[Item]:
        """Remove and return at most `limit` items, one from each lane in turn, the newest of a lane first."""
        taken: list[Item] = []
        while self._lanes and len(taken) < limit:
            lane = next(iter(self._lanes))
            taken.append(self._remove(lane, deque.pop))
            if lane in self._lanes:
                self._lanes[lane] = self._lanes.pop(lane)  # now the last
        return taken

    def _remove(self, lane: Hashable, end: Callable[[deque[Item]], Item]) -> Item:
        items = self._lanes[lane]
        item = end(items)
        self._size -= 1
        if not items:
            del self._lanes[lane]
        return item
