"""`/about`: what the bot is, how often people agree with it, and how it fares right now."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from importlib import metadata

import discord
from discord import app_commands
from discord.ext import commands

from bot.analyzer import Analyzer
from bot.configuration import Settings
from bot.i18n import Translate, mark, translator
from bot.store import Store, StoreError
from classifiers import NAMES, ModelDirectoryError
from classifiers.model_directory import ModelCard, read_manifest

log = logging.getLogger(__name__)

_FIGURES = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "top1": "top-1", "ece": mark("calibration error")}


class About(commands.Cog):
    """Shows what everybody may know of the bot; keeps nothing."""

    def __init__(self, bot: commands.AutoShardedBot, analyzer: Analyzer, store: Store, settings: Settings) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._settings = settings
        self._models: Mapping[str, ModelCard] = {}

    async def cog_load(self) -> None:
        """Read the models' figures, which a bot that was given its models does without."""
        try:
            manifest = await asyncio.to_thread(read_manifest, self._settings.models)
        except ModelDirectoryError as error:
            log.warning("/about goes without the models' figures: %s", error)
        else:
            self._models = manifest.models

    @app_commands.command(name="about", description="See what I am, how often I am right and how I am doing")
    async def about(self, interaction: discord.Interaction) -> None:
        """Tell it to nobody but the one who asked."""
        _ = translator(interaction.locale)
        guild = self._bot.get_guild(interaction.guild_id) if interaction.guild_id else None
        embed = discord.Embed(
            title=f"Emobot {metadata.version('emobot')}",
            description=_("I read along, and when a message has a clear emotion, I react with its emoji."),
            colour=discord.Colour.blurple(),
        )
        embed.add_field(name=_("What people say"), value=await self._agreement(_, guild), inline=False)
        if self._models:
            embed.add_field(name=_("My models"), value=self._figures(_, guild), inline=False)
        embed.add_field(name=_("Right now"), value=self._state(_, guild), inline=False)
        embed.add_field(
            name=_("Your data"), value=_("Type /privacy to see what is kept of you, and to opt out."), inline=False
        )
        await interaction.response.send_message(embed=embed, view=self._links(_), ephemeral=True)

    async def _agreement(self, _: Translate, guild: discord.Guild | None) -> str:
        try:
            everywhere = await self._store.corrections()
            here = await self._store.corrections(guild.id) if guild else {}
        except StoreError:
            return _("That cannot be looked up just now.")
        if not everywhere:
            return _("Nobody has said yet whether I was right.")
        lines = [_("Everywhere: right in {share} of {count} answers").format(**_share(everywhere))]
        if here:
            lines.insert(0, _("In this server: right in {share} of {count} answers").format(**_share(here)))
        elif guild:
            lines.insert(0, _("In this server nobody has said yet whether I was right."))
        return "\n".join(lines)

    def _figures(self, _: Translate, guild: discord.Guild | None) -> str:
        reacting = self._analyzer.model_for(self._store.settings(guild.id if guild else None).model)
        lines = []
        for name, card in self._models.items():
            figures = ", ".join(f"{_(_FIGURES.get(key, key))} {value:.3f}" for key, value in card.test.items())
            lines.append(f"**{NAMES[name]}**: {figures}")
            if name == reacting:
                lines[-1] += " · " + _("it is the one that reacts here")
        return "\n".join(lines)

    def _state(self, _: Translate, guild: discord.Guild | None) -> str:
        latency = self._bot.latency
        lines = [
            _("Latency: {milliseconds} ms").format(milliseconds=round(latency * 1000))
            if math.isfinite(latency)
            else _("Latency: not measured yet"),
            _("Servers: {count}").format(count=len(self._bot.guilds)),
        ]
        if guild:
            lines.append(_("Shard: {shard} ({count} in all)").format(shard=guild.shard_id, count=self._bot.shard_count))
        return "\n".join(lines)

    def _links(self, _: Translate) -> discord.ui.View:
        view = discord.ui.View()
        for label, url in (
            (_("Source code"), self._settings.source_url),
            (_("Privacy policy"), self._settings.privacy_url),
        ):
            if url:
                view.add_item(discord.ui.Button(label=label, url=str(url)))
        view.stop()  # there is nothing to listen to
        return view


def _share(corrections: Mapping[tuple[str, str], int]) -> dict[str, str]:
    answers = sum(corrections.values())
    right = sum(times for (heard, meant), times in corrections.items() if heard == meant)
    return {"share": f"{right / answers:.0%}", "count": f"{answers:,}"}
