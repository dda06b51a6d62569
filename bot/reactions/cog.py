"""React to messages: the way of a message from its arrival to the reaction, or to the reason for none."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import discord
from discord.ext import commands

from bot.analyzer import Analyzer, AnalyzerClosedError, AnalyzerOverloadedError, AnalyzerTooSlowError
from bot.configuration import Configuration
from bot.connection.requests import DiscordFailedError, DiscordRequests, HeldBackError
from bot.reactions.dislikes import remove_reaction
from bot.reactions.gate import may_react, no_words_reason, why_unreadable
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import Decision, choose, is_understood
from bot.reactions.reaction_limits import ChannelHistory, ReactionLimits
from bot.reactions.traces import Trace, Traces
from bot.server_settings import ServerSettings
from bot.store import Store
from classifiers import NEUTRAL, Prediction

log = logging.getLogger(__name__)

CORRECTABLE = timedelta(minutes=2)
"""Time after a message was written in which an edit of it changes the reaction."""

# Discord's error codes. The first two are about the channel: each repetition counts towards the ban
# after 10,000 refused requests in ten minutes, hence the long pause. The others are about the one message.
_CHANNEL_CODES = {50013: Outcome.FORBIDDEN, 50001: Outcome.NO_ACCESS}
_MESSAGE_CODES = {
    10008: Outcome.MESSAGE_GONE,
    10014: Outcome.UNKNOWN_EMOJI,
    30010: Outcome.TOO_MANY_REACTIONS,
    90001: Outcome.BLOCKED,
}
_LONG_PAUSE, _SHORT_PAUSE = 60.0, 5.0


class Reactions(commands.Cog):
    """Reads messages and reacts to those with a clear emotion.

    It keeps counts: of emotions by channel and hour in the store (erased with the server's data, and after 90
    days), and of outcomes in memory. What it must know to change a reaction it forgets within half an hour.

    Attributes:
        outcomes: how many messages had which outcome since the start.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        analyzer: Analyzer,
        store: Store,
        configuration: Configuration,
        history: ChannelHistory,
        traces: Traces,
        requests: DiscordRequests,
        clock: Callable[[], float],
    ) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._configuration = configuration
        self._requests = requests
        self._limits = ReactionLimits(clock)
        self._history = history
        self._traces = traces

    # Events

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """React to a new message, or count the reason not to."""
        outcome = await self._handle_new(message)
        self.outcomes[outcome] += 1
        log.debug("Message %d in channel %d: %s.", message.id, message.channel.id, outcome)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Change the reaction if a recent message was edited and says something else now."""
        message, trace = payload.message, self._traces.get(payload.message_id)
        if trace is None or message.edited_at is None or message.edited_at - message.created_at > CORRECTABLE:
            return  # an edit without a time is Discord's own, which adds the preview of a link
        outcome = await self._handle(message, trace)
        log.debug("Message %d in channel %d was edited: %s.", message.id, message.channel.id, outcome)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Take back the count of a deleted message's mood."""
        self._forget(payload.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Take back the counts of deleted messages' moods."""
        for message_id in payload.message_ids:
            self._forget(message_id)

    # From a message to its reaction

    async def _handle_new(self, message: discord.Message) -> Outcome:
        if reason := self._why_unreadable(message):
            return reason
        if not may_react(message):
            return Outcome.NOT_PERMITTED
        trace = self._traces[message.id] = Trace()
        return await self._handle(message, trace)

    async def _handle(self, message: discord.Message, trace: Trace) -> Outcome:
        """Read a new or edited message, count its mood and react; undo what an earlier text of it led to."""
        async with trace.busy:
            before = trace.emoji
            self._uncount_mood(message.id, trace)
            prediction = await self._classify(message)
            if isinstance(prediction, Prediction):
                self._count_mood(message, prediction, trace)
                outcome = Outcome.TAKEN_BACK if trace.unwanted else await self._react(message, prediction, trace)
            else:
                outcome, trace.emoji = prediction, None
            if before and trace.emoji != before and not trace.unwanted:
                await remove_reaction(message, before, self._bot.user, self._requests)
            return outcome

    async def _classify(self, message: discord.Message) -> Prediction | Outcome:
        """Return the model's prediction, or why there is none.

        Check before and after predicting that the message may still be read.
        """
        # The text that a message forwards is not read: somebody else wrote it, who may have opted out.
        if reason := self._why_unreadable(message) or no_words_reason(message.content):
            return reason
        if message.edited_at is None:
            self._history.count_message(message.channel.id)
        try:
            prediction = await self._analyzer.classify(message.content, self._settings_of(message).model)
        except (AnalyzerOverloadedError, AnalyzerClosedError):
            return Outcome.OVERLOADED
        except AnalyzerTooSlowError:
            return Outcome.TOO_SLOW
        if message.id not in self._traces:
            return Outcome.MESSAGE_GONE
        return self._why_unreadable(message) or prediction

    async def _react(self, message: discord.Message, prediction: Prediction, trace: Trace) -> Outcome:
        before = trace.emoji
        decision = self._choose(message, prediction, corrects=before is not None)
        trace.emoji = decision.emoji
        if decision.reason:
            return decision.reason
        if decision.emoji is None or decision.emoji == before:
            return Outcome.REACTED
        outcome = await self._add(message, decision.emoji)
        if outcome != Outcome.REACTED:
            trace.emoji = None
        elif trace.unwanted or self._why_unreadable(message):
            # The author or the server may have objected while the request waited.
            await remove_reaction(message, decision.emoji, self._bot.user, self._requests)
            trace.emoji, outcome = None, Outcome.TAKEN_BACK
        return outcome

    def _choose(self, message: discord.Message, prediction: Prediction, *, corrects: bool) -> Decision:
        channel_id = message.channel.id
        decision = choose(
            message.content,
            prediction,
            self._settings_of(message),
            None if corrects else self._history.state(channel_id),
            minimum_certainty=self._configuration.min_certainty,
            usable=self._is_usable,
        )
        if decision.emoji and not corrects:
            self._history.count_reaction(channel_id)
        return decision

    def _count_mood(self, message: discord.Message, prediction: Prediction, trace: Trace) -> None:
        """Count the message's strongest emotion for its channel; whoever sees the channel can see the count."""
        if message.guild is None or not self._settings_of(message).mood or not is_understood(prediction):
            return
        channel = message.channel
        if isinstance(channel, discord.Thread) and channel.is_private():
            return  # many who see the channel cannot see the thread
        channel_id = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
        emotion = (prediction.present or [NEUTRAL])[0]
        self._store.count_mood(message.guild.id, channel_id, message.created_at, emotion)
        trace.mood = (message.guild.id, channel_id, emotion)

    def _uncount_mood(self, message_id: int, trace: Trace) -> None:
        if trace.mood:
            guild_id, channel_id, emotion = trace.mood
            self._store.count_mood(guild_id, channel_id, discord.utils.snowflake_time(message_id), emotion, -1)
            trace.mood = None

    async def _add(self, message: discord.Message, emoji: str) -> Outcome:
        channel_id, guild_id = message.channel.id, message.guild.id if message.guild else None
        age = (self._requests.time.now() - (message.edited_at or message.created_at)).total_seconds()
        if limit := self._limits.admit(channel_id, guild_id, age):
            return limit
        try:
            return await self._request(message, emoji, within=self._limits.max_age - age)
        finally:
            self._limits.release(channel_id)

    async def _request(self, message: discord.Message, emoji: str, within: float) -> Outcome:
        """Send the request for a reaction unless it would take more than so many seconds; return the outcome."""
        channel_id, guild_id = message.channel.id, message.guild.id if message.guild else None
        if self._requests.wait():
            return Outcome.HELD_BACK
        try:
            await self._requests.ask(message.add_reaction(discord.PartialEmoji.from_str(emoji)), within)
        except discord.HTTPException as error:
            return self._after_discord_refused(channel_id, guild_id, error)
        except discord.RateLimited as error:
            self._limits.refused(channel_id, guild_id, error.retry_after)
            return Outcome.RATE_LIMITED
        except HeldBackError:
            return Outcome.HELD_BACK
        except DiscordFailedError:
            return Outcome.DISCORD_FAILED
        self._limits.succeeded(channel_id, guild_id)
        return Outcome.REACTED

    def _after_discord_refused(self, channel_id: int, guild_id: int | None, error: discord.HTTPException) -> Outcome:
        """Return the outcome of a refused request, and pause the channel if the refusal was about the channel."""
        if error.code in _MESSAGE_CODES:
            return _MESSAGE_CODES[error.code]
        if error.status >= 500:
            return Outcome.DISCORD_FAILED  # discord.py has already retried it several times
        self._limits.refused(channel_id, guild_id, _LONG_PAUSE if error.code in _CHANNEL_CODES else _SHORT_PAUSE)
        return _CHANNEL_CODES.get(error.code, Outcome.REFUSED)

    def _forget(self, message_id: int) -> None:
        if trace := self._traces.pop(message_id, None):
            self._uncount_mood(message_id, trace)

    def _why_unreadable(self, message: discord.Message) -> Outcome | None:
        return why_unreadable(message, self._store, self._bot.user)

    def _settings_of(self, message: discord.Message) -> ServerSettings:
        return self._store.settings(message.guild.id if message.guild else None)

    def _is_usable(self, custom_emoji: str) -> bool:
        emoji = self._bot.get_emoji(discord.PartialEmoji.from_str(custom_emoji).id or 0)
        return emoji is not None and emoji.is_usable()
