"""The comparison and the measures in a terminal: python -m classifiers compare|evaluate."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from classifiers.classifier import Answer, NetworkClassifier, agree, compare
from classifiers.datasets import Dataset, Split, load_dataset
from classifiers.emotions import EMOJI
from classifiers.errors import ClassifiersError, DatasetError
from classifiers.evaluation import Metrics, baseline, measure, measure_reactions
from classifiers.model_directory import NAMES, PRETRAINED, load_models

BAR_WIDTH = 12


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except ClassifiersError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def run_compare(arguments: argparse.Namespace) -> None:
    """Both models on each text, as tables or as one JSON object a line."""
    models = load_models(arguments.models)
    texts = arguments.texts if arguments.file is None else read_lines(arguments.file)
    for text in texts:
        answers = compare(models, text)
        if arguments.json:
            print(json.dumps(comparison_record(text, answers, arguments.top)), flush=True)
        else:
            Console().print(comparison_table(text, answers, arguments.top))


def run_evaluate(arguments: argparse.Namespace) -> None:
    """Each model's figures on one split of a data set."""
    models = load_models(arguments.models)
    dataset = load_dataset(arguments.dataset, text_column=arguments.text_column, label_column=arguments.label_column)
    split: Split = getattr(dataset, arguments.split)
    results: dict[str, dict[str, Any]]
    if arguments.dataset == "chat":
        if arguments.baseline:
            raise DatasetError("The baseline is for F1, and chat is measured by reactions: leave --baseline out.")
        titles = {
            "acceptable": "top acceptable",
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
    Console().print(table)


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


def comparison_record(text: str, answers: Mapping[str, Answer], count: int) -> dict[str, Any]:
    """A comparison as a JSON object."""
    return {
        "text": text,
        **{
            name: {
                "top": answer.prediction.top(count),
                "labels": answer.prediction.present,
                "scores": dict(zip(answer.prediction.labels, answer.prediction.scores, strict=True)),
                "milliseconds": answer.milliseconds,
            }
            for name, answer in answers.items()
        },
    }


def comparison_table(text: str, answers: Mapping[str, Answer], count: int) -> Table:
    """A comparison for a terminal: a column for each model, bars for its top emotions."""
    printable = text.encode(errors="replace").decode()
    verdict = "" if len(answers) < 2 else " (they agree)" if agree(answers) else " (they disagree)"
    table = Table(title=Text.assemble((printable, "bold"), verdict), title_justify="left", expand=False)
    for name, answer in answers.items():
        table.add_column(f"{NAMES[name]}, {answer.milliseconds:.1f} ms")
    for ranked in zip(*(answer.prediction.top(count) for answer in answers.values()), strict=True):
        table.add_row(*(_bar(label, score) for label, score in ranked))
    table.add_section()
    table.add_row(*(f"present: {', '.join(answer.prediction.present) or 'none'}" for answer in answers.values()))
    return table


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, or of standard input for `-`, as they come.

    Raises:
        DatasetError: the file cannot be read, or is no UTF-8.
    """
    try:
        if str(path) == "-":
            yield from _stripped(line.decode() for line in sys.stdin.buffer)
        else:
            with path.open("rb") as file:
                yield from _stripped(line.decode() for line in file)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not UTF-8 text: convert it first.") from None


def _stripped(lines: Iterable[str]) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in lines)


def _figures(metrics: Metrics) -> dict[str, Any]:
    figures = asdict(metrics)
    del figures["label_f1"]
    return figures


def _bar(label: str, score: float) -> Text:
    filled = round(score * BAR_WIDTH)
    return Text.assemble(
        f"{label:<15}",
        ("█" * filled, "cyan"),
        ("░" * (BAR_WIDTH - filled), "dim"),
        f" {score:>4.0%} ",
        EMOJI.get(label, ""),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m classifiers",
        description="Ask the emotion models from a terminal.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="compare|evaluate")

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
    comparing.set_defaults(run=run_compare)

    evaluating = commands.add_parser(
        "evaluate",
        help="both models' figures on a data set",
        description="Measure both models on one split of a data set, with the thresholds they were given on dev.",
        allow_abbrev=False,
    )
    evaluating.add_argument(
        "--dataset", default="goemotions", metavar="NAME|FILE", help="goemotions (default), chat, builtin or a file"
    )
    evaluating.add_argument("--split", default="test", choices=("dev", "test"), help="default: test")
    evaluating.add_argument("--text-column", default="text", help="column of a file that holds the text")
    evaluating.add_argument("--label-column", default="label", help="column of a file that holds the labels")
    evaluating.add_argument(
        "--baseline", action="store_true", help="also train and measure a TF-IDF logistic regression"
    )
    evaluating.set_defaults(run=run_evaluate)
    for command in (comparing, evaluating):
        command.add_argument(
            "--models", type=Path, default=PRETRAINED, help="model directory (default: the shipped one)"
        )
        command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
