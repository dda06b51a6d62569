"""How two answers to one text are shown: the panel of `/compare`.

It is drawn anew after every press, from its own quotation. Whose words these are and what a button opens stand in the
button's custom_id, as `CONTROL` reads it, so nothing needs to be remembered of a panel, and one from before a restart
goes on working.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import discord
from discord import ui

from bot.i18n import Translate, mark
from bot.ui.emotions import NO_EMOJI, written
from bot.ui.form import Failed, Form
from bot.ui.quotation import Quotation, is_clear, longest, marked
from classifiers import NAMES, NEUTRAL, Answer, agree
from classifiers.explain import Explanation

CONTROL = re.compile(r"compare:(?P<control>top|heat|all|vary):(?P<author>\d{1,20})")
"""The custom_id of a button: what it opens, and who wrote the text."""

MAX_TEXT = 4000
"""Characters of a text that may be compared: as many as Discord allows in a form and in a command's option."""

PICTURE = "heat-map.png"

_TOP = 3
_CELLS = 10
_NARROW_CELLS = 6
_EIGHTHS = " ▏▎▍▌▋▊▉"
_NEUTRAL = "😐"
_MARKED = 1200
"""Characters of the marked words of all models together."""
_TABLE = 2400

VariationGiven: TypeAlias = Callable[[discord.Interaction, str], Awaitable[None]]


class Page(StrEnum):
    """What a panel shows beside the quotation and the verdict."""

    TOP = "top"
    HEAT = "heat"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a panel tells.

    Attributes:
        quotation: what was read.
        author: the id of whoever wrote it.
        answers: what each model made of it, by name; one model or several.
        explanations: which words moved each model; none for the page of all labels.
        picture: what is seen in the heat map, for those who do not see it; None without one.
    """

    quotation: Quotation
    author: int
    answers: Mapping[str, Answer]
    explanations: Mapping[str, Explanation] = field(default_factory=dict)
    picture: str | None = None

    @property
    def page(self) -> Page:
        """The page for which this is enough."""
        if self.picture is not None:
            return Page.HEAT
        return Page.TOP if self.explanations else Page.ALL


class ComparisonPanel(ui.LayoutView):
    """One page of the panel. The cog hears its presses, so it stops listening before it is even sent."""

    def __init__(self, comparison: Comparison, _: Translate = mark) -> None:
        """Draw it; `_` translates into the reader's language."""
        super().__init__(timeout=None)
        answers = comparison.answers
        models = [ui.TextDisplay(_table(answers, _))] if comparison.page is Page.ALL else _models(comparison, _)
        self.add_item(
            ui.Container(
                comparison.quotation.display(),
                ui.TextDisplay(verdict(answers, _)),
                ui.Separator(),
                *models,
                *_heat_map(comparison, _),
                _buttons(comparison, _),
                ui.TextDisplay(f"-# {_('Nothing you write is kept.')}"),
                accent_colour=discord.Colour.green() if agree(answers) else discord.Colour.orange(),
            )
        )
        self.stop()


