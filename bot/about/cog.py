"""`/about`: what the bot is and how often people agree with it; a button shows the models' figures and its state."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.analysis.analyzer import Analyzer
from bot.configuration import Configuration
from bot.errors import report_error
from bot.i18n import Translate, mark, translator
from bot.shards import format_ranges
from bot.store import Store, StoreError
from bot.ui.standings import look_up_all_standings
from classifiers import NAMES, ModelDirectoryError
from classifiers.model_directory import ModelCard, read_manifest

log = logging.getLogger(__name__)

_FIGURES_BUTTON = "about:figures"
FIGURES = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "top1": "top-1", "ece": mark("calibration error")}
"""The usual names of the figures in a manifest."""


class About(commands.Cog):
    """Shows the bot's version, models and state to anybody; keeps nothing."""

    def __init__(
        self, bot: commands.AutoShardedBot, analyzer: Analyzer, store: Store, configuration: Configuration
    ) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._configuration = configuration
        self._models: Mapping[str, ModelCard] = {}
        self._listener = _FiguresListener(self)

    async def cog_load(self) -> None:
        """Listen to the buttons of all answers, and read the models' figures if there is a model directory."""
        self._bot.add_view(self._listener)
        try:
            manifest = await asyncio.to_thread(read_manifest, self._configuration.models)
        except ModelDirectoryError as error:
            log.warning("/about cannot show the models' figures: %s", error)
        else:
            self._models = manifest.models

    async def cog_unload(self) -> None:
        """Stop listening."""
        self._listener.stop()

    @app_commands.command(name="about", description="See what I am, how often I am right and how I am doing")
    async def about(self, interaction: discord.Interaction) -> None:
        """Answer privately."""
        await interaction.response.defer(ephemeral=True)  # a store that does not answer takes longer than Discord waits
        translate = translator(interaction.locale)
        guild = self._bot.get_guild(interaction.guild_id) if interaction.guild_id else None
        embed = discord.Embed(
            title=f"Emobot {metadata.version('emobot')}",
            description=translate(
                "I read messages, and when one shows a clear emotion, I react with a matching emoji."
            ),
            colour=discord.Colour.blurple(),
        )
        chosen = self._store.settings(guild.id if guild else None).model
        listening = translate("My {model} reads the messages here; `/compare` shows what each model makes of a text.")
        listening = listening.format(model=NAMES[self._analyzer.reacting_model(chosen)])
        embed.add_field(name=translate("Model"), value=listening, inline=False)
        embed.add_field(name=translate("What people say"), value=await self._agreement(translate, guild), inline=False)
        if pair := self._analyzer.models_to_compare(chosen):
            guild_id = guild.id if guild else None
            found = await look_up_all_standings(self._store, pair, self._analyzer.models, guild_id, translate)
            for name, lines in found.items():
                embed.add_field(name=name, value="\n".join(lines), inline=False)
        embed.add_field(
            name=translate("Your data"),
            value=translate("Use /privacy to see what is kept about you, or to opt out."),
            inline=False,
        )
        await interaction.followup.send(embed=embed, view=self._buttons(translate), ephemeral=True)

    async def show_figures(self, interaction: discord.Interaction) -> None:
        """Answer the button privately: how good the models are, and the state of the bot."""
        translate = translator(interaction.locale)
        guild = self._bot.get_guild(interaction.guild_id) if interaction.guild_id else None
        embed = discord.Embed(title=translate("Figures"), colour=discord.Colour.blurple())
        if self._models:
            embed.add_field(name=translate("My models"), value=self._figures(translate, guild), inline=False)
        embed.add_field(name=translate("Right now"), value=self._state(translate, guild), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)

    async def _agreement(self, translate: Translate, guild: discord.Guild | None) -> str:
        try:
            everywhere = Counter(await self._store.corrections())
            here = Counter(await self._store.corrections(guild.id) if guild else {})
        except StoreError:
            return translate("I can't look that up right now.")
        if not everywhere:
            return translate("Nobody has told me yet whether I was right.")
        lines = [
            translate.plural(
                "Everywhere: right in {share} of {count} answer",
                "Everywhere: right in {share} of {count} answers",
                everywhere.total(),
            ).format(share=_share_correct(everywhere, translate))
        ]
        if here:
            line = translate.plural(
                "In this server: right in {share} of {count} answer",
                "In this server: right in {share} of {count} answers",
                here.total(),
            )
            lines.insert(0, line.format(share=_share_correct(here, translate)))
        elif guild:
            lines.insert(0, translate("Nobody in this server has told me yet whether I was right."))
        return "\n".join(lines)

    def _figures(self, translate: Translate, guild: discord.Guild | None) -> str:
        reacting = self._analyzer.reacting_model(self._store.settings(guild.id if guild else None).model)
        lines = []
        for name, card in self._models.items():
            figures = translate.join(
                f"{translate(FIGURES.get(key, key))} {translate.decimal(value)}" for key, value in card.test.items()
            )
            lines.append(f"**{NAMES[name]}**: {figures}")
            if name == reacting:
                lines[-1] += " · " + translate("reacts here")
        return "\n".join(lines)

    def _state(self, translate: Translate, guild: discord.Guild | None) -> str:
        latency = self._bot.latency
        own = self._configuration.shard_ids
        servers = translate("Servers of this process: {count}") if own else translate("Servers: {count}")
        lines = [
            translate("Latency: {milliseconds} ms").format(milliseconds=round(latency * 1000))
            if math.isfinite(latency)
            else translate("Latency: not measured yet"),
            servers.format(count=len(self._bot.guilds)),
        ]
        if own:
            lines.append(translate("Shards of this process: {shards}").format(shards=format_ranges(own)))
        if guild:
            lines.append(
                translate("Shard: {shard} ({count} in all)").format(shard=guild.shard_id, count=self._bot.shard_count)
            )
        return "\n".join(lines)

    def _buttons(self, translate: Translate) -> discord.ui.View:
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label=translate("Figures"), custom_id=_FIGURES_BUTTON))
        for label, url in (
            (translate("Source code"), self._configuration.source_url),
            (translate("Privacy policy"), self._configuration.privacy_url),
        ):
            if url:
                view.add_item(discord.ui.Button(label=label, url=str(url)))
        view.stop()  # the bot listens to the button of every answer, see `cog_load`
        return view


class _FiguresListener(discord.ui.View):
    """Handles presses of the button under every answer, including answers sent before a restart."""

    def __init__(self, cog: About) -> None:
        super().__init__(timeout=None)
        self._cog = cog

    @discord.ui.button(custom_id=_FIGURES_BUTTON)
    async def press(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Show the figures."""
        await self._cog.show_figures(interaction)

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, _item: discord.ui.Item[Any], /
    ) -> None:
        """Say that something went wrong."""
        await report_error(interaction, "The button of /about", error)


def _share_correct(corrections: Counter[tuple[str, str]], translate: Translate) -> str:
    right = sum(times for (heard, meant), times in corrections.items() if heard == meant)
    return translate.percent(right / corrections.total())
