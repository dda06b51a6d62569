"""Both models side by side: `/compare` for a text, a menu for a message."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.analysis.analyzer import Analyzer
from bot.compare.choice import ChoiceError, ModelNames, format_models, model_choices, parse_models
from bot.compare.duel import (
    ALREADY_VOTED,
    FORGOTTEN,
    ONE_MODEL,
    VOTE,
    VOTE_COUNTED,
    DuelPanel,
    Duels,
    replace_buttons,
    reveal_sentence,
)
from bot.compare.heat_map import alternative_text, draw
from bot.compare.panel import (
    CONTROL,
    PICTURE,
    TEXT_HINT,
    Comparison,
    ComparisonForm,
    ComparisonPanel,
    Page,
    VariationForm,
    any_understood,
    control_in,
)
from bot.errors import report_error
from bot.i18n import ENGLISH, Translate, mark, translator
from bot.reactions.gate import NO_WORDS, SENTENCES, author_or_server_objection, no_words_reason, text_of, why_unreadable
from bot.reactions.outcomes import Outcome
from bot.reactions.sentences import why_silent
from bot.store import Store
from bot.ui.controls import create_listener
from bot.ui.discord_limits import INPUT_TEXT
from bot.ui.quotation import Quotation
from bot.ui.request_limits import RequestLimits
from bot.ui.standings import look_up_all_standings, look_up_standings, standings_title
from classifiers import NAMES, Answer, strip_markup

NOT_YOURS = mark("Only the person who asked can use these buttons; use /compare to get your own.")
EXPIRED = mark("This comparison is over: I keep no texts, so this one is gone. Please use /compare again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A text that somebody wants to compare.

    Attributes:
        text: the text.
        author_id: who wrote it.
        models: the names of the models that read it.
        ephemeral: whether nobody else sees the answer.
        blind: whether the answer hides which model is which.
        refusal: returns why the text may not be shown, or None if it may be.
        original: returns the original of a variation; None if there is none or it may not be read.
    """

    text: str
    author_id: int
    models: ModelNames
    ephemeral: bool
    blind: bool = False
    refusal: Callable[[], str | None] = lambda: None
    original: Callable[[], str | None] = lambda: None


