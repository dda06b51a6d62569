"""Format comparisons as tables for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from rich import box
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from classifiers.classifier import Answer, agree, ranked
from classifiers.cli.insight import Insight
from classifiers.emotions import SENTIMENT
from classifiers.explain import PrefixPredictions, WordShare
from classifiers.model_directory import NAMES

BAR_WIDTH = 12

GREY = (58, 58, 58)
FOR, AGAINST = (0, 120, 190), (190, 85, 0)
"""Blue and orange, which colour-blind people can tell apart; the marks are also bold or underlined."""

SENTIMENT_COLOURS = {"positive": (0, 130, 75), "ambiguous": (115, 75, 190), "negative": (185, 45, 45)}

WEAK_SHARE, WEAK_GRADIENT = 0.1, 0.5
"""If no word has more than this, even the strongest mark is greyer than its full colour."""


class _Terminal(Console):
    """Raises an exception when nobody reads its output, where Rich would end the process with status 1."""

    def on_broken_pipe(self) -> None:
        """Let `finish` in `classifiers.command_line` end the command."""
        raise BrokenPipeError


def terminal() -> Console:
    """Return a console that prints texts, labels and file names as they are, without interpreting them as markup."""
    return _Terminal(markup=False, emoji=False)


def comparison_table(text: str, answers: Mapping[str, Answer], count: int, insights: Mapping[str, Insight]) -> Table:
    """Return a comparison: a column for each model, with bars for its top emotions and the words that moved it."""
    verdict = "" if len(answers) < 2 else " (they agree)" if agree(answers) else " (they disagree)"
    table = Table(title=Text.assemble((_printable(text), "bold"), verdict), title_justify="left", expand=False)
    for name, answer in answers.items():
        table.add_column(f"{NAMES[name]}, {answer.milliseconds:.1f} ms")
    columns = (
        [_bar(label, score, answer.prediction.emoji.get(label, "")) for label, score in answer.prediction.top(count)]
        for answer in answers.values()
    )
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    table.add_section()
    table.add_row(*(f"present: {', '.join(answer.prediction.present) or 'none'}" for answer in answers.values()))
    if insights:
        table.add_section()
        table.add_row(*(_explanation_cell(text, insight) for insight in insights.values()))
    return table


def legend(marked: bool) -> Text:
    """Return what the numbers in the explanations of `comparison_table` mean, and the marks if they are visible."""
    marks = Text.assemble(
        ("bold on blue", _highlight_style(1)),
        (": for the strongest emotion;  ", "dim"),
        ("underlined on orange", _highlight_style(-1)),
        (": against it\n", "dim"),
    )
    numbers = Text(
        "+20%: without this word, the probability would be 20 percentage points lower; -20%: higher\n"
        "gradient times input: a rough estimate of how much lower the logit would be; only our own layers compute it",
        "dim",
    )
    return marks + numbers if marked else numbers


def prefix_table(predictions: Mapping[str, PrefixPredictions]) -> Table:
    """Return what each model predicts after each word, row by row: the stronger the colour, the more probable."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        caption="→ having read down to this word   ← having read up to it from the end",
        caption_justify="left",
    )
    table.add_column("word by word", no_wrap=True, overflow="ellipsis", header_style="dim")
    columns = []
    for name, prefixes in predictions.items():
        for arrow, rows in (("→", prefixes.forward), ("←", prefixes.backward)):
            if rows is not None:
                table.add_column(f"{NAMES[name]} {arrow}", no_wrap=True, min_width=19)
                columns.append([_label_cell(*ranked(zip(prefixes.labels, row, strict=True))[0]) for row in rows])
    words = next(iter(predictions.values())).words
    for word, *cells in zip(words, *columns, strict=True):
        table.add_row(_printable(word), *cells)
    return table


def _explanation_cell(text: str, insight: Insight) -> Text:
    """Return the text with its words marked, by occlusion and by gradient, and the strongest words' numbers."""
    words = insight.explanation.words
    if not words:
        return Text("no words to read", "dim")
    shares = [word.share for word in words]
    lines = [
        Text(f"words that counted most for {insight.explanation.label}:", "dim"),
        _highlight(text, words, shares, WEAK_SHARE),
        _strongest(words, shares, "+.0%", 0.005),
    ]
    if insight.saliency is not None:
        lines += [
            Text("\nby gradient times input:", "dim"),
            _highlight(text, words, insight.saliency, WEAK_GRADIENT),
            _strongest(words, insight.saliency, "+.1f", 0.05),
        ]
    return Text("\n").join(lines)


def _strongest(words: Sequence[WordShare], weights: Sequence[float], form: str, least: float) -> Text:
    """Return the three words with the strongest weights, and the weights, without those that would be shown as 0."""
    strongest = sorted(zip(words, weights, strict=True), key=lambda pair: -abs(pair[1]))[:3]
    shown = [f"{_printable(word.text)} {weight:{form}}" for word, weight in strongest if abs(weight) >= least]
    return Text(", ".join(shown) or "no single word", "dim")


def _highlight(text: str, words: Sequence[WordShare], weights: Sequence[float], weak: float) -> Text:
    scale = max(weak, *(abs(weight) for weight in weights))
    marked, place = Text(), 0
    for word, weight in zip(words, weights, strict=True):
        marked.append(_printable(text[place : word.start]))
        marked.append(_printable(word.text), _highlight_style(weight / scale))
        place = word.end
    marked.append(_printable(text[place:]))
    return marked


def _highlight_style(weight: float) -> Style:
    """Return the style of a word with a weight in [-1, 1]; an empty style for a word that hardly matters."""
    if abs(weight) < 0.1:
        return Style()
    return _background(FOR if weight > 0 else AGAINST, abs(weight)) + Style(bold=weight > 0, underline=weight < 0)


def _label_cell(label: str, probability: float) -> Text:
    colour = next((SENTIMENT_COLOURS[group] for group, labels in SENTIMENT.items() if label in labels), GREY)
    return Text(f"{label:<14} {probability:>4.0%}", _background(colour, probability))


def _background(colour: tuple[int, int, int], strength: float) -> Style:
    """Return a style with white letters on a colour; the lower `strength` in [0, 1], the greyer the colour."""
    mixed = (grey + (full - grey) * strength for grey, full in zip(GREY, colour, strict=True))
    return Style(color="bright_white", bgcolor=Color.from_rgb(*mixed).name)


def _printable(text: str) -> str:
    """Return the text on one line, without control characters, which a terminal would obey."""
    spaced = "".join(" " if character.isspace() else character for character in text)
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in {"Cc", "Cs"} else character
        for character in spaced
    )


def _bar(label: str, score: float, emoji: str) -> Text:
    filled = round(score * BAR_WIDTH)
    return Text.assemble(
        f"{label:<15}",
        ("█" * filled, "cyan"),
        ("░" * (BAR_WIDTH - filled), "dim"),
        f" {score:>4.0%} ",
        emoji,
    )
