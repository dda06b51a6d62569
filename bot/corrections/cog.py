"""The message menu "Was this right?": count which emotion the bot found and which one people say was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.analysis.analyzer import Analyzer
from bot.errors import report_error
from bot.i18n import Translate, mark, translator
from bot.reactions.gate import SENTENCES, author_or_server_objection, no_words_reason, text_of, why_unreadable
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import is_understood
from bot.store import Store
from bot.ui.answered_questions import AnsweredQuestions
from bot.ui.controls import create_listener
from bot.ui.emotions import NO_EMOJI, emotions_of, group_emotions, label_key, label_name, label_with_emoji
from classifiers import NEUTRAL

NOT_UNDERSTOOD = mark("I know too few of its words to hear an emotion.")
ALREADY_ANSWERED = mark("You have already answered: I count one answer per person and message.")
THANKS = mark("Thank you! I have counted your answer, without the message.")

OUTDATED = mark("This question is out of date: since I asked it, I have learnt to recognise other emotions.")

_CONTROL = re.compile(r"correction:(?P<heard>[^:]+):(?P<answer>[^:]+):(?P<message>\d+)(?::(?P<author>\d+))?")
"""An answer's custom_id: the label found, the label meant (or + and the name of its menu), the message, and its author.

Labels are written with `label_key`. Older questions have no author.
"""

_MAX_MENUS = 4
"""The most menus that Discord allows under a message that also has buttons."""


class Corrections(commands.Cog):
    """Asks people whether an emotion was right.

    Stores for each server how often one emotion was found where another was meant, but not the message, its author or
    who answered. This is deleted with all other data about a server: after the bot has left, or by the operator. Who
    answered about which message is kept in memory for a day, so that each person counts once.
    """

    def __init__(self, bot: commands.AutoShardedBot, analyzer: Analyzer, store: Store) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._emotions = emotions_of(analyzer.models)
        self._labels = {label_key(label): label for label in (*self._emotions, NEUTRAL)}
        self._menu = app_commands.ContextMenu(
            name="Was this right?",
            callback=self.ask,
            # Not for user installations: there the bot would count answers for servers that it is not in.
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self._answers = create_listener(_CONTROL, self._on_answer, self.report)
        self._answered_questions = AnsweredQuestions()

    async def cog_load(self) -> None:
        """Add the message menu, and listen to the answers to all questions, including those asked before a restart."""
        self._bot.tree.add_command(self._menu)
        self._bot.add_dynamic_items(self._answers)

    async def cog_unload(self) -> None:
        """Remove the message menu, and stop listening."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)
        self._bot.remove_dynamic_items(self._answers)

    async def ask(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Show which emotion the model finds in a message, and ask the person who opened the menu if it is right."""
        translate = translator(interaction.locale)
        if reason := self._why_unreadable(message):
            await interaction.response.send_message(translate(SENTENCES[reason]), ephemeral=True)
            return
        if self._answered_questions.get(interaction.user.id, message.id):
            await interaction.response.send_message(translate(ALREADY_ANSWERED), ephemeral=True)
            return
        settings = self._store.settings(interaction.guild_id)
        prediction = await self._analyzer.classify(text_of(message), settings.model)
        if reason := self._why_unreadable(message):  # the author or the server may have objected in the meantime
            await interaction.response.send_message(translate(SENTENCES[reason]), ephemeral=True)
            return
        if not is_understood(prediction):
            await interaction.response.send_message(translate(NOT_UNDERSTOOD), ephemeral=True)
            return
        heard, _probability = prediction.reaction()
        question = _question_view(heard, message.id, message.author.id, self._emotions, translate)
        await interaction.response.send_message(
            _question_text(heard, self._emotions, translate), view=question, ephemeral=True
        )

    def _why_unreadable(self, message: discord.Message) -> Outcome | None:
        return why_unreadable(message, self._store, self._bot.user) or no_words_reason(text_of(message))

    async def report(self, interaction: discord.Interaction, error: Exception) -> None:
        """Report that an answer could not be counted."""
        await report_error(interaction, "An answer to 'Was this right?'", error)

    async def _on_answer(self, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> None:
        meant = item.values[0] if isinstance(item, ui.Select) else match["answer"]
        await self.count(interaction, match["heard"], meant, int(match["message"]), int(match["author"] or 0))

    async def count(
        self, interaction: discord.Interaction, heard: str, meant: str, message_id: int, author_id: int
    ) -> None:
        """Count an answer, unless the person has already answered about this message or its author has opted out.

        Args:
            interaction: the interaction of the button or menu.
            heard: the key of the label that the bot found.
            meant: the key of the label that was meant.
            message_id: the id of the message that was asked about.
            author_id: who wrote it; 0 if that is unknown.
        """
        translate = translator(interaction.locale)
        if heard not in self._labels or meant not in self._labels:
            await interaction.response.edit_message(content=translate(OUTDATED), view=None)
            return
        if reason := author_or_server_objection(author_id, interaction.guild_id, interaction.channel, self._store):
            sentence = translate(SENTENCES[reason])
            if reason is Outcome.NOT_READY:  # the question stays, so that it can be answered in a moment
                await interaction.response.send_message(sentence, ephemeral=True)
            else:
                await interaction.response.edit_message(content=sentence, view=None)
            return
        question = interaction.message.id if interaction.message else interaction.id
        if answered := self._answered_questions.get(interaction.user.id, message_id):
            if answered == question:  # a second click, which was sent before the buttons were removed
                await interaction.response.defer()
            else:
                await interaction.response.edit_message(content=translate(ALREADY_ANSWERED), view=None)
            return
        with self._answered_questions.remember(interaction.user.id, message_id, question):
            await self._store.add_correction(interaction.guild_id or 0, self._labels[heard], self._labels[meant])
        await interaction.response.edit_message(content=translate(THANKS), view=None)


def _question_view(
    heard: str, message_id: int, author_id: int, emotions: Mapping[str, str | None], translate: Translate
) -> ui.View:
    """Return the buttons and as many menus as Discord allows for a question about a message."""

    def custom_id(answer: str) -> str:
        return f"correction:{label_key(heard)}:{answer}:{message_id}:{author_id}"

    def button(meant: str, label: str, style: discord.ButtonStyle) -> ui.Button[ui.View]:
        return ui.Button(label=label, style=style, custom_id=custom_id(label_key(meant)))

    def menu(name: str, offered: Iterable[str]) -> ui.Select[ui.View]:
        placeholder = (
            translate("It was something pleasant…") if name == "pleasant" else translate("It was something else…")
        )
        options = [
            discord.SelectOption(
                label=label_name(emotion, translate), value=label_key(emotion), emoji=emotions[emotion]
            )
            for emotion in offered
        ]
        # No label's key starts like that, so a menu is never mistaken for a button.
        return ui.Select(placeholder=placeholder, options=options, custom_id=custom_id(f"+{name}"))

    view = ui.View(timeout=None)
    view.add_item(button(heard, translate("Yes, that was right"), discord.ButtonStyle.success))
    if heard != NEUTRAL:
        view.add_item(button(NEUTRAL, translate("There was no emotion"), discord.ButtonStyle.secondary))
    groups = group_emotions(emotion for emotion in emotions if emotion != heard)
    for name, offered in list(groups.items())[:_MAX_MENUS]:
        view.add_item(menu(name, offered))
    view.stop()  # the cog listens
    return view


def _question_text(heard: str, emotions: Mapping[str, str | None], translate: Translate) -> str:
    if heard == NEUTRAL:
        return translate("I hear no emotion in that message. Is that right?")
    return translate("I hear **{emotion}** {emoji} in that message. Is that right?").format(
        emotion=label_with_emoji(heard, None, translate), emoji=emotions[heard] or NO_EMOJI
    )
