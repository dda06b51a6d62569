"""The panel of `/compare`: the predictions of both models for one text.

After every press it is redrawn from its own quotation. The custom_id of a button says who wrote the text, which models
are compared and what the button opens, in the form of `CONTROL`. So panels need no state and keep working after a
restart.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import discord
from discord import ui

from bot.i18n import ENGLISH, Translate, mark
from bot.reactions.policy import is_understood
from bot.ui.discord_limits import INPUT_TEXT
from bot.ui.emotions import NO_EMOJI, label_with_emoji
from bot.ui.form import ErrorHandler, Form
from bot.ui.quotation import Quotation, is_decisive, longest_fit, mark_words
from classifiers import NAMES, NEUTRAL, Answer, agree
from classifiers.explain import Explanation

CONTROL = re.compile(r"compare:(?P<control>top|heat|all|vary):(?P<author>\d{1,20})(?::(?P<models>[a-z+]+))?")
"""The custom_id of a button: what it opens, who wrote the text, and the models, which are missing in older panels."""

PICTURE = "heat-map.png"

TEXT_HINT = mark("What the models should read, up to 4,000 characters")
"""What is said beside the field for a text, which holds `INPUT_TEXT` characters."""

_TOP = 3
_CELLS = 10
_NARROW_CELLS = 6
_EIGHTHS = " ▏▎▍▌▋▊▉"
_NEUTRAL = "😐"
_MAX_MARKED_TEXT = 1200
"""Characters of the marked words of all models together."""
_TABLE = 2400

TextHandler: TypeAlias = Callable[[discord.Interaction, str], Awaitable[None]]


class Page(StrEnum):
    """What a panel shows besides the quotation and the verdict."""

    TOP = "top"
    HEAT = "heat"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a panel shows.

    Attributes:
        quotation: the part of the text that was read.
        author: the id of its author.
        answers: the answers of one or more models, by name.
        explanations: which words moved each model; empty on the page of all labels.
        picture: a description of the heat map for people who cannot see it; None without a heat map.
        drawn: how many words the heat map shows; None if it shows all that are read.
        read: how many words the models read; None if they read the whole text.
        before: the answers for the original, if this text is a variation; else empty.
    """

    quotation: Quotation
    author: int
    answers: Mapping[str, Answer]
    explanations: Mapping[str, Explanation] = field(default_factory=dict)
    picture: str | None = None
    drawn: int | None = None
    read: int | None = None
    before: Mapping[str, Answer] = field(default_factory=dict)

    @property
    def page(self) -> Page:
        """The page that these contents fill."""
        if self.picture is not None:
            return Page.HEAT
        return Page.TOP if self.explanations else Page.ALL


def control_in(message: discord.Message) -> re.Match[str] | None:
    """Return the match of `CONTROL` in the custom_id of a message's button; None if there is no such button."""
    rows = (row for box in message.components if isinstance(box, discord.Container) for row in box.children)
    buttons = (button for row in rows if isinstance(row, discord.ActionRow) for button in row.children)
    found = (CONTROL.fullmatch(button.custom_id or "") for button in buttons)
    return next(filter(None, found), None)


class ComparisonPanel(ui.LayoutView):
    """One page of the panel. The cog handles its buttons."""

    def __init__(self, comparison: Comparison, translate: Translate = ENGLISH) -> None:
        """Draw it in the reader's language."""
        super().__init__(timeout=None)
        answers = comparison.answers
        models = (
            [ui.TextDisplay(_table(answers, translate))]
            if comparison.page is Page.ALL
            else _models(comparison, translate)
        )
        self.add_item(
            ui.Container(
                comparison.quotation.display(),
                ui.TextDisplay("\n".join((verdict(answers, translate), *truncation_note(comparison.read, translate)))),
                ui.Separator(),
                *models,
                *_heat_map(comparison, translate),
                _buttons(comparison, translate),
                ui.TextDisplay("-# " + translate("Nothing you write is kept.")),
                accent_colour=_colour(answers),
            )
        )
        self.stop()


