"""Reacting to messages: the way from a message to its emoji, and every reason to stay silent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import discord
from cachetools import TTLCache
from discord import app_commands
from discord.ext import commands

from bot.analyzer import Analyzer, AnalyzerClosedError, AnalyzerOverloadedError, AnalyzerTooSlowError
from bot.configuration import Settings
from bot.connection.requests import DiscordFailedError, DiscordRequests, HeldBackError
from bot.i18n import Translate, mark, translator
from bot.reactions.channels import Channels
from bot.reactions.gate import refusal
from bot.reactions.pacing import Pacer
from bot.reactions.policy import Decision, Silence, choose, is_understood, wordless
from bot.server_settings import ServerSettings
from bot.store import Store
from classifiers import NEUTRAL, Prediction

log = logging.getLogger(__name__)

DISLIKE = "❌"
"""With it the author of a message, or who may manage messages, takes the bot's reaction back."""

CORRECTABLE = timedelta(minutes=2)
"""How long after a message was written an edit of it moves the reaction."""

_REMEMBERED, _MOST_REMEMBERED = 1800.0, 20_000

TAKEN_BACK = mark("Taken back. I hold back a little in this channel for a day.")
NOTHING_TO_TAKE_BACK = mark("I have not reacted to that message.")
NOT_YOURS = mark("Only the author of a message, or somebody who may manage messages, can take my reaction back.")


class Outcome(StrEnum):
    """How a message ended for which neither the policy nor the pacer had a reason to stay silent."""

    REACTED = "reacted"
    NOT_PERMITTED = "not permitted"
    OVERLOADED = "overloaded"
    TOO_SLOW = "too slow"
    FORBIDDEN = "forbidden"
    NO_ACCESS = "no access"
    MESSAGE_GONE = "message gone"
    UNKNOWN_EMOJI = "unknown emoji"
    TOO_MANY_REACTIONS = "too many reactions"
    BLOCKED = "blocked by the author"
    TAKEN_BACK = "taken back"
    REFUSED = "refused"
    DISCORD_FAILED = "Discord failed"
    RATE_LIMITED = "rate limited"
    HELD_BACK = "held back"


# Discord's error codes. The first two are about the channel: each repetition counts towards the ban that
# follows 10,000 refused requests in ten minutes, hence the long pause. The others are about the one message.
_CHANNEL_CODES = {50013: Outcome.FORBIDDEN, 50001: Outcome.NO_ACCESS}
_MESSAGE_CODES = {
    10008: Outcome.MESSAGE_GONE,
    10014: Outcome.UNKNOWN_EMOJI,
    30010: Outcome.TOO_MANY_REACTIONS,
    90001: Outcome.BLOCKED,
}
_LONG_PAUSE, _SHORT_PAUSE = 60.0, 5.0


