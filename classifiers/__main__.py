"""The comparison and the measures in a terminal: python -m classifiers compare|chat|evaluate."""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from classifiers.classifier import Answer, NetworkClassifier, agree, compare
from classifiers.command_line import finish, require
from classifiers.emotions import SENTIMENT
from classifiers.errors import DatasetError
from classifiers.explain import Explanation, Reading, WordShare, explain, network_of, read, saliency
from classifiers.model_directory import DIRECTIONS, NAMES, PRETRAINED, load_models
from classifiers.training.datasets import Dataset, Split, load_dataset
from classifiers.training.evaluation import Metrics, baseline, measure, measure_reactions

BAR_WIDTH = 12

GREY = (58, 58, 58)
FOR, AGAINST = (0, 120, 190), (190, 85, 0)
"""Blue and orange, which all kinds of eyes tell apart; the marks are also bold or underlined."""

SENTIMENT_COLOURS = {"positive": (0, 130, 75), "ambiguous": (115, 75, 190), "negative": (185, 45, 45)}

WEAK_SHARE, WEAK_GRADIENT = 0.1, 0.5
"""Where no word has more than this, even the strongest mark stays pale."""


@dataclass(frozen=True, slots=True)
class Insight:
    """How one model came to its answer; `saliency` only of a network of ours."""

    explanation: Explanation
    saliency: tuple[float, ...] | None
    reading: Reading


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""

    def work() -> int:
        arguments = _parser().parse_args(argv)
        arguments.run(arguments)
        return 0

    return finish(work)


def _console() -> Console:
    """A terminal for which texts, labels and names of files are no markup."""
    return Console(markup=False, emoji=False)


def run_compare(arguments: argparse.Namespace) -> None:
    """Both models on each text, as tables or as one JSON object a line."""
    models = load_models(arguments.models)
    texts = arguments.texts if arguments.file is None else read_lines(arguments.file)
    for text in texts:
        answers = compare(models, text)
        insights = {name: look_into(name, model, text) for name, model in models.items()} if arguments.explain else {}
        if arguments.json:
            print(json.dumps(comparison_record(text, answers, arguments.top, insights)), flush=True)
            continue
        console = _console()
        console.print(comparison_table(text, answers, arguments.top, insights))
        readings = {name: insight.reading for name, insight in insights.items() if insight.reading.words}
        if readings:
            if console.is_terminal:
                console.print(legend())
            console.print()
            console.print(reading_table(readings))


def run_chat(arguments: argparse.Namespace) -> None:
    """Both models on each line that is typed, or on each line of what is piped in."""
    models = load_models(arguments.models)
    console = _console()
    at_keyboard = sys.stdin.isatty() and sys.stdout.isatty()
    if at_keyboard:
        ends = Text.assemble("Type a line to see what the models hear in it; Ctrl-D or ", ("exit", "bold"), " ends.")
        console.print(ends)
        console.print("The arrow keys bring lines back until then. Nothing you type is stored.", style="dim")
        console.print(legend())
    for line in typed_lines() if at_keyboard else read_lines(Path("-")):
        if line.strip() == "exit":
            break
        if line.strip():
            answers = compare(models, line)
            insights = {name: look_into(name, model, line) for name, model in models.items()}
            console.print(comparison_table(line, answers, 3, insights))


def typed_lines() -> Iterator[str]:
    """Lines from the keyboard, with a history that ends with the program: what people type is theirs."""
    from prompt_toolkit import PromptSession  # noqa: PLC0415 - only this needs it, and it takes a tenth of a second
    from prompt_toolkit.history import InMemoryHistory  # noqa: PLC0415 - likewise
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent  # noqa: PLC0415 - likewise

    keys = KeyBindings()

    @keys.add("c-c")
    def _clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    session: PromptSession[str] = PromptSession(history=InMemoryHistory(), key_bindings=keys)
    with suppress(EOFError):  # Ctrl-D
        while True:
            yield session.prompt([("bold ansicyan", "> ")])


def run_evaluate(arguments: argparse.Namespace) -> None:
    """Each model's figures on one split of a data set."""
    require("Measuring", "train", "sklearn")
    models = load_models(arguments.models)
    dataset = load_dataset(arguments.dataset, text_column=arguments.text_column, label_column=arguments.label_column)
    split: Split = getattr(dataset, arguments.split)
    results: dict[str, dict[str, Any]]
    if arguments.dataset in ("chat", "people"):
        if arguments.baseline:
            raise DatasetError(
                f"The baseline is for F1, and {arguments.dataset} is measured by reactions: leave --baseline out."
            )
        titles = {
            "acceptable": "strongest label accepted",
            "coverage": "coverage",
            "precision": "precision",
            "neutral": "reacts to neutral",
        }
        results = {
            name: asdict(measure_reactions(model.predict(split.texts), split, dataset.labels))
            for name, model in models.items()
        }
    else:
        titles = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "top1": "top-1", "ece": "ECE"}
        results = {name: _figures(evaluate(model, dataset, split)) for name, model in models.items()}
        if arguments.baseline:
            results["tfidf"] = _figures(baseline(dataset, arguments.split))
    if arguments.json:
        print(json.dumps({"dataset": dataset.name, "split": arguments.split, **results}))
        return
    table = Table("model", title=f"{dataset.name}, {arguments.split} split, {len(split):,} texts")
    for title in titles.values():
        table.add_column(title, justify="right")
    for name, figures in results.items():
        shown = NAMES.get(name, "TF-IDF, logistic regression")
        table.add_row(shown, *(f"{figures[key]:.3f}" for key in titles))
    _console().print(table)


