"""The predictions of the models while they read a text, as a picture and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.i18n import Translate, mark
from bot.ui.card import BACKGROUND, TEXT_COLOUR, draw_card, writable
from bot.ui.discord_limits import IMAGE_DESCRIPTION
from bot.ui.emotions import label_name
from bot.ui.quotation import longest_fit, shorten
from classifiers import LABELS, NAMES
from classifiers.explain import PrefixPredictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

COLOURS = "inferno"
"""Matplotlib's colours from black over red to yellow. Lightness rises evenly, so colour-blind people can read it."""

_ROWS = 5
_ROW, _COLUMN = 0.2, 0.22  # inches
_TITLE, _WORDS, _LABELS = 0.3, 0.8, 1.6  # inches above and below the strips, and to the left of them
_NARROWEST = 5.5  # inches
_LONGEST_WORD = 14  # characters
_FROM_LEFT, _FROM_RIGHT = mark("{model}, from the left →"), mark("{model}, from the right ←")


@dataclass(frozen=True, slots=True)
class _Strip:
    """The predictions of one model while it reads in one direction.

    Attributes:
        title: the model and the direction.
        words: the words it reads, as they are in the text.
        strongest: the most probable label at each word.
        probabilities: the probability of each label at each word.
        leftward: whether it reads from the right.
    """

    title: str
    words: Sequence[str]
    strongest: Sequence[str]
    probabilities: Mapping[str, Sequence[float]]
    leftward: bool


def alternative_text(predictions: Mapping[str, PrefixPredictions], translate: Translate) -> str:
    """Return a description of the picture that says where the strongest emotion changes, as far as there is room.

    Args:
        predictions: what is drawn.
        translate: the reader's language.
    """
    sentences = [translate("How probable each emotion is after each word.")]
    for strip in _strips(predictions, translate):
        turns = list(zip(strip.words, strip.strongest, strict=True))[:: -1 if strip.leftward else 1]
        firsts = turns[:1] + [turn for before, turn in pairwise(turns) if before[1] != turn[1]]
        sentences += [f"{strip.title}", *(f"{word}: {label_name(label, translate)}." for word, label in firsts)]
    return " ".join(
        sentences[: longest_fit(len(sentences), IMAGE_DESCRIPTION, lambda count: " ".join(sentences[:count]))]
    )


def draw(predictions: Mapping[str, PrefixPredictions], translate: Translate) -> bytes:
    """Return a PNG picture that shows, for each model, the probabilities of a few labels after each word.

    The BiLSTM also reads from the right; there, a column is its prediction for the text from this word to the end. The
    picture's words are English if its font cannot write the reader's language.
    """
    strips = _strips(predictions, translate)
    labels = _labels_shown(strips)
    width = max(_NARROWEST, _LABELS + _COLUMN * len(strips[0].words))
    height = _WORDS + len(strips) * (_TITLE + _ROW * len(labels))
    texts = (*(label for label in labels if label in LABELS), _FROM_LEFT, _FROM_RIGHT)
    words = (*map(translate, texts), translate.percent(1))
    return draw_card(
        (width, height),
        lambda figure, font, translate: _draw_into(figure, _strips(predictions, translate), labels, font, translate),
        words,
        translate,
    )


def _strips(predictions: Mapping[str, PrefixPredictions], translate: Translate) -> list[_Strip]:
    """Return a strip for each model and direction."""
    strips = []
    for name, predicted in predictions.items():
        for title, rows in ((_FROM_LEFT, predicted.forward), (_FROM_RIGHT, predicted.backward)):
            if rows is not None:
                strongest = [max(zip(row, predicted.labels, strict=True))[1] for row in rows]
                probabilities = dict(zip(predicted.labels, zip(*rows, strict=True), strict=True))
                leftward = title == _FROM_RIGHT
                strips.append(
                    _Strip(
                        translate(title).format(model=NAMES[name]), predicted.words, strongest, probabilities, leftward
                    )
                )
    return strips


def _labels_shown(strips: Sequence[_Strip]) -> list[str]:
    """Return the few labels to show in all strips: those that are the strongest anywhere, then the most probable."""
    peaks = {
        label: (
            any(label in strip.strongest for strip in strips),
            max(max(strip.probabilities[label]) for strip in strips),
        )
        for label in strips[0].probabilities
    }
    return sorted(peaks, key=lambda label: peaks[label], reverse=True)[:_ROWS]


def _draw_into(
    figure: Figure, strips: Sequence[_Strip], labels: Sequence[str], font: FontProperties, translate: Translate
) -> None:
    """Draw the strips one above the other, with the words below and a dot on the strongest label of each."""
    panels = figure.subplots(len(strips), 1, sharex=True, squeeze=False)[:, 0]
    for axes, strip in zip(panels, strips, strict=True):
        shown = [strip.probabilities[label] for label in labels]
        cells = axes.pcolormesh(shown, cmap=COLOURS, vmin=0, vmax=1, edgecolors=BACKGROUND, linewidth=1)
        dots = [(place, labels.index(label)) for place, label in enumerate(strip.strongest) if label in labels]
        axes.scatter(
            [place + 0.5 for place, _row in dots],
            [row + 0.5 for _place, row in dots],
            s=9,
            c=[BACKGROUND if shown[row][place] > 0.5 else TEXT_COLOUR for place, row in dots],
        )
        axes.invert_yaxis()
        axes.set_title(strip.title, loc="left", fontproperties=font, color=TEXT_COLOUR, pad=4)
        names = [writable(shorten(label_name(label, translate), _LONGEST_WORD)) for label in labels]
        axes.set_yticks([place + 0.5 for place in range(len(labels))], names)
        axes.set_facecolor(BACKGROUND)
        axes.tick_params(length=0, colors=TEXT_COLOUR)
        axes.spines[:].set_visible(False)
    words = [shorten(writable(word), _LONGEST_WORD) for word in strips[0].words]
    panels[-1].set_xticks([place + 0.5 for place in range(len(words))], words, rotation=45, ha="right")
    for word in panels[-1].get_xticklabels():
        word.set(rotation_mode="anchor")
    bar = figure.colorbar(cells, ax=list(panels), aspect=30, pad=0.02, ticks=(0, 0.5, 1))
    bar.ax.set_yticklabels([translate.percent(share) for share in (0, 0.5, 1)])
    bar.ax.tick_params(length=0, colors=TEXT_COLOUR)
    bar.outline.set_visible(False)
    for axes in (*panels, bar.ax):
        for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            text.set(fontproperties=font, parse_math=False)