@dataclass(slots=True)
class _Trace:
    """What a recent message led to, so that an edit or a deletion can undo it; nothing of its text or author.

    Attributes:
        emoji: the bot's reaction.
        unwanted: whether a reaction was taken back or away, so that the message gets no other.
        mood: the emotion that was counted for the mood, with the server and the channel it was counted for.
        busy: held while the message or an edit of it is dealt with.
    """

    emoji: str | None = None
    unwanted: bool = False
    mood: tuple[int, int, str] | None = None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class Reactions(commands.Cog):
    """Reads messages and reacts to those with a clear emotion.

    It keeps counts: of emotions by channel and hour in the store (erased with the server's data, and after 90
    days), and of outcomes in memory. What it must know to take a reaction back it forgets within half an hour.

    Attributes:
        outcomes: how many messages ended in which way since the start, keyed by the values of `Outcome` and
            of the reasons in `bot.reactions.policy` and `bot.reactions.pacing`.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        analyzer: Analyzer,
        store: Store,
        settings: Settings,
        channels: Channels,
        requests: DiscordRequests,
        clock: Callable[[], float],
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._settings = settings
        self._requests = requests
        self._pacer = Pacer(clock)
        self._channels = channels
        self._traces: TTLCache[int, _Trace] = TTLCache(_MOST_REMEMBERED, _REMEMBERED, clock)
        self._menu = app_commands.ContextMenu(name="Take the reaction back", callback=self.take_back)

    async def cog_load(self) -> None:
        """Add the message menu, which a cog does not add by itself."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take the message menu away again."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    # What Discord tells

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """React to a new message, or count the reason not to."""
        outcome = await self._deal_with_new(message)
        self.outcomes[outcome] += 1
        log.debug("Message %d in channel %d: %s.", message.id, message.channel.id, outcome)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Move the reaction if a message that was just written says something else now."""
        message, trace = payload.message, self._traces.get(payload.message_id)
        if trace is None or message.edited_at is None or message.edited_at - message.created_at > CORRECTABLE:
            return  # an edit without a time is Discord's, which shows what a link leads to
        outcome = await self._deal_with(message, trace)
        log.debug("Message %d in channel %d was edited: %s.", message.id, message.channel.id, outcome)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Leave nothing of a deleted message behind."""
        self._forget(payload.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Leave nothing of deleted messages behind."""
        for message_id in payload.message_ids:
            self._forget(message_id)

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Take the reaction back when the author, or who may manage messages, asks for it by `DISLIKE`."""
        if payload.emoji.name != DISLIKE or (self._bot.user and payload.user_id == self._bot.user.id):
            return
        where = self._bot.get_partial_messageable(payload.channel_id, guild_id=payload.guild_id)
        message = where.get_partial_message(payload.message_id)
        if self._manages(payload) or payload.user_id == await self._author_id(payload, message):
            await self._take_back(message, payload.user_id)

    @commands.Cog.listener()
    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Take it as a wish for less when somebody takes the bot's reaction away."""
        if self._bot.user and payload.user_id == self._bot.user.id:
            self._taken_away(payload.channel_id, payload.message_id, payload.emoji)

    @commands.Cog.listener()
    async def on_raw_reaction_clear_emoji(self, payload: discord.RawReactionClearEmojiEvent) -> None:
        """Do the same when a moderator takes all reactions with an emoji away, the bot's among them."""
        self._taken_away(payload.channel_id, payload.message_id, payload.emoji)

    @commands.Cog.listener()
    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        """Do the same when a moderator takes all reactions away."""
        self._taken_away(payload.channel_id, payload.message_id)

    async def take_back(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """The message menu that does what `DISLIKE` does."""
        _: Translate = translator(interaction.locale)
        if interaction.user != message.author and not interaction.permissions.manage_messages:
            sentence = NOT_YOURS
        else:
            where = self._bot.get_partial_messageable(message.channel.id, guild_id=interaction.guild_id)
            taken_back = await self._take_back(where.get_partial_message(message.id), interaction.user.id)
            sentence = TAKEN_BACK if taken_back else NOTHING_TO_TAKE_BACK
        await interaction.response.send_message(_(sentence), ephemeral=True)

    # From a message to its reaction

    async def _deal_with_new(self, message: discord.Message) -> str:
        if reason := self._refusal(message):
            return reason
        if not _may_react(message):
            return Outcome.NOT_PERMITTED
        trace = self._traces[message.id] = _Trace()
        return await self._deal_with(message, trace)

    async def _deal_with(self, message: discord.Message, trace: _Trace) -> str:
        """Read a message, or what an edit made of it, count its mood and react; of the text before nothing is left."""
        async with trace.busy:
            before = trace.emoji
            self._uncount_mood(message.id, trace)
            heard = await self._hear(message)
            if isinstance(heard, Prediction):
                self._count_mood(message, heard, trace)
                outcome = Outcome.TAKEN_BACK if trace.unwanted else await self._react(message, heard, trace)
            else:
                outcome, trace.emoji = heard, None
            if before and trace.emoji != before and not trace.unwanted:
                await self._remove(message, before)
            return outcome

    async def _hear(self, message: discord.Message) -> Prediction | str:
        """Return what the model hears in a message, or why it may not be read, asking that before and after."""
        # What a message forwards is left alone: somebody else wrote it, perhaps one who has opted out.
        if reason := self._refusal(message) or wordless(message.content):
            return reason
        if message.edited_at is None:
            self._channels.heard(message.channel.id)
        try:
            prediction = await self._analyzer.classify(message.content, self._settings_of(message).model)
        except (AnalyzerOverloadedError, AnalyzerClosedError):
            return Outcome.OVERLOADED
        except AnalyzerTooSlowError:
            return Outcome.TOO_SLOW
        if message.id not in self._traces:
            return Outcome.MESSAGE_GONE
        return self._refusal(message) or prediction

    async def _react(self, message: discord.Message, prediction: Prediction, trace: _Trace) -> str:
        before = trace.emoji
        decision = self._choose(message, prediction, corrects=before is not None)
        trace.emoji = decision.emoji
        if decision.emoji is None:
            return str(decision.reason)
        if decision.emoji == before:
            return Outcome.REACTED
        outcome = await self._add(message, decision.emoji)
        if outcome != Outcome.REACTED:
            trace.emoji = None
        elif trace.unwanted or self._refusal(message):  # by now, since Discord may have let it wait
            await self._remove(message, decision.emoji)
            trace.emoji, outcome = None, Outcome.TAKEN_BACK
        return outcome

    def _choose(self, message: discord.Message, prediction: Prediction, *, corrects: bool) -> Decision:
        channel_id = message.channel.id
        decision = choose(
            message.content,
            prediction,
            self._settings_of(message),
            None if corrects else self._channels.state(channel_id),
            minimum_certainty=self._settings.min_certainty,
            usable=self._is_usable,
        )
        if decision.emoji and not corrects:
            self._channels.reacted(channel_id)
        return decision

    def _count_mood(self, message: discord.Message, prediction: Prediction, trace: _Trace) -> None:
        """Count the message's strongest emotion for its channel, which whoever sees that can ask for."""
        if message.guild is None or not self._settings_of(message).mood or not is_understood(prediction):
            return
        channel = message.channel
        if isinstance(channel, discord.Thread) and channel.is_private():
            return  # not everybody who sees the channel sees what is written in it
        channel_id = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
        emotion = (prediction.present or [NEUTRAL])[0]
        self._store.count_mood(message.guild.id, channel_id, message.created_at, emotion)
        trace.mood = (message.guild.id, channel_id, emotion)

    def _uncount_mood(self, message_id: int, trace: _Trace) -> None:
        if trace.mood:
            guild_id, channel_id, emotion = trace.mood
            self._store.count_mood(guild_id, channel_id, discord.utils.snowflake_time(message_id), emotion, -1)
            trace.mood = None

    async def _add(self, message: discord.Message, emoji: str) -> str:
        channel_id, guild_id = message.channel.id, message.guild.id if message.guild else None
        age = (self._requests.time.now() - (message.edited_at or message.created_at)).total_seconds()
        refusal = self._pacer.admit(channel_id, guild_id, age)
        if refusal:
            return refusal
        try:
            return await self._ask_for(message, emoji, within=self._pacer.max_age - age)
        finally:
            self._pacer.release(channel_id)

    async def _ask_for(self, message: discord.Message, emoji: str, within: float) -> Outcome:
        """Ask Discord for a reaction if that can still be done within so many seconds, and name what came of it."""
        channel_id, guild_id = message.channel.id, message.guild.id if message.guild else None
        if self._requests.wait():
            return Outcome.HELD_BACK
        try:
            await self._requests.ask(message.add_reaction(discord.PartialEmoji.from_str(emoji)), within)
        except discord.HTTPException as error:
            return self._refused(channel_id, guild_id, error)
        except discord.RateLimited as error:
            self._pacer.refused(channel_id, guild_id, error.retry_after)
            return Outcome.RATE_LIMITED
        except HeldBackError:
            return Outcome.HELD_BACK
        except DiscordFailedError:
            return Outcome.DISCORD_FAILED
        self._pacer.succeeded(channel_id, guild_id)
        return Outcome.REACTED

    def _refused(self, channel_id: int, guild_id: int | None, error: discord.HTTPException) -> Outcome:
        """Name what Discord answered, and leave the channel alone if that was about the channel."""
        if error.code in _MESSAGE_CODES:
            return _MESSAGE_CODES[error.code]
        if error.status >= 500:
            return Outcome.DISCORD_FAILED  # discord.py has tried again and again already
        self._pacer.refused(channel_id, guild_id, _LONG_PAUSE if error.code in _CHANNEL_CODES else _SHORT_PAUSE)
        return _CHANNEL_CODES.get(error.code, Outcome.REFUSED)

    # And back

    async def _take_back(self, message: discord.PartialMessage, person: int) -> bool:
        """Remove the bot's reactions from a message and hold back in its channel; False if there are none.

        Args:
            message: the message.
            person: the id of who asks for it.
        """
        trace = self._traces.get(message.id)
        try:
            if trace and trace.emoji:
                found, trace.emoji, trace.unwanted = [trace.emoji], None, True
            else:  # too long ago to be remembered
                fetched = await self._requests.ask(message.fetch())
                found = [str(reaction.emoji) for reaction in fetched.reactions if reaction.me]
        except discord.DiscordException:
            return False
        for emoji in found:
            await self._remove(message, emoji)
        if found:
            self._channels.disliked(message.channel.id, person)
        return bool(found)

    def _taken_away(self, channel_id: int, message_id: int, emoji: discord.PartialEmoji | None = None) -> None:
        """Take note that somebody took the reaction with an emoji, or whichever it is, away from a message."""
        trace = self._traces.get(message_id)
        if trace and trace.emoji and emoji in (None, discord.PartialEmoji.from_str(trace.emoji)):
            trace.emoji, trace.unwanted = None, True
            self._channels.disliked(channel_id, None)

    async def _remove(self, message: discord.Message | discord.PartialMessage, emoji: str) -> None:
        if self._bot.user is None:
            return
        try:
            await self._requests.ask(message.remove_reaction(discord.PartialEmoji.from_str(emoji), self._bot.user))
        except discord.DiscordException as error:
            log.debug("The reaction to message %d could not be removed: %s.", message.id, type(error).__name__)

    async def _author_id(self, payload: discord.RawReactionActionEvent, message: discord.PartialMessage) -> int | None:
        """Return who wrote a message, which Discord usually tells with the reaction; None if it never does."""
        if payload.message_author_id:
            return payload.message_author_id
        try:
            return (await self._requests.ask(message.fetch())).author.id
        except discord.DiscordException:
            return None

    def _manages(self, payload: discord.RawReactionActionEvent) -> bool:
        """Whether somebody may manage the messages of the channel."""
        channel = self._bot.get_channel(payload.channel_id)
        if payload.member is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return False
        return _permissions(channel, payload.member).manage_messages

    def _forget(self, message_id: int) -> None:
        if trace := self._traces.pop(message_id, None):
            self._uncount_mood(message_id, trace)

    def _refusal(self, message: discord.Message) -> Silence | None:
        return refusal(message, self._store, self._bot.user)

    def _settings_of(self, message: discord.Message) -> ServerSettings:
        return self._store.settings(message.guild.id if message.guild else None)

    def _is_usable(self, custom_emoji: str) -> bool:
        emoji = self._bot.get_emoji(discord.PartialEmoji.from_str(custom_emoji).id or 0)
        return emoji is not None and emoji.is_usable()


def _permissions(channel: discord.abc.GuildChannel | discord.Thread, member: discord.Member) -> discord.Permissions:
    try:
        return channel.permissions_for(member)
    except discord.ClientException:  # a thread whose channel is hidden from the bot
        return discord.Permissions.none()


def _may_react(message: discord.Message) -> bool:
    """Whether the bot may add a first reaction, by what it knows, so that no request is made in vain."""
    channel = message.channel
    if message.guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return True
    granted = _permissions(channel, message.guild.me)
    return granted.view_channel and granted.read_message_history and granted.add_reactions