def evaluate(model: NetworkClassifier, dataset: Dataset, split: Split) -> Metrics:
    """The model's figures on `split`, over the labels of `dataset`.

    Raises:
        DatasetError: the data set has labels that the model does not know.
    """
    unknown = [label for label in dataset.labels if label not in model.labels]
    if unknown:
        raise DatasetError(
            f"{dataset.name} has labels that these models do not know ({', '.join(unknown)}): "
            "choose models that were trained on it with --models."
        )
    columns = [model.labels.index(label) for label in dataset.labels]
    thresholds = np.array(model.thresholds)[columns]
    return measure(model.scores(split.texts)[:, columns], split.targets, thresholds, dataset.labels)


def look_into(name: str, model: NetworkClassifier, text: str) -> Insight:
    """How the model of that name comes to its answer."""
    explanation, network = explain(model, text), network_of(model)
    label = model.labels.index(explanation.label)
    gradients = None if network is None else saliency(network, model.tokenizer, text, label)
    return Insight(explanation, gradients, read(model, text, DIRECTIONS[name]))


def comparison_record(
    text: str, answers: Mapping[str, Answer], count: int, insights: Mapping[str, Insight]
) -> dict[str, Any]:
    """A comparison as a JSON object; what `insights` hold stands under the names of their models."""
    return {
        "text": text,
        **{
            name: {
                "top": answer.prediction.top(count),
                "labels": answer.prediction.present,
                "scores": dict(zip(answer.prediction.labels, answer.prediction.scores, strict=True)),
                "milliseconds": answer.milliseconds,
                **(_insight_record(insights[name], count) if name in insights else {}),
            }
            for name, answer in answers.items()
        },
    }


def _insight_record(insight: Insight, count: int) -> dict[str, Any]:
    reading = insight.reading

    def beliefs(rows: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
        return [
            {"word": word, "top": _ranked(reading.labels, row)[:count]}
            for word, row in zip(reading.words, rows, strict=True)
        ]

    return {
        "words": [{"word": word.text, "share": word.share} for word in insight.explanation.words],
        "saliency": insight.saliency,
        "reading": {
            "forward": beliefs(reading.forward),
            "backward": None if reading.backward is None else beliefs(reading.backward),
        },
    }


def comparison_table(text: str, answers: Mapping[str, Answer], count: int, insights: Mapping[str, Insight]) -> Table:
    """A comparison for a terminal: a column for each model, bars for its top emotions, the words that moved it."""
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
        table.add_row(*(_marks_and_figures(text, insight) for insight in insights.values()))
    return table


def legend() -> Text:
    """What the marks in `comparison_table` mean."""
    return Text.assemble(
        ("bold on blue", _mark(1)),
        (": for the strongest emotion;  ", "dim"),
        ("underlined on orange", _mark(-1)),
        (": against it", "dim"),
    )


def reading_table(readings: Mapping[str, Reading]) -> Table:
    """What each model believes after each word, a row for each word, the more colourful the surer."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        caption="→ having read down to this word   ← having read up to it from the end",
        caption_justify="left",
    )
    table.add_column("word by word", no_wrap=True, overflow="ellipsis", header_style="dim")
    columns = []
    for name, reading in readings.items():
        for arrow, rows in (("→", reading.forward), ("←", reading.backward)):
            if rows is not None:
                table.add_column(f"{NAMES[name]} {arrow}", no_wrap=True, min_width=19)
                columns.append([_belief(*_ranked(reading.labels, row)[0]) for row in rows])
    words = next(iter(readings.values())).words
    for word, *beliefs in zip(words, *columns, strict=True):
        table.add_row(_printable(word), *beliefs)
    return table


def _marks_and_figures(text: str, insight: Insight) -> Text:
    """The text with its words marked, by leaving out and by gradient, and the strongest shares in figures."""
    words = insight.explanation.words
    if not words:
        return Text("no words to read", "dim")
    strongest = sorted(words, key=lambda word: -abs(word.share))[:3]
    figures = [f"{_printable(word.text)} {word.share:+.0%}" for word in strongest if abs(word.share) >= 0.005]
    lines = [
        Text(f"what moved {insight.explanation.label}:", "dim"),
        _marked(text, words, [word.share for word in words], WEAK_SHARE),
        Text(", ".join(figures) or "no single word", "dim"),
    ]
    if insight.saliency is not None:
        lines += [Text("\nby gradient times input:", "dim"), _marked(text, words, insight.saliency, WEAK_GRADIENT)]
    return Text("\n").join(lines)


def _marked(text: str, words: Sequence[WordShare], weights: Sequence[float], weak: float) -> Text:
    scale = max(weak, *(abs(weight) for weight in weights))
    marked, place = Text(), 0
    for word, weight in zip(words, weights, strict=True):
        marked.append(_printable(text[place : word.start]))
        marked.append(_printable(word.text), _mark(weight / scale))
        place = word.end
    marked.append(_printable(text[place:]))
    return marked


def _mark(weight: float) -> Style:
    """The style of a word with that weight in [-1, 1]; none for one that hardly matters."""
    if abs(weight) < 0.1:
        return Style()
    return _on(FOR if weight > 0 else AGAINST, abs(weight)) + Style(bold=weight > 0, underline=weight < 0)


def _belief(label: str, probability: float) -> Text:
    colour = next((SENTIMENT_COLOURS[group] for group, labels in SENTIMENT.items() if label in labels), GREY)
    return Text(f"{label:<14} {probability:>4.0%}", _on(colour, probability))


def _on(colour: tuple[int, int, int], strength: float) -> Style:
    """White on that colour, the greyer the weaker."""
    mixed = (grey + (full - grey) * strength for grey, full in zip(GREY, colour, strict=True))
    return Style(color="bright_white", bgcolor=Color.from_rgb(*mixed).name)


def _ranked(labels: Sequence[str], row: Sequence[float]) -> list[tuple[str, float]]:
    return sorted(zip(labels, row, strict=True), key=lambda pair: -pair[1])


def _printable(text: str) -> str:
    """The text for a terminal: on one line, and without what could steer it."""
    spaced = "".join(" " if character.isspace() else character for character in text)
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in {"Cc", "Cs"} else character
        for character in spaced
    )


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, or of standard input for `-`, as they come.

    Raises:
        DatasetError: the file cannot be read, or is no UTF-8.
    """
    shown = "Standard input" if str(path) == "-" else path
    try:
        if str(path) == "-":
            yield from _stripped(line.decode() for line in sys.stdin.buffer)
        else:
            with path.open("rb") as file:
                yield from _stripped(line.decode() for line in file)
    except OSError as error:
        raise DatasetError(f"{shown} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{shown} is not UTF-8 text: convert it first.") from None


def _stripped(lines: Iterable[str]) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in lines)