class Compare(commands.Cog):
    """Shows what each model makes of one text; keeps no texts, so a panel is redrawn from the text it quotes.

    Stores for each server how often people preferred which of two models in blind duels, but not the text or who
    voted. This is deleted with all other data about a server.
    """

    def __init__(self, bot: commands.AutoShardedBot, analyzer: Analyzer, store: Store, limits: RequestLimits) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._limits = limits
        self._duels = Duels(store)
        self._menu = app_commands.ContextMenu(name="Compare emotions", callback=self.compare_message)
        self._drawing = asyncio.Lock()  # one at a time, so that pictures never take all of the processor

    async def cog_load(self) -> None:
        """Add the message menu, which a cog does not add by itself, and listen to panels from before a restart."""
        self._bot.tree.add_command(self._menu)
        self._bot.add_dynamic_items(
            create_listener(CONTROL, self.press, self.report), create_listener(VOTE, self.vote, self.report)
        )
        self._bot.add_view(VariationForm(None, self.compare_variation, self.report))
        for blind in (False, True):
            for names in ((), *model_choices(tuple(self._analyzer.models), (), "", blind=blind)):
                self._bot.add_view(self._form(names, ENGLISH, blind=blind))

    async def cog_unload(self) -> None:
        """Remove the message menu."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command(name="compare", description="See how the RNN and the BiLSTM read the same text")
    @app_commands.describe(
        text=TEXT_HINT,
        blind="Hide which model is which until you have voted for an answer",
        models="Which of my models should answer (default: the two that I usually compare)",
        standings="Show which model is ahead in blind votes, instead of comparing a text",
    )
    async def compare_text(
        self,
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, INPUT_TEXT] | None = None,
        blind: bool = False,
        models: app_commands.Range[str, 1, 100] | None = None,
        standings: bool = False,
    ) -> None:
        """Answer `/compare`."""
        names = await self._names(interaction, models, blind=blind or standings)
        if not names:
            return
        if standings:
            await self._show_standings(interaction, names, usual=not models)
        elif text is None:
            form = self._form(names if models else (), translator(interaction.locale), blind=blind)
            await interaction.response.send_modal(form)
        else:
            author_id = interaction.user.id
            request = _Request(text=text, author_id=author_id, models=names, ephemeral=False, blind=blind)
            await self._answer(interaction, request)

    @compare_text.autocomplete("models")
    async def offer_models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Return the choices of models, for autocompletion."""
        blind = bool(interaction.namespace.blind or interaction.namespace.standings)
        choices = model_choices(tuple(self._analyzer.models), self._default_models(interaction), typed, blind=blind)
        return [app_commands.Choice(name=format_models(choice), value=format_models(choice)) for choice in choices]

    async def compare_written(
        self, interaction: discord.Interaction, text: str, *, models: ModelNames, blind: bool
    ) -> None:
        """Compare the text from the form, as if it had been given in the command."""
        if names := await self._names(interaction, "+".join(models), blind=blind):
            author_id = interaction.user.id
            request = _Request(text=text, author_id=author_id, models=names, ephemeral=False, blind=blind)
            await self._answer(interaction, request)

    async def compare_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Compare a message, and answer privately, so as not to expose its author."""
        refusal = partial(self._why_unreadable, message)
        if sentence := refusal():
            await interaction.response.send_message(translator(interaction.locale)(sentence), ephemeral=True)
            return
        request = _Request(
            text=text_of(message),
            author_id=message.author.id,
            models=self._default_models(interaction),
            ephemeral=True,
            refusal=refusal,
        )
        await self._answer(interaction, request)

    async def press(self, interaction: discord.Interaction, _button: ui.Item[Any], pressed: re.Match[str]) -> None:
        """Handle a press of a button whose custom_id matches `CONTROL`."""
        control, author_id = pressed["control"], int(pressed["author"])
        translate = translator(interaction.locale)
        quotation = Quotation.from_message(interaction.message) if interaction.message else None
        if sentence := self._why_not_pressable(interaction, author_id):
            await interaction.response.send_message(translate(sentence), ephemeral=True)
        elif quotation is None:
            await interaction.response.send_message(translate(EXPIRED), ephemeral=True)
        elif control == "vary":
            form = VariationForm(quotation.text, self.compare_variation, self.report, translate)
            await interaction.response.send_modal(form)
        else:
            names = self._models_in(interaction, pressed)
            await self._redraw(interaction, quotation, author_id, names, Page(control))

    async def compare_variation(self, interaction: discord.Interaction, text: str) -> None:
        """Compare a variation like any other text, and show the probabilities before and after side by side."""
        control = control_in(interaction.message) if interaction.message else None
        request = _Request(
            text=text,
            author_id=interaction.user.id,
            models=self._models_in(interaction, control),
            ephemeral=_is_private(interaction),
            original=partial(self._original, interaction, control),
        )
        await self._answer(interaction, request)

    async def vote(self, interaction: discord.Interaction, _button: ui.Item[Any], pressed: re.Match[str]) -> None:
        """Count a vote by a button whose custom_id matches `VOTE`; reveal the models and their standings."""
        vote, duel_id = pressed["vote"], int(pressed["duel"])
        translate = translator(interaction.locale)
        if (sides := self._duels.sides(duel_id)) is None:
            await interaction.response.send_message(translate(FORGOTTEN), ephemeral=True)
            return
        guild_id, private = self._guild_id(interaction), _is_private(interaction) or interaction.context.dm_channel
        # A store that does not answer takes longer than Discord waits.
        await interaction.response.defer(ephemeral=True, thinking=not private)
        counted = await self._duels.count(guild_id or 0, duel_id, sides, interaction.user.id, vote)
        lines = [
            reveal_sentence(sides, translate),
            translate(VOTE_COUNTED if counted else ALREADY_VOTED),
            *await look_up_standings(self._store, sides, guild_id, translate),
        ]
        text = "\n".join(lines)
        if counted and interaction.message and private:
            await interaction.edit_original_response(view=replace_buttons(interaction.message, text))
        else:
            await interaction.followup.send(text, ephemeral=True)

    async def report(self, interaction: discord.Interaction, error: Exception) -> None:
        """Report that a press or a form failed."""
        await report_error(interaction, "A button of /compare", error)

    def _why_unreadable(self, message: discord.Message) -> str | None:
        """Return why a message may not be compared, or None if it may be."""
        reason = why_unreadable(message, self._store, self._bot.user) or no_words_reason(text_of(message))
        return SENTENCES[reason] if reason else None

    def _why_not_pressable(self, interaction: discord.Interaction, author_id: int) -> str | None:
        """Return why a user may not press, or None if they may."""
        if interaction.user.id == author_id:
            return None
        if not _is_private(interaction):
            return NOT_YOURS
        # Other people's words are only in private panels, which nobody sees but the person who opened the menu.
        reason = author_or_server_objection(author_id, interaction.guild_id, interaction.channel, self._store)
        return SENTENCES[reason] if reason else None

    def _guild_id(self, interaction: discord.Interaction) -> int | None:
        """Return the server's id; None in direct messages, and where only a user has installed the bot."""
        guild = self._bot.get_guild(interaction.guild_id) if interaction.guild_id else None
        return guild.id if guild else None

    async def _names(self, interaction: discord.Interaction, models: str | None, *, blind: bool) -> ModelNames:
        """Return the names of the models that a command asks for; none, after saying so, if they can't be compared."""
        translate = translator(interaction.locale)
        loaded = tuple(self._analyzer.models)
        if blind and len(loaded) == 1:
            sentence = translate(ONE_MODEL).format(model=NAMES[loaded[0]])
        else:
            try:
                return parse_models(models, loaded, blind=blind) if models else self._default_models(interaction)
            except ChoiceError as error:
                sentence = error.sentence(translate)
        await interaction.response.send_message(sentence, ephemeral=True)
        return ()

    def _form(self, models: ModelNames, translate: Translate, *, blind: bool) -> ComparisonForm:
        """Return a form that asks for the text of a command; if no models were chosen, the usual ones answer."""
        compare = partial(self.compare_written, models=models, blind=blind)
        return ComparisonForm("+".join(models), compare, self.report, translate, blind=blind)

    async def _show_standings(self, interaction: discord.Interaction, names: ModelNames, *, usual: bool) -> None:
        """Show privately how two models stand, and, if they are the usual ones, every other pair that has votes."""
        await interaction.response.defer(ephemeral=True)  # as in `vote`
        translate, guild_id = translator(interaction.locale), self._guild_id(interaction)
        first, second = names
        if usual:
            loaded = self._analyzer.models
            sections = await look_up_all_standings(self._store, (first, second), loaded, guild_id, translate)
        else:
            lines = await look_up_standings(self._store, (first, second), guild_id, translate)
            sections = {standings_title(names, translate): lines}
        embed = discord.Embed(colour=discord.Colour.blurple())
        for title, lines in sections.items():
            embed.add_field(name=title, value="\n".join(lines), inline=False)
        await interaction.followup.send(embed=embed, ephemeral=True)

    def _default_models(self, interaction: discord.Interaction) -> ModelNames:
        """Return the names of the models that are compared by default."""
        loaded = tuple(self._analyzer.models)
        pair = self._analyzer.models_to_compare(self._store.settings(interaction.guild_id).model) or loaded
        return tuple(name for name in loaded if name in pair)

    def _models_in(self, interaction: discord.Interaction, control: re.Match[str] | None) -> ModelNames:
        """Return the names of the models in a panel with this control, or the usual ones if one is no longer loaded."""
        names = tuple(str(control["models"]).split("+")) if control else ()
        all_loaded = names and all(name in self._analyzer.models for name in names)
        return names if all_loaded else self._default_models(interaction)

    def _original(self, interaction: discord.Interaction, control: re.Match[str] | None) -> str | None:
        """Return the text of the panel whose form was submitted; None if it is gone or may no longer be read."""
        message = interaction.message
        if message is None or control is None or self._why_not_pressable(interaction, int(control["author"])):
            return None
        quotation = Quotation.from_message(message)
        return quotation.text if quotation else None

    async def _answer(self, interaction: discord.Interaction, request: _Request) -> None:
        """Answer with what the models make of a text, and of the original if the text is a variation.

        The author of the text or of the original may opt out at any moment, so `refusal` and `original` are called
        again after the models have read them.
        """
        translate = translator(interaction.locale)
        if sentence := self._limits.refuse_or_count(interaction, translate):
            await interaction.response.send_message(sentence, ephemeral=True)
            return
        quotation, names = Quotation.from_text(request.text), request.models
        with self._limits.in_progress(interaction.user.id):
            (answers, explanations), before = await asyncio.gather(  # together, so that they have one deadline
                self._analyzer.explain(quotation.text, *names), self._read_before(request.original(), names)
            )
        comparison = Comparison(
            quotation,
            request.author_id,
            answers,
            explanations,
            read=self._words_read(quotation, names),
            before=before if request.original() is not None else {},
        )
        if sentence := _why_not_shown(request, comparison, translate):
            await interaction.response.send_message(sentence, ephemeral=True)
            return
        panel = self._panel(interaction.id, request, comparison, translate)
        await interaction.response.send_message(view=panel, ephemeral=request.ephemeral)

    def _panel(
        self, interaction_id: int, request: _Request, comparison: Comparison, translate: Translate
    ) -> ui.LayoutView:
        """Return the panel that answers a request; if it is a blind one, start a duel whose id is the interaction's."""
        if not request.blind:
            return ComparisonPanel(comparison, translate)
        first, second = request.models
        sides = self._duels.start(interaction_id, (first, second))
        return DuelPanel(comparison, sides, interaction_id, translate)

    async def _read_before(self, original: str | None, names: ModelNames) -> Mapping[str, Answer]:
        """Return what some models make of the original of a variation; nothing if there is none."""
        return {} if original is None else await self._analyzer.compare(original, *names)

    async def _redraw(
        self, interaction: discord.Interaction, quotation: Quotation, author_id: int, names: ModelNames, page: Page
    ) -> None:
        translate = translator(interaction.locale)
        if sentence := self._limits.refuse_or_count(interaction, translate):
            await interaction.response.send_message(sentence, ephemeral=True)
            return
        if page is Page.HEAT:
            await interaction.response.defer()  # a picture may take its time
        with self._limits.in_progress(interaction.user.id):
            comparison, picture = await self._page_contents(quotation, author_id, names, page, translate)
        if sentence := self._why_not_pressable(interaction, author_id):  # the author may have opted out meanwhile
            tell = interaction.followup.send if interaction.response.is_done() else interaction.response.send_message
            await tell(translate(sentence), ephemeral=True)
            return
        panel = ComparisonPanel(comparison, translate)
        if picture:
            file = discord.File(io.BytesIO(picture), PICTURE)
            await interaction.edit_original_response(view=panel, attachments=[file])
        else:
            await interaction.response.edit_message(view=panel, attachments=[])

    async def _page_contents(
        self, quotation: Quotation, author_id: int, names: ModelNames, page: Page, translate: Translate
    ) -> tuple[Comparison, bytes | None]:
        """Return everything that a page shows, with its picture if it has one."""
        text, read = quotation.text, self._words_read(quotation, names)
        if page is Page.ALL:
            return Comparison(quotation, author_id, await self._analyzer.compare(text, *names), read=read), None
        if page is Page.TOP:
            return Comparison(quotation, author_id, *await self._analyzer.explain(text, *names), read=read), None
        predictions = await self._analyzer.predict_prefixes(text, *names)
        async with self._drawing:
            picture = await asyncio.to_thread(draw, predictions, translate)
        explained = await self._analyzer.explain(text, *names)
        drawn = self._words_drawn(text, names)
        comparison = Comparison(quotation, author_id, *explained, alternative_text(predictions, translate), drawn, read)
        return comparison, picture

    def _words_drawn(self, text: str, names: ModelNames) -> int | None:
        """Return how many words the heat map shows; None if it shows all that are read."""
        tokenizers = [self._analyzer.models[name].tokenizer for name in names]
        drawn = min(tokenizer.words_read(text, tokenizer.max_tokens) for tokenizer in tokenizers)
        return None if drawn == min(tokenizer.words_read(text) for tokenizer in tokenizers) else drawn

    def _words_read(self, quotation: Quotation, names: ModelNames) -> int | None:
        """Return how many words the models read; None if they read the whole text."""
        read = min(self._analyzer.models[name].tokenizer.words_read(quotation.text) for name in names)
        return None if quotation.whole and read == len(strip_markup(quotation.text).split()) else read


def _why_not_shown(request: _Request, comparison: Comparison, translate: Translate) -> str | None:
    """Return why a comparison must not be shown, or would say nothing; None if it can be shown."""
    if sentence := request.refusal():
        return translate(sentence)
    if not any(explanation.words for explanation in comparison.explanations.values()):
        return translate(NO_WORDS)
    if request.blind and not any_understood(comparison.answers):  # a vote on guesses would say nothing about the models
        return why_silent(Outcome.NOT_UNDERSTOOD, translate)
    return None


def _is_private(interaction: discord.Interaction) -> bool:
    """Return whether only this user sees the panel whose control was used."""
    return interaction.message is not None and interaction.message.flags.ephemeral
