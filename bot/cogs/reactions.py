"""Reacting to messages: the way from a message to its emoji, and every reason to stay silent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from enum import StrEnum

import aiohttp
import discord
from discord.ext import commands

from bot.analyzer import Analyzer, AnalyzerClosedError, AnalyzerOverloadedError, AnalyzerTooSlowError
from bot.pacing import Pacer
from bot.policy import choose, ineligible
from bot.settings import Settings

log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """How a message ended for which neither `bot.policy` nor `bot.pacing` had a reason to stay silent."""

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
    REFUSED = "refused"
    DISCORD_FAILED = "Discord failed"
    RATE_LIMITED = "rate limited"


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


class Reactions(commands.Cog):
    """Reads messages and reacts to those with a clear emotion; keeps nothing of them but counts of outcomes.

    Attributes:
        outcomes: how many messages ended in which way since the start, keyed by the values of `Outcome` and
            of the reasons in `bot.policy` and `bot.pacing`.
    """

    def __init__(self, bot: commands.AutoShardedBot, analyzer: Analyzer, pacer: Pacer, settings: Settings) -> None:
        self.outcomes: Counter[str] = Counter()
        self._bot = bot
        self._analyzer = analyzer
        self._pacer = pacer
        self._settings = settings

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """React to a new message, or count the reason not to."""
        outcome = await self._react(message)
        self.outcomes[outcome] += 1
        log.debug("Message %d in channel %d: %s.", message.id, message.channel.id, outcome)

    async def _react(self, message: discord.Message) -> str:
        silence = ineligible(
            message.content,
            itself=message.author == self._bot.user,
            webhook=message.webhook_id is not None,
            bot=message.author.bot,
            system=message.is_system() or message.author.system,
        )
        if silence:
            return silence
        if not _may_react(message):
            return Outcome.NOT_PERMITTED
        try:
            prediction = await self._analyzer.classify(message.content, self._settings.reacts_with)
        except (AnalyzerOverloadedError, AnalyzerClosedError):
            return Outcome.OVERLOADED
        except AnalyzerTooSlowError:
            return Outcome.TOO_SLOW
        decision = choose(prediction, minimum_certainty=self._settings.min_certainty)
        if decision.emoji is None:
            return str(decision.reason)
        return await self._add(message, decision.emoji)

    async def _add(self, message: discord.Message, emoji: str) -> str:
        channel_id = message.channel.id
        age = (discord.utils.utcnow() - message.created_at).total_seconds()
        refusal = self._pacer.admit(channel_id, age)
        if refusal:
            return refusal
        try:
            # discord.py waits for its turn when reactions are rate limited; too late is as good as never.
            async with asyncio.timeout(self._pacer.max_age - age):
                await message.add_reaction(emoji)
        except discord.HTTPException as error:
            return self._refused(channel_id, error)
        except TimeoutError:
            return Outcome.RATE_LIMITED
        except (OSError, aiohttp.ClientError):
            return Outcome.DISCORD_FAILED
        else:
            self._pacer.succeeded(channel_id)
            return Outcome.REACTED
        finally:
            self._pacer.release(channel_id)

    def _refused(self, channel_id: int, error: discord.HTTPException) -> Outcome:
        """Name what Discord answered, and leave the channel alone if that was about the channel."""
        if error.code in _MESSAGE_CODES:
            return _MESSAGE_CODES[error.code]
        if error.status >= 500:
            return Outcome.DISCORD_FAILED  # discord.py has tried again and again already
        self._pacer.refused(channel_id, _LONG_PAUSE if error.code in _CHANNEL_CODES else _SHORT_PAUSE)
        return _CHANNEL_CODES.get(error.code, Outcome.REFUSED)


def _may_react(message: discord.Message) -> bool:
    """Whether the bot may add a first reaction, by what it knows, so that no request is made in vain."""
    if message.guild is None:
        return True
    try:
        granted = message.channel.permissions_for(message.guild.me)
    except discord.ClientException:  # a thread whose channel is hidden from the bot
        return False
    return granted.view_channel and granted.read_message_history and granted.add_reactions