def _figures(metrics: Metrics) -> dict[str, Any]:
    figures = asdict(metrics)
    del figures["label_f1"]
    return figures


def _bar(label: str, score: float, emoji: str) -> Text:
    filled = round(score * BAR_WIDTH)
    return Text.assemble(
        f"{label:<15}",
        ("█" * filled, "cyan"),
        ("░" * (BAR_WIDTH - filled), "dim"),
        f" {score:>4.0%} ",
        emoji,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m classifiers",
        description="Ask the emotion models from a terminal.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="compare|chat|evaluate")

    comparing = commands.add_parser(
        "compare",
        help="both models' emotions for a text, side by side",
        description="Show both models' top emotions for each text, side by side, with the time each took.",
        allow_abbrev=False,
    )
    source = comparing.add_mutually_exclusive_group(required=True)
    source.add_argument("texts", nargs="*", default=[], metavar="TEXT", help="a text; quote it")
    source.add_argument("--file", type=Path, help="read one text a line from a UTF-8 file, or - for standard input")
    comparing.add_argument(
        "--top", type=int, default=3, choices=range(1, 29), metavar="N", help="how many emotions (default: 3)"
    )
    comparing.add_argument(
        "--explain", action="store_true", help="also show which words moved them, and what they believe word by word"
    )
    comparing.set_defaults(run=run_compare)

    chatting = commands.add_parser(
        "chat",
        help="both models on each line that you type",
        description="Show both models' emotions, and the words that moved them, for each line that you type. Lines "
        "are kept for the arrow keys until the end, and nowhere else. Reads standard input when it is no terminal.",
        allow_abbrev=False,
    )
    chatting.set_defaults(run=run_chat)

    evaluating = commands.add_parser(
        "evaluate",
        help="both models' figures on a data set",
        description="Measure both models on one split of a data set, with the thresholds they were given on dev.",
        allow_abbrev=False,
    )
    evaluating.add_argument(
        "--dataset",
        default="goemotions",
        metavar="NAME|FILE",
        help="goemotions (default), people, chat, builtin or a file",
    )
    evaluating.add_argument("--split", default="test", choices=("dev", "test"), help="default: test")
    evaluating.add_argument("--text-column", default="text", help="column of a file that holds the text, or its number")
    evaluating.add_argument(
        "--label-column", default="label", help="column of a file that holds the labels, or its number"
    )
    evaluating.add_argument(
        "--baseline", action="store_true", help="also train and measure a TF-IDF logistic regression"
    )
    evaluating.set_defaults(run=run_evaluate)
    for command in (comparing, chatting, evaluating):
        command.add_argument(
            "--models", type=Path, default=PRETRAINED, help="model directory (default: the shipped one)"
        )
    for command in (comparing, evaluating):
        command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
