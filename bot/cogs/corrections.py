"""The message menu "Was this right?": what the bot heard in a message, and what people say it should have heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.analyzer import Analyzer
from bot.failures import apologise
from bot.gate import SENTENCES, refusal, text_of
from bot.i18n import Translate, mark, translator
from bot.policy import is_understood, wordless
from bot.store import Store, StoreError
from classifiers import EMOJI, LABELS, NEUTRAL
from classifiers.emotions import SENTIMENT

NOT_UNDERSTOOD = mark("I know too few of the words in it to hear anything.")
THANKS = mark("Thank you! I have counted your answer, without the message.")

_PLEASANT = SENTIMENT["positive"]
_OTHERS = tuple(label for label in EMOJI if label not in _PLEASANT)
_REMEMBERED = 1000

_Answered: TypeAlias = Callable[[discord.Interaction, str], Awaitable[None]]


class Corrections(commands.Cog):
    """Asks people whether an emotion was right.

    Keeps how often one emotion was heard where another was meant, for each server, and neither the message nor who
    wrote it or answered. It is deleted with all that is kept of a server: once the bot has left, or by the operator.
    """

    def __init__(self, bot: commands.AutoShardedBot, analyzer: Analyzer, store: Store) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._menu = app_commands.ContextMenu(
            name="Was this right?",
            callback=self.ask,
            # Not by those who have installed the bot for themselves: it could count for a server that it is not in.
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self._questions = [_Question(heard, partial(self._count, heard)) for heard in LABELS]
        self._answered: deque[int] = deque(maxlen=_REMEMBERED)

    async def cog_load(self) -> None:
        """Add the message menu, and listen to the answers to all questions, those before a restart included."""
        self._bot.tree.add_command(self._menu)
        for question in self._questions:
            self._bot.add_view(question)

    async def cog_unload(self) -> None:
        """Take the message menu away again, and listen no more."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)
        for question in self._questions:
            question.stop()

    async def ask(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Say what is, or would have been, heard in a message, and ask nobody but the one who opened the menu."""
        _ = translator(interaction.locale)
        if reason := refusal(message, self._store, self._bot.user) or wordless(text_of(message)):
            await interaction.response.send_message(_(SENTENCES[reason]), ephemeral=True)
            return
        settings = self._store.settings(interaction.guild_id)
        prediction = await self._analyzer.classify(text_of(message), settings.model)
        if not is_understood(prediction):
            await interaction.response.send_message(_(NOT_UNDERSTOOD), ephemeral=True)
            return
        emotion = prediction.top(1)[0][0]
        heard = emotion if emotion in EMOJI else NEUTRAL  # one of another data set has no emoji, and counts for none
        question = _Question(heard, partial(self._count, heard), _)
        question.stop()  # the one added at the start listens
        await interaction.response.send_message(_asked(_, heard), view=question, ephemeral=True)

    async def _count(self, heard: str, interaction: discord.Interaction, meant: str) -> None:
        """Count an answer, the first to each question only: a second click may be on its way already."""
        _ = translator(interaction.locale)
        question = interaction.message.id if interaction.message else interaction.id
        if question in self._answered:
            await interaction.response.defer()
            return
        self._answered.append(question)
        try:
            await self._store.add_correction(interaction.guild_id or 0, heard, meant)
        except StoreError:
            self._answered.remove(question)
            raise
        await interaction.response.edit_message(content=_(THANKS), view=None)


class _Question(discord.ui.View):
    """The answers to choose from where an emotion was heard, which their custom_ids tell."""

    def __init__(self, heard: str, answered: _Answered, _: Translate = mark) -> None:
        super().__init__(timeout=None)
        self.add_item(_Button(heard, heard, answered, _("Yes, that was right"), discord.ButtonStyle.success))
        if heard != NEUTRAL:
            self.add_item(_Button(heard, NEUTRAL, answered, _("There was no emotion"), discord.ButtonStyle.secondary))
        self.add_item(_Menu(heard, "pleasant", _PLEASANT, answered, _("It was something pleasant…"), _))
        self.add_item(_Menu(heard, "other", _OTHERS, answered, _("It was something else…"), _))

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, _item: discord.ui.Item[Any], /
    ) -> None:
        """Tell whoever answered."""
        await apologise(interaction, "An answer to 'Was this right?'", error)


class _Button(discord.ui.Button[_Question]):
    """One answer."""

    def __init__(self, heard: str, meant: str, answered: _Answered, label: str, style: discord.ButtonStyle) -> None:
        super().__init__(label=label, style=style, custom_id=f"correction:{heard}:{meant}")
        self._meant = meant
        self._answered = answered

    async def callback(self, interaction: discord.Interaction) -> None:
        """It was pressed."""
        await self._answered(interaction, self._meant)


class _Menu(discord.ui.Select[_Question]):
    """Several answers, other than what was heard."""

    def __init__(
        self, heard: str, name: str, emotions: Iterable[str], answered: _Answered, placeholder: str, _: Translate
    ) -> None:
        options = [
            discord.SelectOption(label=_(emotion), value=emotion, emoji=EMOJI[emotion])
            for emotion in emotions
            if emotion != heard
        ]
        super().__init__(placeholder=placeholder, options=options, custom_id=f"correction:{heard}:{name}")
        self._answered = answered

    async def callback(self, interaction: discord.Interaction) -> None:
        """One of them was chosen."""
        await self._answered(interaction, self.values[0])


def _asked(_: Translate, heard: str) -> str:
    if heard == NEUTRAL:
        return _("I hear no emotion in that message. Is that right?")
    return _("I hear **{emotion}** {emoji} in that message. Is that right?").format(
        emotion=_(heard), emoji=EMOJI[heard]
    )
