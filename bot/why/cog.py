"""The message menu "Why?", for anybody: why the bot has reacted to a message, or why not."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.analyzer import Analyzer
from bot.configuration import Configuration
from bot.i18n import Translate, translator
from bot.reactions.gate import may_react, no_words_reason, why_unreadable
from bot.reactions.guard import is_grave
from bot.reactions.history import ChannelHistory, Traces
from bot.reactions.joining import seconds_since_joining
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import choose, seconds_to_next
from bot.reactions.sending import ReactionSender
from bot.store import Store
from bot.ui.turns import Turns
from bot.why.answer import PACE, Finding, answer, reason_for_silence, setting_for, unread


class Why(commands.Cog):
    """Tells whoever asks why a message has a reaction or none; keeps nothing.

    It asks the same functions as `Reactions` does, about the message as it is now. What it cannot find out that way,
    such as a refusal of Discord, is in the traces of the last half hour.
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
        turns: Turns,
    ) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._configuration = configuration
        self._history = history
        self._traces = traces
        self._sender = sender
        self._turns = turns
        self._menu = app_commands.ContextMenu(
            name="Why?",
            callback=self.explain,
            # Not for user installations: there the bot reacts to nothing.
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def cog_load(self) -> None:
        """Add the message menu, which a cog does not add by itself."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take the message menu away again."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def explain(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Answer privately why a message has a reaction or none."""
        translate = translator(interaction.locale)
        text = self._unread(message, translate) or self._turns.refusal(interaction, translate)
        if text is None:
            with self._turns.reading(interaction.user.id):
                text = await self._read(interaction, message, translate)
        await interaction.response.send_message(text, ephemeral=True)

    def _unread(self, message: discord.Message, translate: Translate) -> str | None:
        """Return the answer about a message that no model reads or that is left alone whatever it says, else None."""
        reason = (
            why_unreadable(message, self._store, self._bot.user)
            or (None if may_react(message) else Outcome.NOT_PERMITTED)
            or no_words_reason(message.content)
            or (Outcome.GRAVE if is_grave(message.content) else None)
        )
        return unread(reason, translate) if reason else None

    async def _read(self, interaction: discord.Interaction, message: discord.Message, translate: Translate) -> str:
        """Return the answer about a message that may be read."""
        guild_id = message.guild.id if message.guild else None
        model = self._analyzer.reacting_model(self._store.settings(guild_id).model)
        answers, explanations = await self._analyzer.explain(message.content, model)
        if refusal := self._unread(message, translate):  # the author or the server may have objected meanwhile
            return refusal
        settings, channel_id = self._store.settings(guild_id), message.channel.id
        decide = partial(
            choose,
            message.content,
            answers[model].prediction,
            minimum_certainty=self._configuration.min_certainty,
            usable=self._sender.may_use,
        )
        joined_for, trace = seconds_since_joining(message), self._traces.get(message.id)
        state, outlook = self._history.state(channel_id, joined_for), self._history.outlook(channel_id, joined_for)
        decision, reaction = decide(settings, state), trace.emoji if trace else None
        reason = None if reaction else reason_for_silence(decision.reason, trace)
        wait = math.ceil(seconds_to_next(settings, outlook)) if reason in PACE else 0
        finding = Finding(
            reaction=reaction,
            reason=reason,
            decision=decision,
            words=explanations[model].words,
            setting=setting_for(reason, settings, state.dislikes, decide) if guild_id else (),
            next_at=interaction.created_at + timedelta(seconds=wait) if wait else None,
        )
        return answer(finding, translate)
