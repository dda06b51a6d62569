"""Add and remove the bot's reactions, within the limits of each channel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import discord
from discord.ext import commands

from bot.connection.requests import DiscordFailedError, DiscordRequests, HeldBackError
from bot.meter import Meter
from bot.reactions.outcomes import Outcome
from bot.reactions.reaction_limits import ReactionLimits

log = logging.getLogger(__name__)

# Discord's error codes. The first two concern the channel: each repetition counts towards the ban after 10,000 refused
# requests in ten minutes, hence the long pause. The others concern a single message.
_CHANNEL_CODES = {50013: Outcome.FORBIDDEN, 50001: Outcome.NO_ACCESS}
_MESSAGE_CODES = {
    10008: Outcome.MESSAGE_GONE,
    10014: Outcome.UNKNOWN_EMOJI,
    30010: Outcome.TOO_MANY_REACTIONS,
    90001: Outcome.BLOCKED,
}
_LONG_PAUSE, _SHORT_PAUSE = 60.0, 5.0


class ReactionSender:
    """Adds and removes reactions; pauses a channel after a refusal that is not about a message or its author."""

    def __init__(
        self, bot: commands.AutoShardedBot, requests: DiscordRequests, clock: Callable[[], float], meter: Meter
    ) -> None:
        """Start with no reaction sent.

        Args:
            bot: the bot that reacts.
            requests: sends the requests.
            clock: monotonic seconds, for the pauses of channels.
            meter: records each reaction.
        """
        self._bot = bot
        self._meter = meter
        self._requests = requests
        self._limits = ReactionLimits(clock)

    def __len__(self) -> int:
        """Return how many channels, servers and people take memory; see `ReactionLimits`."""
        return len(self._limits)

    async def add(self, message: discord.Message, emoji: str) -> Outcome:
        """Add a reaction if the limits admit it; return `Outcome.REACTED`, or why there is none."""
        channel_id, guild_id = _place(message)
        age = self._age(message)
        if limit := self._limits.admit(channel_id, guild_id, age, message.author.id):
            return limit
        try:
            return await self._request(message, emoji, within=self._limits.max_age - age)
        finally:
            self._limits.release(channel_id)

    def obstacle(self, message: discord.Message) -> Outcome | None:
        """Return why a message can get no reaction for now, or None if it can get one."""
        obstacle = self._limits.obstacle(*_place(message), self._age(message), message.author.id)
        return obstacle or (Outcome.HELD_BACK if self._requests.pause_left() else None)

    def seconds_left(self, message: discord.Message) -> float:
        """Return the seconds until a message is too old for a reaction; negative if it already is."""
        return self._limits.max_age - self._age(message)

    def may_use(self, custom_emoji: str) -> bool:
        """Return whether the bot knows a custom emoji and may react with it."""
        emoji = self._bot.get_emoji(discord.PartialEmoji.from_str(custom_emoji).id or 0)
        return emoji is not None and emoji.is_usable()

    async def remove(self, message: discord.Message | discord.PartialMessage, emoji: str) -> bool:
        """Remove a reaction and return whether it is gone; log a failure at debug level.

        Do nothing while the bot's user is unknown.
        """
        if self._bot.user is None:
            return False
        try:
            await self._requests.ask(message.remove_reaction(discord.PartialEmoji.from_str(emoji), self._bot.user))
        except discord.DiscordException as error:
            log.debug("The reaction to message %d could not be removed: %s.", message.id, type(error).__name__)
            return isinstance(error, discord.NotFound)
        self._meter.reaction_done("remove")
        return True

    def _age(self, message: discord.Message) -> float:
        """Return the seconds since a message was written or edited."""
        return (self._requests.time.now() - _written_at(message)).total_seconds()

    async def _request(self, message: discord.Message, emoji: str, within: float) -> Outcome:
        """Request a reaction, unless it could not be sent within this many seconds; return the outcome."""
        channel_id, guild_id = _place(message)
        if self._requests.pause_left():
            return Outcome.HELD_BACK
        try:
            await self._requests.ask(
                message.add_reaction(discord.PartialEmoji.from_str(emoji)),
                within,
                _written_at(message),
            )
        except discord.HTTPException as error:
            return self._after_discord_refused(message, error)
        except discord.RateLimited as error:
            self._limits.note_refusal(channel_id, guild_id, error.retry_after)
            return Outcome.RATE_LIMITED
        except HeldBackError:
            return Outcome.HELD_BACK
        except DiscordFailedError:
            return Outcome.DISCORD_FAILED
        self._limits.note_success(channel_id, guild_id)
        self._meter.reaction_done("add")
        return Outcome.REACTED

    def _after_discord_refused(self, message: discord.Message, error: discord.HTTPException) -> Outcome:
        """Return the outcome of a refused request, and pause the channel or the author it concerns."""
        if error.code in _MESSAGE_CODES:
            outcome = _MESSAGE_CODES[error.code]
            if outcome == Outcome.BLOCKED:
                self._limits.note_block(message.author.id)
            return outcome
        if error.status >= 500:
            return Outcome.DISCORD_FAILED  # discord.py has already retried several times
        self._limits.note_refusal(*_place(message), _LONG_PAUSE if error.code in _CHANNEL_CODES else _SHORT_PAUSE)
        return _CHANNEL_CODES.get(error.code, Outcome.REFUSED)


def _written_at(message: discord.Message) -> datetime:
    """Return when the text of a message was written."""
    return message.edited_at or message.created_at


def _place(message: discord.Message) -> tuple[int, int | None]:
    """Return the ids of a message's channel and of its server, which is None for direct messages."""
    return message.channel.id, message.guild.id if message.guild else None
