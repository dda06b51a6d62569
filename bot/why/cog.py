"""The message menu "Why?", for anybody: why the bot has reacted to a message, or why not."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.analysis.analyzer import Analyzer
from bot.i18n import translator
from bot.reactions.gate import may_react, no_words_reason, why_unreadable
from bot.reactions.grave_topics import is_grave
from bot.reactions.history import History
from bot.reactions.joining import seconds_since_joining
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import seconds_to_next
from bot.reactions.policy import Policy
from bot.store import Store
from bot.ui.request_limits import RequestLimits
from bot.why.answer import PACE, Finding, format_answer, reason_for_silence, setting_for


class Why(commands.Cog):
    """Explains why a message has a reaction or none; keeps nothing.

    It calls the same functions as `Reactions`, for the message as it is now. What it cannot find out in that way, such
    as a refusal by Discord, is in the records of the last half hour's messages.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        analyzer: Analyzer,
        store: Store,
        history: History,
        policy: Policy,
        limits: RequestLimits,
    ) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._history = history
        self._policy = policy
        self._limits = limits
        self._menu = app_commands.ContextMenu(
            name="Why?",
            callback=self.explain,
            # Not for user installations, where the bot does not react to messages.
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def cog_load(self) -> None:
        """Add the message menu, which a cog does not add by itself."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Remove the message menu."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def explain(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Explain privately why a message has a reaction or none."""
        translate = translator(interaction.locale)
        if reason := self._why_not_explained(message):
            text = format_answer(reason, translate)
        elif refusal := self._limits.refuse_or_count(interaction, translate):
            text = refusal
        else:
            with self._limits.in_progress(interaction.user.id):
                text = format_answer(await self.find_out(message, interaction.created_at), translate)
        await interaction.response.send_message(text, ephemeral=True)

    async def find_out(self, message: discord.Message, now: datetime) -> Finding | Outcome:
        """Return what can be said about a message, or why no model reads it.

        Args:
            message: the message.
            now: the time from which the next reaction is computed.

        Raises:
            AnalyzerError: the model gave no answer.
        """
        if reason := self._why_not_explained(message):
            return reason
        guild_id = message.guild.id if message.guild else None
        model = self._analyzer.reacting_model(self._store.settings(guild_id).model)
        answers, explanations = await self._analyzer.explain(message.content, model)
        if reason := self._why_not_explained(message):  # the author or the server may have objected in the meantime
            return reason
        settings, channel_id = self._store.settings(guild_id), message.channel.id
        decide = partial(self._policy.choose, message.content, answers[model].prediction)
        since_joining, record = seconds_since_joining(message), self._history.messages.get(message.id)
        channels = self._history.channels
        state = channels.state(channel_id, since_joining)
        decision, reaction = decide(settings, state), record.emoji if record else None
        reason = None if reaction else reason_for_silence(decision.reason, record)
        upcoming = channels.upcoming_states(channel_id, since_joining)
        wait = math.ceil(seconds_to_next(settings, upcoming)) if reason in PACE else 0
        return Finding(
            reaction=reaction,
            reason=reason,
            decision=decision,
            words=explanations[model].words,
            setting=setting_for(reason, settings, state.dislikes, decide) if guild_id else (),
            next_at=now + timedelta(seconds=wait) if wait else None,
        )

    def _why_not_explained(self, message: discord.Message) -> Outcome | None:
        """Return why no model reads a message, or why it gets no reaction whatever a model says; else None."""
        return (
            why_unreadable(message, self._store, self._bot.user)
            or (None if may_react(message) else Outcome.NOT_PERMITTED)
            or no_words_reason(message.content)
            or (Outcome.GRAVE if is_grave(message.content) else None)
        )
