"""Limits per channel on requests for reactions, and pauses after Discord has refused some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from bot.connection.backoff import Backoff
from bot.reactions.outcomes import Outcome

_SERVER_PAUSE = 60.0  # seconds of a server's first pause
_AUTHOR_PAUSE = 3600.0  # seconds without further reactions to somebody who has blocked the bot


class ReactionLimits:
    """Limits per channel: reactions in flight, age, back-off after refusals.

    discord.py obeys rate limits by waiting, so in a busy channel reactions would come too late to make sense. Hence
    only a few may be in flight per channel, and others are dropped. After Discord has refused a reaction, for example
    with 403, the channel is paused, each time for twice as long (`Backoff`). From the third refusal in a server on, in
    any of its channels and without a success in between, the whole server is paused as well. Somebody who has blocked
    the bot gets no reactions for an hour. A channel without reactions in flight or recent refusals takes no memory.
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
            max_in_flight: how many reactions of one channel may be in flight at once.
            max_age: seconds after which a message is too old for a reaction.
            longest_pause: the longest pause in seconds.
        """
        self.max_age = max_age
        self._max_in_flight = max_in_flight
        self._in_flight: Counter[int] = Counter()
        self._channels = Backoff(clock, max_pause=longest_pause)
        self._servers = Backoff(clock, max_pause=longest_pause, tolerated=2)
        self._authors = Backoff(clock, max_pause=_AUTHOR_PAUSE)

    def __len__(self) -> int:
        """Return how many channels, servers and people take memory; a channel may be counted twice."""
        return len(self._in_flight) + len(self._channels) + len(self._servers) + len(self._authors)

    def admit(self, channel_id: int, guild_id: int | None, age: float, author_id: int = 0) -> Outcome | None:
        """Admit a reaction and return None, after which `release` must be called; or return why it is not admitted.

        Args:
            channel_id: the channel of the message.
            guild_id: the server of the channel; None for direct messages.
            age: seconds since the message was written.
            author_id: who wrote it.
        """
        if obstacle := self.obstacle(channel_id, guild_id, age, author_id):
            return obstacle
        if self._in_flight[channel_id] >= self._max_in_flight:
            return Outcome.CROWDED
        self._in_flight[channel_id] += 1
        return None

    def obstacle(self, channel_id: int, guild_id: int | None, age: float, author_id: int = 0) -> Outcome | None:
        """Return why no reaction would be admitted even with none in flight, or None if one would; see `admit`."""
        if age > self.max_age:
            return Outcome.STALE
        if self._channels.remaining(channel_id) or (guild_id and self._servers.remaining(guild_id)):
            return Outcome.BACKING_OFF
        return Outcome.BLOCKED if self._authors.remaining(author_id) else None

    def note_block(self, author_id: int) -> None:
        """Note that the author of a message has blocked the bot, which would refuse every further reaction too."""
        self._authors.fail(author_id, _AUTHOR_PAUSE)

    def release(self, channel_id: int) -> None:
        """Note that a reaction is no longer in flight."""
        self._in_flight[channel_id] -= 1
        if not self._in_flight[channel_id]:
            del self._in_flight[channel_id]

    def note_success(self, channel_id: int, guild_id: int | None) -> None:
        """Note that Discord accepted a reaction: earlier refusals in the channel and its server no longer count."""
        self._channels.succeed(channel_id)
        if guild_id:
            self._servers.succeed(guild_id)

    def note_refusal(self, channel_id: int, guild_id: int | None, pause: float) -> None:
        """Pause the channel after Discord refused a reaction, and from the third refusal on its server too.

        Args:
            channel_id: the channel of the message.
            guild_id: the server of the channel, None for direct messages.
            pause: the channel's first pause in seconds, which doubles with each further refusal there.
        """
        if self._channels.fail(channel_id, pause) and guild_id:
            self._servers.fail(guild_id, _SERVER_PAUSE)
