"""What this process remembers of recent messages and of each channel.

The record of a message lets an edit, a deletion or a dislike undo what the message led to. The policy and the pace are
based on the history of the channel.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from cachetools import TTLCache

from bot.reactions.outcomes import Outcome
from bot.reactions.pace import MAX_DISLIKES, ChannelState

WINDOW = 600.0
"""Seconds for which messages and reactions count towards the share of messages that get a reaction."""

DISLIKE_DURATION = 86_400.0
"""Seconds for which a person's dislike counts in a channel, from the latest on: a day."""

_MINUTE = 60.0
_MAX_MESSAGES = 200
_MAX_CHANNELS = 20_000
_RECORD_SECONDS, _MAX_RECORDS = 1800.0, 20_000  # how long records of messages are kept, and the most of them


@dataclass(slots=True)
class MessageRecord:
    """What a message led to, without its text or author.

    Attributes:
        emoji: the bot's reaction; None if it has none.
        outcome: how the message ended; None while it is handled for the first time.
        unwanted: whether somebody removed a reaction, so that the message gets no other.
        mood: the server and the channel for which the mood was counted, its emotion, and as how many messages; None if
            it was not counted.
        busy: held while the message or an edit of it is handled.
    """

    emoji: str | None = None
    outcome: Outcome | None = None
    unwanted: bool = False
    mood: tuple[int, int, str, int] | None = None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class _Minute:
    """How many messages were written in a minute, with the minute's number."""

    number: float
    messages: int = 0


@dataclass(slots=True)
class _ChannelRecord:
    """When messages were written and reactions added, by the clock, and the number of messages in each minute.

    A channel that stays equally busy allocates no more memory. A deque would allocate 528 bytes for every 64 times, and
    a dict 568 bytes for its table every ten minutes. Those are too many for Python's own allocator, so they would
    fragment the C library's heap, which would keep growing.
    """

    messages: array[float] = field(default_factory=lambda: array("d"))
    minutes: list[_Minute] = field(default_factory=list)
    reactions: array[float] = field(default_factory=lambda: array("d"))


class ChannelHistory:
    """Counts messages, reactions and dislikes of each channel, for the policy and the pace.

    It keeps no messages. The id of somebody who disliked a reaction is kept for a day, to count each person once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with no channel known.

        Args:
            clock: monotonic seconds.
        """
        self._clock = clock
        self._records: TTLCache[int, _ChannelRecord] = TTLCache(_MAX_CHANNELS, WINDOW, clock)
        self._dislikes: TTLCache[int, TTLCache[int | None, None]] = TTLCache(_MAX_CHANNELS, DISLIKE_DURATION, clock)

    def __len__(self) -> int:
        """Return how many channels are remembered."""
        return len(self._records)

    def state(self, channel_id: int, since_joining: float | None = None) -> ChannelState:
        """Return the state of a channel, on which decisions are based.

        Args:
            channel_id: the channel.
            since_joining: see `ChannelState`.
        """
        record, now = self._record(channel_id), self._clock()
        return ChannelState(
            messages=len(record.messages),
            reactions=len(record.reactions),
            since_reaction=now - record.reactions[-1] if record.reactions else None,
            dislikes=len(self._dislikes.get(channel_id, ())),
            since_joining=since_joining,
        )

    def upcoming_states(
        self, channel_id: int, since_joining: float | None = None
    ) -> Iterator[tuple[float, ChannelState]]:
        """Yield the state that the next message would find now, and each time a reaction leaves the window.

        Each state comes with the seconds until then, in order of time, and assumes that nobody writes in between.
        """
        now = self.state(channel_id, since_joining)
        yield 0.0, replace(now, messages=now.messages + 1)
        record = self._record(channel_id)
        for expired, moment in enumerate(record.reactions, 1):
            then, left = moment + WINDOW, len(record.reactions) - expired
            messages = 1 + len(record.messages) - bisect_right(record.messages, moment)
            since_reaction = then - record.reactions[-1] if left else None
            yield then - self._clock(), replace(now, messages=messages, reactions=left, since_reaction=since_reaction)

    def messages_in_window(self, channel_id: int) -> int:
        """Return how many messages a channel got in the last ten minutes, exact to the minute and without a limit."""
        return sum(minute.messages for minute in self._record(channel_id).minutes)

    def count_message(self, channel_id: int) -> None:
        """Count a message."""
        record, now = self._get_or_create(channel_id), self._clock()
        _append(record.messages, now)
        if not record.minutes or record.minutes[-1].number != now // _MINUTE:
            record.minutes.append(_Minute(now // _MINUTE))
        record.minutes[-1].messages += 1

    def count_reaction(self, channel_id: int) -> float:
        """Count a reaction before it is sent, so that the decision on the next message already includes it.

        Returns:
            Its time, with which `uncount_reaction` can undo the count.
        """
        now = self._clock()
        _append(self._get_or_create(channel_id).reactions, now)
        return now

    def uncount_reaction(self, channel_id: int, counted_at: float) -> None:
        """Undo the count of a reaction, if it still counts."""
        reactions = self._record(channel_id).reactions
        if counted_at in reactions:
            reactions.remove(counted_at)

    def count_dislike(self, channel_id: int, person: int | None) -> None:
        """Count a dislike, once per person: the bot then reacts less in the channel for a day.

        Args:
            channel_id: the channel.
            person: the user id; None if Discord does not say. All dislikes of a channel with None count as one.
        """
        people = self._dislikes.get(channel_id)
        if people is None:
            people = TTLCache(MAX_DISLIKES, DISLIKE_DURATION, self._clock)
        people[person] = None
        self._dislikes[channel_id] = people  # even if it was there, so that it is kept for a day from now

    def holding_back(self, channel_ids: Iterable[int]) -> list[int]:
        """Return those of the channels in which dislikes currently count."""
        return [channel_id for channel_id in channel_ids if channel_id in self._dislikes]

    def forget_dislikes(self, channel_ids: Iterable[int]) -> None:
        """Forget the dislikes in these channels."""
        for channel_id in channel_ids:
            self._dislikes.pop(channel_id, None)

    def _record(self, channel_id: int) -> _ChannelRecord:
        """Return what still counts in a channel."""
        try:  # with `get`, it would be looked up twice
            record = self._records[channel_id]
        except KeyError:
            record = _ChannelRecord()
        start = self._clock() - WINDOW
        for moments in (record.messages, record.reactions):
            if moments and moments[0] <= start:
                del moments[: bisect_right(moments, start)]
        while record.minutes and record.minutes[0].number <= start // _MINUTE:
            del record.minutes[0]
        return record

    def _get_or_create(self, channel_id: int) -> _ChannelRecord:
        """Return the record of a channel, to be added to, and keep it for a window from now."""
        record = self._records[channel_id] = self._record(channel_id)
        return record


def _append(moments: array[float], now: float) -> None:
    """Add a time; if there are too many, overwrite the oldest."""
    if len(moments) == _MAX_MESSAGES:
        del moments[0]
    moments.append(now)


class History:
    """Remembers recent messages and channels in memory; it is lost when the process ends.

    Attributes:
        channels: how many messages, reactions and dislikes each channel had.
        messages: what each message of the last half hour led to, by message id.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Remember nothing yet.

        Args:
            clock: monotonic seconds.
        """
        self.channels = ChannelHistory(clock)
        self.messages: TTLCache[int, MessageRecord] = TTLCache(_MAX_RECORDS, _RECORD_SECONDS, clock)