class VariationForm(Form):
    """Asks for another text."""

    def __init__(self, text: str | None, given: VariationGiven, failed: Failed, _: Translate = mark) -> None:
        """Draw it.

        Args:
            text: what is to be varied.
            given: called with what was written.
            failed: called with the exception that `given` raised.
            _: into the reader's language.
        """
        super().__init__(_("Try a variation"), "compare:variation", failed)
        self._given = given
        self._text: ui.TextInput[VariationForm] = ui.TextInput(
            custom_id="text", style=discord.TextStyle.paragraph, default=text, max_length=MAX_TEXT
        )
        self.add_item(
            ui.Label(text=_("Text"), description=_("Change a word, and see what is heard then."), component=self._text)
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Hand on what was written."""
        await self._given(interaction, self._text.value)


def verdict(answers: Mapping[str, Answer], _: Translate = mark) -> str:
    """Whether the models agree on the strongest emotion, in one sentence; `_` translates it."""
    hearings = {}
    for name, answer in answers.items():
        [(label, _probability)] = answer.prediction.top(1)
        hearings[NAMES[name]] = f"**{written(label, None, _)}** {_emoji(label, answer)}"
    [(first, hearing), *others] = hearings.items()
    if not others:
        return _("Only the {model} is loaded; it heard {emotion}.").format(model=first, emotion=hearing)
    if agree(answers):
        return _("They agree on {emotion}.").format(emotion=hearing)
    each = (_("the {model} heard {emotion}").format(model=name, emotion=heard) for name, heard in hearings.items())
    return _("They disagree: {hearings}.").format(hearings=", ".join(each))


def bar(probability: float, cells: int = _CELLS) -> str:
    """A bar of block characters, exact to an eighth of a cell."""
    eighths = round(probability * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def _models(comparison: Comparison, _: Translate) -> list[ui.Item[ComparisonPanel]]:
    """For each model its strongest emotions and the words that moved it."""
    items: list[ui.Item[ComparisonPanel]] = []
    for name, answer in comparison.answers.items():
        strongest = (
            f"`{bar(probability)} {probability:>4.0%}` {_emoji(label, answer)} {written(label, None, _)}"
            for label, probability in answer.prediction.top(_TOP)
        )
        words = comparison.explanations[name].words
        shown = marked(comparison.quotation.text, words, _MARKED // len(comparison.answers))
        heading = f"**{NAMES[name]}** · {answer.milliseconds:.1f} ms"
        items += [ui.TextDisplay("\n".join((heading, *strongest, shown))), ui.Separator()]
    moved = any(is_clear(word) for explanation in comparison.explanations.values() for word in explanation.words)
    note = (
        _("Words in **bold** speak for the strongest emotion, ~~struck~~ ones against it.")
        if moved
        else _("No single word decides here.")
    )
    return [*items[:-1], ui.TextDisplay(f"-# {note}")]


def _table(answers: Mapping[str, Answer], _: Translate) -> str:
    """All labels with the probabilities of all models, the strongest first, as far as there is room."""
    head = " ".join(f"{NAMES[name]:<{_NARROW_CELLS + 5}}" for name in answers)
    scores = [dict(answer.prediction.top()) for answer in answers.values()]
    ranked = sorted(scores[0], key=lambda label: -max(score[label] for score in scores))
    lines = [f"`{head}`"]
    first = next(iter(answers.values()))
    for label in ranked:
        cells = (f"{bar(score[label], _NARROW_CELLS)} {score[label]:>4.0%}" for score in scores)
        lines.append(f"`{' '.join(cells)}` {_emoji(label, first)} {written(label, None, _)}")
    return "\n".join(lines[: longest(len(lines), _TABLE, lambda count: "\n".join(lines[:count]))])


def _heat_map(comparison: Comparison, _: Translate) -> list[ui.Item[ComparisonPanel]]:
    if comparison.picture is None:
        return []
    explained = _("How probable each emotion is after each word read; dots mark the strongest.")
    return [
        ui.MediaGallery(discord.MediaGalleryItem(f"attachment://{PICTURE}", description=comparison.picture)),
        ui.TextDisplay(f"-# {explained}"),
    ]


def _buttons(comparison: Comparison, _: Translate) -> ui.ActionRow[ComparisonPanel]:
    """Each says what is seen after it is pressed, so that a second press changes nothing."""
    labels = max(len(answer.prediction.labels) for answer in comparison.answers.values())
    controls = {
        "heat": _("Heat map"),
        "all": _("All {count}").format(count=labels),
        "vary": _("Try a variation"),
    }
    back = {Page.HEAT: _("Hide the heat map"), Page.ALL: _("Top {count}").format(count=_TOP)}
    return ui.ActionRow(
        *(
            ui.Button(label=back[Page(control)], custom_id=f"compare:{Page.TOP}:{comparison.author}")
            if control == comparison.page
            else ui.Button(label=label, custom_id=f"compare:{control}:{comparison.author}")
            for control, label in controls.items()
        )
    )


def _emoji(label: str, answer: Answer) -> str:
    return _NEUTRAL if label == NEUTRAL else answer.prediction.emoji.get(label, NO_EMOJI)