class TextForm(Form):
    """Asks for a text."""

    def __init__(
        self,
        title: str,
        custom_id: str,
        hint: str,
        handle_text: TextHandler,
        handle_error: ErrorHandler,
        translate: Translate,
        text: str | None = None,
    ) -> None:
        """Draw it.

        Args:
            title: the title of the form.
            custom_id: the custom_id of the form.
            hint: what to write.
            handle_text: called with the text that was submitted.
            handle_error: called with the exception that `handle_text` raised.
            translate: the reader's language.
            text: the text that is already filled in.
        """
        super().__init__(title, custom_id, handle_error)
        self._handle = handle_text
        self._text: ui.TextInput[TextForm] = ui.TextInput(
            custom_id="text", style=discord.TextStyle.paragraph, default=text, max_length=INPUT_TEXT
        )
        self.add_item(ui.Label(text=translate("Text"), description=hint, component=self._text))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass on the text that was submitted."""
        await self._handle(interaction, self._text.value)


class VariationForm(TextForm):
    """Asks for a variation of a text."""

    def __init__(
        self, text: str | None, handle_text: TextHandler, handle_error: ErrorHandler, translate: Translate = ENGLISH
    ) -> None:
        """Draw it with the text to be varied filled in."""
        title, hint = translate("Try a variation"), translate("Change a word and see what the models make of it.")
        super().__init__(title, "compare:variation", hint, handle_text, handle_error, translate, text)


class ComparisonForm(TextForm):
    """Asks for the text that a command lacks."""

    def __init__(
        self,
        models: str,
        handle_text: TextHandler,
        handle_error: ErrorHandler,
        translate: Translate = ENGLISH,
        *,
        blind: bool,
    ) -> None:
        """Draw it.

        Args:
            models: the models that were chosen in the command.
            handle_text: called with the text that was submitted.
            handle_error: called with the exception that `handle_text` raised.
            translate: the reader's language.
            blind: whether the command asked for a blind comparison.
        """
        title, hint = translate("Compare a text"), translate(TEXT_HINT)
        custom_id = f"compare:{'blind' if blind else 'open'}:{models}"
        super().__init__(title, custom_id, hint, handle_text, handle_error, translate)


def verdict(answers: Mapping[str, Answer], translate: Translate = ENGLISH) -> str:
    """Return a sentence: whether the models agree on the strongest emotion, or that they know too few words."""
    if not any_understood(answers):
        known = max(answer.prediction.known for answer in answers.values())
        if not known:
            return translate("I know none of these words, so this is no more than a guess.")
        return translate("I know only {share} of these words, so this is no more than a guess.").format(
            share=translate.percent(known)
        )
    hearings = {}
    for name, answer in answers.items():
        [(label, _probability)] = answer.prediction.top(1)
        hearings[NAMES[name]] = f"**{label_with_emoji(label, None, translate)}** {_emoji(label, answer)}"
    [(first, hearing), *others] = hearings.items()
    if not others:
        return translate("Only the {model} is loaded; it heard {emotion}.").format(model=first, emotion=hearing)
    if agree(answers):
        return translate("They agree on {emotion}.").format(emotion=hearing)
    each = (
        translate("the {model} heard {emotion}").format(model=name, emotion=heard) for name, heard in hearings.items()
    )
    return translate("They disagree: {hearings}.").format(hearings=translate.join(each))


def truncation_note(read: int | None, translate: Translate) -> list[str]:
    """Return a line that says how much of a long text was read."""
    if read is None:
        return []
    return [
        "-# "
        + translate.plural("Only the first {count} word was read.", "Only the first {count} words were read.", read)
    ]


def any_understood(answers: Mapping[str, Answer]) -> bool:
    """Return whether at least one model knows enough of the words."""
    return any(is_understood(answer.prediction) for answer in answers.values())


def _colour(answers: Mapping[str, Answer]) -> discord.Colour:
    if not any_understood(answers):
        return discord.Colour.light_grey()
    return discord.Colour.green() if agree(answers) else discord.Colour.orange()


def bar(probability: float, cells: int = _CELLS) -> str:
    """Return a bar of block characters, exact to an eighth of a cell."""
    eighths = round(probability * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def _models(comparison: Comparison, translate: Translate) -> list[ui.Item[ComparisonPanel]]:
    """Return for each model its strongest emotions and the text with the words that count marked."""
    items: list[ui.Item[ComparisonPanel]] = []
    for name, answer in comparison.answers.items():
        if name in comparison.before:
            columns = {translate("Before"): comparison.before[name], translate("After"): answer}
            strongest = _side_by_side(columns, translate)[: 1 + _TOP]
        else:
            strongest = strongest_lines(answer, _TOP, translate)
        shown = marked_words(name, comparison)
        items += [ui.TextDisplay("\n".join((f"**{NAMES[name]}**", *strongest, shown))), ui.Separator()]
    return [*items[:-1], ui.TextDisplay(marks_note(comparison, translate))]


def strongest_lines(answer: Answer, most: int, translate: Translate) -> list[str]:
    """Return a line with a bar for each of the strongest emotions of an answer."""
    return [
        f"`{bar(probability)} {_percent(probability, translate)}` "
        f"{_emoji(label, answer)} {label_with_emoji(label, None, translate)}"
        for label, probability in answer.prediction.top(most)
    ]


def marked_words(name: str, comparison: Comparison) -> str:
    """Return the text as one line in which the words that moved a model are marked."""
    words = comparison.explanations[name].words
    return mark_words(comparison.quotation.text, words, _MAX_MARKED_TEXT // len(comparison.answers))


def marks_note(comparison: Comparison, translate: Translate) -> str:
    """Return a line that says what the marks mean, or that there are none."""
    moved = any(is_decisive(word) for explanation in comparison.explanations.values() for word in explanation.words)
    note = (
        translate("Words in **bold** speak for the strongest emotion, ~~struck-out~~ ones against it.")
        if moved
        else translate("No single word makes the difference here.")
    )
    return f"-# {note}"


def _table(answers: Mapping[str, Answer], translate: Translate) -> str:
    """Return a table of labels with the probabilities of all models, the strongest first, as far as there is room."""
    lines = _side_by_side({NAMES[name]: answer for name, answer in answers.items()}, translate)
    return "\n".join(lines[: longest_fit(len(lines), _TABLE, lambda count: "\n".join(lines[:count]))])


def _side_by_side(columns: Mapping[str, Answer], translate: Translate) -> list[str]:
    """Return a line with the names of the columns and one for each label, ordered by its highest value."""
    width = _NARROW_CELLS + 1 + len(_percent(1, translate))
    head = " ".join(f"{name:<{width}}" for name in columns)
    scores = [dict(answer.prediction.top()) for answer in columns.values()]
    ranked = sorted(scores[0], key=lambda label: -max(score[label] for score in scores))
    lines = [f"`{head}`"]
    first = next(iter(columns.values()))
    for label in ranked:
        cells = (f"{bar(score[label], _NARROW_CELLS)} {_percent(score[label], translate)}" for score in scores)
        lines.append(f"`{' '.join(cells)}` {_emoji(label, first)} {label_with_emoji(label, None, translate)}")
    return lines


def _heat_map(comparison: Comparison, translate: Translate) -> list[ui.Item[ComparisonPanel]]:
    if comparison.picture is None:
        return []
    explained = translate("How probable each emotion is after each word read; dots mark the strongest.")
    if comparison.drawn is not None:
        explained += "\n-# " + translate.plural(
            "Only the first {count} word is shown.", "Only the first {count} words are shown.", comparison.drawn
        )
    return [
        ui.MediaGallery(discord.MediaGalleryItem(f"attachment://{PICTURE}", description=comparison.picture)),
        ui.TextDisplay(f"-# {explained}"),
    ]


def _buttons(comparison: Comparison, translate: Translate) -> ui.ActionRow[ComparisonPanel]:
    """Return the buttons; each opens what it names, so a second press changes nothing.

    The page that shows all labels has no button for them.
    """
    labels = max(len(answer.prediction.labels) for answer in comparison.answers.values())
    controls = {
        "heat": translate("Heat map"),
        **({"all": translate("All {count}").format(count=labels)} if labels > _TOP else {}),
        "vary": translate("Try a variation"),
    }
    back = {Page.HEAT: translate("Hide the heat map"), Page.ALL: translate("Top {count}").format(count=_TOP)}
    subject = f"{comparison.author}:{'+'.join(comparison.answers)}"
    return ui.ActionRow(
        *(
            ui.Button(label=back[Page(control)], custom_id=f"compare:{Page.TOP}:{subject}")
            if control == comparison.page
            else ui.Button(label=label, custom_id=f"compare:{control}:{subject}")
            for control, label in controls.items()
        )
    )


def _percent(probability: float, translate: Translate) -> str:
    """Return a percentage, padded to a fixed width for a column."""
    return translate.percent(probability).rjust(len(translate.percent(1)))


def _emoji(label: str, answer: Answer) -> str:
    return _NEUTRAL if label == NEUTRAL else answer.prediction.emoji.get(label, NO_EMOJI)
