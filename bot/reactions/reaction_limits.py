"""Limits on reactions in each channel: what happened there lately, for the policy, and what Discord is asked."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cachetools import TTLCache

from bot.connection.backoff import Backoff
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import MOST_DISLIKES, ChannelState

WINDOW = 600.0
"""Seconds for which messages and reactions count for the share of messages that get a reaction."""

DISLIKES_COUNT_FOR = 86_400.0
"""Seconds from the last dislike in a channel until all its dislikes are forgotten: a day."""

_SERVER_PAUSE = 60.0  # seconds of a server's first pause
_MOST_MESSAGES = 200
_MOST_CHANNELS = 20_000


@dataclass(slots=True)
class _Record:
    """When messages were written and reactions added, by the clock."""

    messages: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_MESSAGES))
    reactions: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_MESSAGES))


class ChannelHistory:
    """Counts messages, reactions and dislikes of each channel, which the policy goes by.

    It keeps no messages, but for a day the ids of people who disliked a reaction, so that each counts once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with no channel known.

        Args:
            clock: monotonic seconds.
        """
        self._clock = clock
        self._records: TTLCache[int, _Record] = TTLCache(_MOST_CHANNELS, WINDOW, clock)
        self._dislikes: TTLCache[int, frozenset[int | None]] = TTLCache(_MOST_CHANNELS, DISLIKES_COUNT_FOR, clock)

    def state(self, channel_id: int) -> ChannelState:
        """Return what the policy goes by in a channel."""
        record, now = self._record(channel_id), self._clock()
        return ChannelState(
            messages=len(record.messages),
            reactions=len(record.reactions),
            quiet_for=now - record.reactions[-1] if record.reactions else None,
            dislikes=len(self._dislikes.get(channel_id, ())),
        )

    def count_message(self, channel_id: int) -> None:
        """Count a message."""
        self._record(channel_id).messages.append(self._clock())

    def count_reaction(self, channel_id: int) -> None:
        """Count a reaction before it is sent, so that the decision on the next message already includes it."""
        self._record(channel_id).reactions.append(self._clock())

    def count_dislike(self, channel_id: int, person: int | None) -> None:
        """Count a dislike, each person once: the policy then reacts less in the channel for a day.

        Args:
            channel_id: the channel.
            person: the user id. It is None where Discord does not tell it; all dislikes of a channel with None count
                once together.
        """
        people = self._dislikes.get(channel_id, frozenset())
        self._dislikes[channel_id] = people if len(people) >= MOST_DISLIKES else people | {person}

    def holding_back(self, channel_ids: Iterable[int]) -> list[int]:
        """Return those of some channels in which dislikes count at the moment."""
        return [channel_id for channel_id in channel_ids if channel_id in self._dislikes]

    def forgive(self, channel_ids: Iterable[int]) -> None:
        """Forget the dislikes in some channels."""
        for channel_id in channel_ids:
            self._dislikes.pop(channel_id, None)

    def _record(self, channel_id: int) -> _Record:
        record = self._records.get(channel_id) or _Record()
        self._records[channel_id] = record  # which also keeps it for another window
        for moments in (record.messages, record.reactions):
            while moments and moments[0] <= self._clock() - WINDOW:
                moments.popleft()
        return record


class ReactionLimits:
    """Limits per channel: reactions in flight, age, back-off after refusals.

    discord.py obeys rate limits by waiting, so in a busy channel reactions would come too late for anybody to
    understand. Hence only a few may be in flight in each channel, and others are dropped. After Discord refused a
    reaction, by 403 for example, the channel is paused, each time twice as long (`Backoff`). From the third refusal in
    a server, in whichever channels and without a success in between, the whole server is paused as well. A channel
    without reactions in flight or recent refusals takes no memory.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        max_in_flight: int = 4,
        max_age: float = 15.0,
        longest_pause: float = 3600.0,
    ) -> None:
        """Start with no channel known.

        Args:
            clock: monotonic seconds.
            max_in_flight: how many reactions of one channel may be on their way at once.
            max_age: seconds after which a message is too old for a reaction.
            longest_pause: seconds of the longest pause.
        """
        self.max_age = max_age
        self._max_in_flight = max_in_flight
        self._in_flight: Counter[int] = Counter()
        self._channels = Backoff(clock, longest=longest_pause)
        self._servers = Backoff(clock, longest=longest_pause, free=2)

    def __len__(self) -> int:
        """Return how many channels and servers take memory; a channel may be counted twice."""
        return len(self._in_flight) + len(self._channels) + len(self._servers)

    def admit(self, channel_id: int, guild_id: int | None, age: float) -> Outcome | None:
        """Admit a reaction, after which `release` must be called; or return why it is not admitted.

        Args:
            channel_id: the channel of the message.
            guild_id: the server of the channel, None for direct messages.
            age: seconds since the message was written.
        """
        if age > self.max_age:
            return Outcome.STALE
        if self._channels.remaining(channel_id) or (guild_id and self._servers.remaining(guild_id)):
            return Outcome.BACKING_OFF
        if self._in_flight[channel_id] >= self._max_in_flight:
            return Outcome.CROWDED
        self._in_flight[channel_id] += 1
        return None

    def release(self, channel_id: int) -> None:
        """Note that a reaction is no longer in flight."""
        self._in_flight[channel_id] -= 1
        if not self._in_flight[channel_id]:
            del self._in_flight[channel_id]

    def succeeded(self, channel_id: int, guild_id: int | None) -> None:
        """Note that Discord accepted a reaction: earlier refusals in the channel and its server no longer count."""
        self._channels.succeed(channel_id)
        if guild_id:
            self._servers.succeed(guild_id)

    def refused(self, channel_id: int, guild_id: int | None, pause: float) -> None:
        """Pause the channel after Discord refused a reaction, and from the third refusal on its server too.

        Args:
            channel_id: the channel of the message.
            guild_id: the server of the channel, None for direct messages.
            pause: seconds of the channel's pause, which are doubled for each earlier refusal there.
        """
        if self._channels.fail(channel_id, pause) and guild_id:
            self._servers.fail(guild_id, _SERVER_PAUSE)
