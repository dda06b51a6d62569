"""Pack the counts of moods of a day: one row for a channel and a day, instead of one for each hour and emotion.

Nothing is lost, so that charts go by any time zone; it only takes less space. What is counted late for a day that has
been packed is appended to it, and what stands twice in a day is added up.
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
    """Return the rows of `bot.store.tables.MoodDay` that hold these counts, in the order of their keys."""
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
    """Yield hour, emotion and messages of each count in a row of `bot.store.tables.MoodDay`."""
    for line in counts.splitlines():
        emotion, *numbers = json.loads(line)
        for hour, messages in zip(numbers[::2], numbers[1::2], strict=True):
            yield day + timedelta(hours=hour), emotion, messages


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of moods of a server, as they were found.

    Attributes:
        single: channel, hour, emotion and messages of each count that is not packed.
        packed: channel, day and the counts of each day that is.
    """

    single: Sequence[tuple[int, datetime, str, int]]
    packed: Sequence[tuple[int, datetime, str]]

    def summed(self, since: datetime, *, by_channel: bool) -> list[tuple[tuple[Any, ...], int]]:
        """Return the sums of the hours that begin at `since` or later, in order; this may take long.

        Args:
            since: the earliest hour.
            by_channel: whether to sum by channel, hour and emotion, else by hour and emotion.
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
