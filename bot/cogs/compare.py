"""Both models side by side: `/compare` for a text, a menu for a message."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.analyzer import Analyzer
from bot.i18n import mark, translator
from bot.store import Store
from bot.ui.comparison import comparison_embed
from classifiers import strip_markup

MAX_TEXT = 2000
NO_WORDS = mark("There are no words in it that I could read.")
NOT_READY = mark("I cannot look up just now who wants to be read; please try again in a moment.")
NOT_TO_BE_READ = mark("The author of that message has asked me not to read along.")


class Compare(commands.Cog):
    """Shows what each model makes of one text; keeps nothing."""

    def __init__(self, bot: commands.AutoShardedBot, analyzer: Analyzer, store: Store) -> None:
        self._tree = bot.tree
        self._analyzer = analyzer
        self._store = store
        self._menu = app_commands.ContextMenu(name="Compare emotions", callback=self.compare_message)

    async def cog_load(self) -> None:
        """Add the message menu, which a cog does not add by itself."""
        self._tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take the message menu away again."""
        self._tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command(name="compare")
    @app_commands.describe(text="What the models shall read, up to 2,000 characters")
    async def compare_text(self, interaction: discord.Interaction, text: app_commands.Range[str, 1, MAX_TEXT]) -> None:
        """See how the RNN and the BiLSTM read the same text"""  # noqa: D415 - Discord shows it as a label
        await self._answer(interaction, text, ephemeral=False)

    async def compare_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Answer only to the one who asked, so that nobody's message is put on show."""
        if not self._store.ready or self._store.has_opted_out(message.author.id):
            sentence = NOT_TO_BE_READ if self._store.ready else NOT_READY
            await interaction.response.send_message(translator(interaction.locale)(sentence), ephemeral=True)
            return
        await self._answer(interaction, message.content, ephemeral=True)

    async def _answer(self, interaction: discord.Interaction, text: str, *, ephemeral: bool) -> None:
        _ = translator(interaction.locale)
        if not strip_markup(text):
            await interaction.response.send_message(_(NO_WORDS), ephemeral=True)
            return
        embed = comparison_embed(text, await self._analyzer.compare(text), _)
        await interaction.response.send_message(embed=embed, ephemeral=ephemeral)
