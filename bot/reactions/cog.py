"""React to messages: take each from its arrival to the reaction, or to the reason for none.

New messages arrive in `Reactions.handle_message`, to which `Emobot.on_message` passes them, and edited ones in
`Reactions.on_raw_message_edit`. For a new message the gate is asked first, in `_handle_new`; `_read_and_react` has a
line for each further step.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import discord
from discord.ext import commands

from bot.analysis.analyzer import Analyzer, AnalyzerClosedError, AnalyzerOverloadedError, AnalyzerTooSlowError
from bot.connection.clock import loop_time
from bot.reactions.gate import author_or_server_objection, may_react, no_words_reason, why_unreadable
from bot.reactions.grave_topics import is_grave
from bot.reactions.history import History, MessageRecord
from bot.reactions.joining import seconds_since_joining
from bot.reactions.observers import MessageResult, Observers
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import ChannelState, pace_reason, sample_weight
from bot.reactions.policy import Decision, Policy, is_understood
from bot.reactions.sending import ReactionSender
from bot.reactions.summary import Summary
from bot.server_settings import ServerSettings
from bot.store import Store
from classifiers import NEUTRAL, Prediction

log = logging.getLogger(__name__)

EDIT_WINDOW = timedelta(minutes=2)
"""How long after a message was written an edit still changes the reaction."""

MOOD_TIMEOUT = 30.0
"""Seconds for which a text that is read only for the mood may wait for the model.

Nobody waits for the answer, newer texts are read first, and after an outage many texts come at once.
"""

_HIDDEN_FROM_OBSERVERS = frozenset({Outcome.OPTED_OUT, Outcome.NOT_READY, Outcome.MESSAGE_GONE})
"""Outcomes that observers are not told. Before the opt-outs have been read, anybody may have opted out."""

_COUNTED_OUTCOMES = frozenset(
    {
        Outcome.REACTED,
        Outcome.MESSAGE_GONE,
        Outcome.UNKNOWN_EMOJI,
        Outcome.TOO_MANY_REACTIONS,
        Outcome.BLOCKED,
    }
)
"""Outcomes after which a reaction counts towards the pace of its channel.

