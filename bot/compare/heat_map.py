"""What the models believe while they read a text, as a picture and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.i18n import Translate, mark
from bot.ui.card import CARD, INK, draw_card, writable
from bot.ui.emotions import named
from bot.ui.quotation import longest
from classifiers import LABELS, NAMES
from classifiers.explain import Reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

COLOURS = "inferno"
"""Matplotlib's colours from black by red to yellow: ever lighter in equal steps, so the colour-blind read them too."""

_ROWS = 5
_ROW, _COLUMN = 0.2, 0.22
_TITLE, _WORDS, _LABELS = 0.3, 0.8, 1.6
_NARROWEST = 5.5
_LONGEST_WORD = 14
_DESCRIPTION = 1024
_FROM_LEFT, _FROM_RIGHT = mark("{model}, from the left →"), mark("{model}, from the right ←")
_PERCENT = mark("{percent}%")


@dataclass(frozen=True, slots=True)
class _Strip:
    """What one model believes while it reads in one direction.

    Attributes:
        title: the model and the direction.
        words: what it reads, as it stands in the text.
        strongest: the most probable label for each word.
        probabilities: of each label, for each word.
        leftward: whether it reads from the right.
    """

    title: str
    words: Sequence[str]
    strongest: Sequence[str]
    probabilities: Mapping[str, Sequence[float]]
    leftward: bool


def alternative_text(readings: Mapping[str, Reading], _: Translate) -> str:
    """What the picture shows, for those who do not see it: where the strongest emotion turns, as far as there is room.

    Args:
        readings: what is drawn.
        _: the reader's language.
    """
    told = [_("How probable each emotion is after each word.")]
    for strip in _strips(readings, _):
        turns = list(zip(strip.words, strip.strongest, strict=True))[:: -1 if strip.leftward else 1]
        firsts = turns[:1] + [turn for before, turn in pairwise(turns) if before[1] != turn[1]]
        told += [f"{strip.title}", *(f"{word}: {named(label, _)}." for word, label in firsts)]
    return " ".join(told[: longest(len(told), _DESCRIPTION, lambda count: " ".join(told[:count]))])


def draw(readings: Mapping[str, Reading], _: Translate) -> bytes:
    """A PNG picture: for each model the probabilities of a few labels after each word, of which there is at least one.

    The BiLSTM reads from the right as well: there a column is what it believes of all from this word to the end. The
    picture's words are English where its font cannot write the reader's language.
    """
    strips = _strips(readings, mark)
    labels = _labels_shown(strips)
    width = max(_NARROWEST, _LABELS + _COLUMN * len(strips[0].words))
    height = _WORDS + len(strips) * (_TITLE + _ROW * len(labels))
    words = (*(label for label in labels if label in LABELS), _FROM_LEFT, _FROM_RIGHT, _PERCENT)
    return draw_card(
        (width, height), lambda figure, font, _: _draw_into(figure, _strips(readings, _), labels, font, _), words, _
    )


def _strips(readings: Mapping[str, Reading], _: Translate) -> list[_Strip]:
    """One for each model and direction."""
    strips = []
    for name, reading in readings.items():
        for title, rows in ((_FROM_LEFT, reading.forward), (_FROM_RIGHT, reading.backward)):
            if rows is not None:
                strongest = [max(zip(row, reading.labels, strict=True))[1] for row in rows]
                probabilities = dict(zip(reading.labels, zip(*rows, strict=True), strict=True))
                leftward = title == _FROM_RIGHT
                strips.append(
                    _Strip(_(title).format(model=NAMES[name]), reading.words, strongest, probabilities, leftward)
                )
    return strips


def _labels_shown(strips: Sequence[_Strip]) -> list[str]:
    """A few labels, the same for all strips: what is ever the strongest first, then by how probable it becomes."""
    peaks = {
        label: (
            any(label in strip.strongest for strip in strips),
            max(max(strip.probabilities[label]) for strip in strips),
        )
        for label in strips[0].probabilities
    }
    return sorted(peaks, key=lambda label: peaks[label], reverse=True)[:_ROWS]


def _draw_into(
    figure: Figure, strips: Sequence[_Strip], labels: Sequence[str], font: FontProperties, _: Translate
) -> None:
    """The strips, one above the other, with the words under the last and a dot on the strongest label of each."""
    panels = figure.subplots(len(strips), 1, sharex=True, squeeze=False)[:, 0]
    for axes, strip in zip(panels, strips, strict=True):
        shown = [strip.probabilities[label] for label in labels]
        cells = axes.pcolormesh(shown, cmap=COLOURS, vmin=0, vmax=1, edgecolors=CARD, linewidth=1)
        dots = [(place, labels.index(label)) for place, label in enumerate(strip.strongest) if label in labels]
        axes.scatter(
            [place + 0.5 for place, _row in dots],
            [row + 0.5 for _place, row in dots],
            s=9,
            c=[CARD if shown[row][place] > 0.5 else INK for place, row in dots],
        )
        axes.invert_yaxis()
        axes.set_title(strip.title, loc="left", fontproperties=font, color=INK, pad=4)
        names = [writable(_short(named(label, _))) for label in labels]
        axes.set_yticks([place + 0.5 for place in range(len(labels))], names)
        axes.set_facecolor(CARD)
        axes.tick_params(length=0, colors=INK)
        axes.spines[:].set_visible(False)
    words = [_short(writable(word)) for word in strips[0].words]
    panels[-1].set_xticks([place + 0.5 for place in range(len(words))], words, rotation=45, ha="right")
    for word in panels[-1].get_xticklabels():
        word.set(rotation_mode="anchor")
    bar = figure.colorbar(cells, ax=list(panels), aspect=30, pad=0.02, ticks=(0, 0.5, 1))
    bar.ax.set_yticklabels([_(_PERCENT).format(percent=percent) for percent in (0, 50, 100)])
    bar.ax.tick_params(length=0, colors=INK)
    bar.outline.set_visible(False)
    for axes in (*panels, bar.ax):
        for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            text.set(fontproperties=font, parse_math=False)


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else f"{word[: _LONGEST_WORD - 1]}…"
