"""Packs mood counts to save space: one row per channel and day, instead of one per hour and emotion.

Hours and emotions are kept, so charts can still use any time zone. A count that comes after its day was packed is
appended to the row; counts of the same hour and emotion are added up when they are read.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.store.cache import MoodKey


def day_of(moment: datetime) -> datetime:
    """Return the midnight at which the day began, in the moment's own time zone."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def pack(counts: Iterable[tuple[MoodKey, int]]) -> list[dict[str, Any]]:
    """Return the rows of `bot.store.tables.MOOD_DAYS` that hold these counts, in the order of their keys."""
    days: defaultdict[tuple[int, int, datetime], defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for key, messages in counts:
        days[key.guild_id, key.channel_id, day_of(key.hour)][key.emotion] += [key.hour.hour, messages]
    return [
        {
            "guild_id": guild_id,
            "channel_id": channel_id,
            "day": day,
            "counts": "".join(json.dumps([emotion, *hours], separators=(",", ":")) + "\n" for emotion, hours in lines),
        }
        for (guild_id, channel_id, day), lines in sorted((key, emotions.items()) for key, emotions in days.items())
    ]


def unpack(day: datetime, counts: str) -> Iterator[tuple[datetime, str, int]]:
    """Yield hour, emotion and messages of each count in a row of `bot.store.tables.MOOD_DAYS`."""
    for line in counts.splitlines():
        emotion, *numbers = json.loads(line)
        for hour, messages in zip(numbers[::2], numbers[1::2], strict=True):
            yield day + timedelta(hours=hour), emotion, messages


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """A server's mood counts as they are stored.

    Attributes:
        single: channel, hour, emotion and messages of each count that is not packed.
        packed: channel, day and packed counts of each row of `bot.store.tables.MOOD_DAYS`.
    """

    single: Sequence[tuple[int, datetime, str, int]]
    packed: Sequence[tuple[int, datetime, str]]

    def sums(self, since: datetime, *, by_channel: bool) -> list[tuple[tuple[Any, ...], int]]:
        """Return each key with its sum, in order; this may take long.

        Args:
            since: the earliest hour to include.
            by_channel: whether the key is channel, hour and emotion, rather than hour and emotion.
        """
        sums: Counter[tuple[Any, ...]] = Counter()
        for channel_id, hour, emotion, messages in self._all():
            if hour >= since:
                sums[(channel_id, hour, emotion) if by_channel else (hour, emotion)] += messages
        return sorted((+sums).items())

    def _all(self) -> Iterator[tuple[int, datetime, str, int]]:
        yield from self.single
        for channel_id, day, counts in self.packed:
            for count in unpack(day, counts):
                yield channel_id, *count