It does not count if Discord failed or was not asked. It does count if Discord refused it because of this message: the
channel is not paused then, so the next refusal could follow at once.
"""


class Reactions(commands.Cog):
    """Reads messages and reacts to those with a clear emotion.

    It keeps counts: of emotions by channel and hour in the store (erased with the server's data, and after
    `mood_days`), and of outcomes in memory. Within half an hour it forgets what it needs to change a reaction.

    Attributes:
        outcomes: how many messages ended with each outcome since the start.
        observers: the observers of channels, which are told at once what became of each message.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        analyzer: Analyzer,
        store: Store,
        history: History,
        policy: Policy,
        sender: ReactionSender,
        observers: Observers,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.observers = observers
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._history = history
        self._policy = policy
        self._sender = sender
        self._chance = chance
        self._summary = Summary(loop_time)

    # Events

    async def handle_message(self, message: discord.Message) -> None:
        """React to a new message, or count the reason not to."""
        result = await self._handle_new(message)
        self.outcomes[result.outcome] += 1
        if line := self._summary.add(result.outcome):
            log.info("Reactions were lost. %s", line)
        log.debug("Message %d in channel %d: %s.", message.id, message.channel.id, result.outcome)
        await self._tell_observers(message, result)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Change the reaction if a recent message was edited and now says something else."""
        message, record = payload.message, self._history.messages.get(payload.message_id)
        if record is None or message.edited_at is None or message.edited_at - message.created_at > EDIT_WINDOW:
            return  # an edit without a time is Discord's own, which adds a link preview
        result = await self._handle(message, record)
        log.debug("Message %d in channel %d was edited: %s.", message.id, message.channel.id, result.outcome)
        await self._tell_observers(message, result)

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

    async def _handle_new(self, message: discord.Message) -> MessageResult:
        if reason := self._why_unreadable(message):
            return MessageResult(reason)
        record = self._history.messages[message.id] = MessageRecord()
        result = await self._handle(message, record)
        if result.outcome is Outcome.NOT_PERMITTED:  # its edits get no reaction either
            self._history.messages.pop(message.id, None)
        return result

    async def _handle(self, message: discord.Message, record: MessageRecord) -> MessageResult:
        """Read a new or edited message and react to it; undo the effects of its earlier text."""
        async with record.busy:
            self._uncount_mood(message.id, record)
            result = await self._read_and_react(message, record)
            record.outcome = result.outcome
            if not (result.decision and result.decision.emoji):  # else it stays or `_react` replaces it
                await self._take_back(message, record)
            return result

    async def _read_and_react(  # noqa: PLR0911 - a return for each step that can be the last
        self, message: discord.Message, record: MessageRecord
    ) -> MessageResult:
        """Take a message through all steps from its text to its reaction; return what became of it.

        Its author and its server may object at any moment, so the gate is asked again after each wait.
        """
        # A forwarded text is not read: somebody else wrote it, who may have opted out.
        is_new = message.edited_at is None  # then the gate has just been asked
        if reason := (None if is_new else self._objection(message)) or no_words_reason(message.content):
            return MessageResult(reason)
        if is_new:
            self._history.channels.count_message(message.channel.id)
        no_reaction = self._why_no_reaction(message, record)
        weight = self._sample_weight(message) if no_reaction else 1
        if no_reaction and not weight:
            return MessageResult(no_reaction)
        if not may_react(message):  # asked only now, since it takes longer than all that comes before
            return MessageResult(Outcome.NOT_PERMITTED)
        prediction = await self._classify(message, mood_only=no_reaction is not None)
        if isinstance(prediction, Outcome):
            return MessageResult(prediction)
        if reason := self._objection(message):
            return MessageResult(reason)
        self._count_mood(message, prediction, record, weight)
        if record.unwanted:
            return MessageResult(Outcome.TAKEN_BACK)
        if no_reaction:  # even if a reaction is possible by now: the text was not read urgently, so it would be late
            return MessageResult(no_reaction)
        decision = self._choose(message, prediction, is_correction=record.emoji is not None)
        if decision.reason:
            return MessageResult(decision.reason, decision)
        if decision.emoji is None or decision.emoji == record.emoji:
            return MessageResult(Outcome.REACTED, decision)
        return MessageResult(await self._react(message, record, decision.emoji), decision)

    # The steps

    def _why_unreadable(self, message: discord.Message) -> Outcome | None:
        return why_unreadable(message, self._store, self._bot.user)

    def _objection(self, message: discord.Message) -> Outcome | None:
        """Return why a message that was readable may not be read any more, or None if it still may be."""
        guild_id = message.guild.id if message.guild else None
        return author_or_server_objection(message.author.id, guild_id, message.channel, self._store)

    def _why_no_reaction(self, message: discord.Message, record: MessageRecord) -> Outcome | None:
        """Return why reading the message could change nothing but the mood; None if it may change more."""
        if record.emoji or self.observers.in_channel(message.channel.id):
            return None  # its reaction may have to be removed, or an observer is shown each message's emotion
        return pace_reason(self._settings_of(message), self._state(message)) or self._sender.obstacle(message)

    def _sample_weight(self, message: discord.Message) -> int:
        """Return how many messages a message counts for if it is read only for the mood; 0 if it is not to be read."""
        if self._mood_channel(message) is None:
            return 0
        return sample_weight(
            self._history.channels.messages_in_window(message.channel.id), self._analyzer.texts_waiting, self._chance
        )

    async def _classify(self, message: discord.Message, *, mood_only: bool) -> Prediction | Outcome:
        """Return the model's prediction, or why there was none in time."""
        within = MOOD_TIMEOUT if mood_only else self._sender.seconds_left(message)
        try:
            prediction = await self._analyzer.classify(
                message.content,
                self._settings_of(message).model,
                lane=message.channel.id,
                within=within if within > 0 else None,
                urgent=not mood_only,
            )
        except (AnalyzerOverloadedError, AnalyzerClosedError):
            return Outcome.OVERLOADED
        except AnalyzerTooSlowError:
            return Outcome.TOO_SLOW
        return prediction if message.id in self._history.messages else Outcome.MESSAGE_GONE

    def _count_mood(self, message: discord.Message, prediction: Prediction, record: MessageRecord, weight: int) -> None:
        """Count the message's strongest emotion for its channel, as if `weight` messages had it."""
        channel_id = self._mood_channel(message)
        if message.guild is None or channel_id is None or not is_understood(prediction):
            return
        emotion = (prediction.present or [NEUTRAL])[0]
        self._store.count_mood(message.guild.id, channel_id, message.created_at, emotion, weight)
        record.mood = (message.guild.id, channel_id, emotion, weight)

    def _choose(self, message: discord.Message, prediction: Prediction, *, is_correction: bool) -> Decision:
        state = None if is_correction else self._state(message)
        return self._policy.choose(message.content, prediction, self._settings_of(message), state)

    async def _react(self, message: discord.Message, record: MessageRecord, emoji: str) -> Outcome:
        """Replace the reaction to an earlier text, if there is one, by this one; return the outcome."""
        is_correction = record.emoji is not None
        if is_correction:
            if not await self._take_back(message, record):
                return Outcome.HELD_BACK
            if record.unwanted or self._objection(message):
                return Outcome.TAKEN_BACK
        record.emoji = emoji  # from now on a dislike can remove it
        outcome = await self._add(message, emoji, is_correction=is_correction)
        if outcome != Outcome.REACTED:
            record.emoji = None
        elif record.unwanted or self._objection(message):
            record.emoji = None
            await self._sender.remove(message, emoji)
            outcome = Outcome.TAKEN_BACK
        return outcome

    async def _add(self, message: discord.Message, emoji: str, *, is_correction: bool) -> Outcome:
        """Add a reaction and return the outcome; it counts towards the channel's pace unless it is a correction."""
        if is_correction:
            return await self._sender.add(message, emoji)
        counted_at = self._history.channels.count_reaction(message.channel.id)
        outcome = await self._sender.add(message, emoji)
        if outcome not in _COUNTED_OUTCOMES:
            self._history.channels.uncount_reaction(message.channel.id, counted_at)
        return outcome

    async def _take_back(self, message: discord.Message, record: MessageRecord) -> bool:
        """Remove the reaction to an earlier text, if there is one; return whether the message has none now."""
        emoji, record.emoji = record.emoji, None  # otherwise the removal would count as a dislike
        if emoji and not await self._sender.remove(message, emoji):
            record.emoji = emoji
        return record.emoji is None

    # What the steps need

    def _uncount_mood(self, message_id: int, record: MessageRecord) -> None:
        if record.mood:
            guild_id, channel_id, emotion, messages = record.mood
            self._store.count_mood(guild_id, channel_id, discord.utils.snowflake_time(message_id), emotion, -messages)
            record.mood = None

    def _mood_channel(self, message: discord.Message) -> int | None:
        """Return the channel for which the mood of a message is counted; None if it is not counted.

        Everybody who sees the channel can see the count.
        """
        if message.guild is None or not self._settings_of(message).mood:
            return None
        channel = message.channel
        if isinstance(channel, discord.Thread):
            # Many who see the channel cannot see its private threads.
            return None if channel.is_private() else channel.parent_id
        return channel.id

    def _state(self, message: discord.Message) -> ChannelState:
        return self._history.channels.state(message.channel.id, seconds_since_joining(message))

    async def _tell_observers(self, message: discord.Message, result: MessageResult) -> None:
        """Tell the channel's observers what became of a message, with the reason that *Why?* would give now."""
        observers = self.observers.in_channel(message.channel.id)
        if not observers:
            return
        if reason := self._why_unreadable(message):
            result = MessageResult(reason)
        elif result.decision and result.outcome != Outcome.REACTED and is_grave(message.content):
            result = MessageResult(Outcome.GRAVE)
        if result.outcome in _HIDDEN_FROM_OBSERVERS:
            for observer in observers:
                observer.message_removed(message.id)
            return
        # At once, since one may take long, and the message may be deleted meanwhile.
        await asyncio.gather(
            *(observer.message_handled(message.id, message.author.id, result) for observer in observers)
        )

    def _forget(self, channel_id: int, message_id: int) -> None:
        for observer in self.observers.in_channel(channel_id):
            observer.message_removed(message_id)
        if record := self._history.messages.pop(message_id, None):
            self._uncount_mood(message_id, record)

    def _settings_of(self, message: discord.Message) -> ServerSettings:
        return self._store.settings(message.guild.id if message.guild else None)
