"""React to messages: the way of a message from its arrival to the reaction, or to the reason for none.

`Reactions._read_and_react` is that way, a line for each step.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta

import discord
from discord.ext import commands

from bot.analyzer import Analyzer, AnalyzerClosedError, AnalyzerOverloadedError, AnalyzerTooSlowError
from bot.configuration import Configuration
from bot.reactions.gate import may_react, no_words_reason, why_unreadable
from bot.reactions.guard import is_grave
from bot.reactions.history import ChannelHistory, Trace, Traces
from bot.reactions.joining import seconds_since_joining
from bot.reactions.observers import Ending, Observers
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import Decision, choose, is_understood
from bot.reactions.sending import ReactionSender
from bot.server_settings import ServerSettings
from bot.store import Store
from classifiers import NEUTRAL, Prediction

log = logging.getLogger(__name__)

CORRECTABLE = timedelta(minutes=2)
"""Time after a message was written in which an edit of it changes the reaction."""

_UNTOLD = frozenset({Outcome.OPTED_OUT, Outcome.NOT_READY, Outcome.MESSAGE_GONE})
"""Outcomes that observers are not told. While it is unknown who has opted out, anybody may have."""


class Reactions(commands.Cog):
    """Reads messages and reacts to those with a clear emotion.

    It keeps counts: of emotions by channel and hour in the store (erased with the server's data, and after 90
    days), and of outcomes in memory. What it must know to change a reaction it forgets within half an hour.

    Attributes:
        outcomes: how many messages had which outcome since the start.
        observers: who is told at once how the messages of a channel end.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        analyzer: Analyzer,
        store: Store,
        configuration: Configuration,
        history: ChannelHistory,
        traces: Traces,
        sender: ReactionSender,
        observers: Observers,
    ) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.observers = observers
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._configuration = configuration
        self._history = history
        self._traces = traces
        self._sender = sender

    # Events

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """React to a new message, or count the reason not to."""
        ending = await self._handle_new(message)
        self.outcomes[ending.outcome] += 1
        log.debug("Message %d in channel %d: %s.", message.id, message.channel.id, ending.outcome)
        await self._tell_observers(message, ending)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Change the reaction if a recent message was edited and says something else now."""
        message, trace = payload.message, self._traces.get(payload.message_id)
        if trace is None or message.edited_at is None or message.edited_at - message.created_at > CORRECTABLE:
            return  # an edit without a time is Discord's own, which adds the preview of a link
        ending = await self._handle(message, trace)
        log.debug("Message %d in channel %d was edited: %s.", message.id, message.channel.id, ending.outcome)
        await self._tell_observers(message, ending)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Take back the count of a deleted message's mood."""
        self._forget(payload.channel_id, payload.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Take back the counts of deleted messages' moods."""
        for message_id in payload.message_ids:
            self._forget(payload.channel_id, message_id)

    # From a message to its reaction

    async def _handle_new(self, message: discord.Message) -> Ending:
        if reason := self._why_unreadable(message):
            return Ending(reason)
        if not may_react(message):
            return Ending(Outcome.NOT_PERMITTED)
        trace = self._traces[message.id] = Trace()
        return await self._handle(message, trace)

    async def _handle(self, message: discord.Message, trace: Trace) -> Ending:
        """Read a new or edited message and react to it; undo what an earlier text of it led to."""
        async with trace.busy:
            before = trace.emoji
            self._uncount_mood(message.id, trace)
            ending = await self._read_and_react(message, trace)
            trace.outcome = ending.outcome
            if ending.outcome != Outcome.REACTED:
                trace.emoji = None
            if before and trace.emoji != before and not trace.unwanted:
                await self._sender.remove(message, before)
            return ending

    async def _read_and_react(  # noqa: PLR0911 - a return for each step that can be the last
        self, message: discord.Message, trace: Trace
    ) -> Ending:
        """Take a message through all steps from its text to its reaction; return how it ended.

        Its author and its server may object at any moment, so each wait is followed by another look at the gate.
        """
        # The text that a message forwards is not read: somebody else wrote it, who may have opted out.
        if reason := self._why_unreadable(message) or no_words_reason(message.content):
            return Ending(reason)
        if message.edited_at is None:
            self._history.count_message(message.channel.id)
        prediction = await self._classify(message, corrects=trace.emoji is not None)
        if isinstance(prediction, Outcome):
            return Ending(prediction)
        if reason := self._why_unreadable(message):
            return Ending(reason)
        self._count_mood(message, prediction, trace)
        if trace.unwanted:
            return Ending(Outcome.TAKEN_BACK)
        before = trace.emoji
        decision = self._choose(message, prediction, corrects=before is not None)
        trace.emoji = decision.emoji  # from now on a dislike finds it
        if decision.reason:
            return Ending(decision.reason, decision)
        if decision.emoji is None or decision.emoji == before:
            return Ending(Outcome.REACTED, decision)
        outcome = await self._sender.add(message, decision.emoji)
        if outcome == Outcome.REACTED and (trace.unwanted or self._why_unreadable(message)):
            await self._sender.remove(message, decision.emoji)
            return Ending(Outcome.TAKEN_BACK, decision)
        return Ending(outcome, decision)

    # The steps

    def _why_unreadable(self, message: discord.Message) -> Outcome | None:
        return why_unreadable(message, self._store, self._bot.user)

    async def _classify(self, message: discord.Message, *, corrects: bool) -> Prediction | Outcome:
        """Return the model's prediction, or why there is none; nothing is read that is too old for a reaction."""
        left = self._sender.seconds_left(message)
        if left < 0 and not corrects:
            return Outcome.STALE
        try:
            prediction = await self._analyzer.classify(
                message.content,
                self._settings_of(message).model,
                sharing=message.channel.id,
                within=left if left > 0 else None,
            )
        except (AnalyzerOverloadedError, AnalyzerClosedError):
            return Outcome.OVERLOADED
        except AnalyzerTooSlowError:
            return Outcome.TOO_SLOW
        return prediction if message.id in self._traces else Outcome.MESSAGE_GONE

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

    def _choose(self, message: discord.Message, prediction: Prediction, *, corrects: bool) -> Decision:
        channel_id = message.channel.id
        decision = choose(
            message.content,
            prediction,
            self._settings_of(message),
            None if corrects else self._history.state(channel_id, seconds_since_joining(message)),
            minimum_certainty=self._configuration.min_certainty,
            usable=self._sender.may_use,
        )
        if decision.emoji and not corrects:
            self._history.count_reaction(channel_id)
        return decision

    # What the steps need

    def _uncount_mood(self, message_id: int, trace: Trace) -> None:
        if trace.mood:
            guild_id, channel_id, emotion = trace.mood
            self._store.count_mood(guild_id, channel_id, discord.utils.snowflake_time(message_id), emotion, -1)
            trace.mood = None

    async def _tell_observers(self, message: discord.Message, ending: Ending) -> None:
        """Tell whoever observes the channel how a message ended, by the reason that *Why?* would give now."""
        observers = self.observers.of(message.channel.id)
        if not observers:
            return
        if reason := self._why_unreadable(message):
            ending = Ending(reason)
        elif ending.decision and ending.outcome != Outcome.REACTED and is_grave(message.content):
            ending = Ending(Outcome.GRAVE)
        for observer in observers:
            if ending.outcome in _UNTOLD:
                observer.gone(message.id)
            else:
                await observer.ended(message.id, message.author.id, ending)

    def _forget(self, channel_id: int, message_id: int) -> None:
        for observer in self.observers.of(channel_id):
            observer.gone(message_id)
        if trace := self._traces.pop(message_id, None):
            self._uncount_mood(message_id, trace)

    def _settings_of(self, message: discord.Message) -> ServerSettings:
        return self._store.settings(message.guild.id if message.guild else None)
