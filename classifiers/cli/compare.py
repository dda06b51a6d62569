"""`python -m classifiers compare`: both models on each text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from classifiers.classifier import Answer, NetworkClassifier
from classifiers.classifier import compare as compare_models
from classifiers.cli.insight import Insight, insight_record, look_into
from classifiers.cli.lines import read_lines
from classifiers.cli.options import json_option, models_option
from classifiers.command_line import WholeNumber
from classifiers.emotions import LABELS
from classifiers.errors import require
from classifiers.model_directory import FILES, load_models


@click.command(short_help="Show both models' emotions for a text, side by side.")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read one text a line from a UTF-8 file, or from standard input for -.",
)
@click.option(
    "--top",
    type=WholeNumber(1, len(LABELS)),
    default=3,
    metavar="N",
    help="How many emotions to show (default: 3).",
)
@click.option(
    "--model",
    "names",
    type=click.Choice(list(FILES)),
    multiple=True,
    metavar="NAME",
    help="Ask this model only; give the option once for each (default: all that the directory holds).",
)
@click.option("--explain", is_flag=True, help="Also show which words counted most, and the prediction after each word.")
@models_option
@json_option
def compare(
    texts: tuple[str, ...],
    file: Path | None,
    top: int,
    names: tuple[str, ...],
    explain: bool,
    directory: Path,
    as_json: bool,
) -> int:
    """Show both models' top emotions for each TEXT, side by side, with the time each took.

    Put a text of several words in quotes.
    """
    if not texts and file is None:
        raise click.UsageError("Give a text, or a file of texts with --file", click.get_current_context())
    if texts and file is not None:
        raise click.UsageError("Give either texts or --file, not both", click.get_current_context())
    show = _print_json if as_json else _table_printer()
    models = _chosen(names, load_models(directory), directory)
    for text in texts if file is None else read_lines(file):
        answers = compare_models(models, text)
        insights = {name: look_into(name, model, text) for name, model in models.items()} if explain else {}
        show(text, answers, top, insights)
    return 0


def _chosen(
    names: Sequence[str], models: Mapping[str, NetworkClassifier], directory: Path
) -> Mapping[str, NetworkClassifier]:
    """Return the models of these names, all if there is none.

    Raises:
        click.UsageError: the directory does not hold one of them.
    """
    for name in names:
        if name not in models:
            held = " and ".join(models)
            raise click.UsageError(f"{directory} holds no {name}, only {held}", click.get_current_context())
    return {name: model for name, model in models.items() if name in names} if names else models


Show = Callable[[str, Mapping[str, Answer], int, Mapping[str, Insight]], None]
"""Prints a text, the answers to it, so many of their emotions, and the insights that there are."""


def _print_json(text: str, answers: Mapping[str, Answer], top: int, insights: Mapping[str, Insight]) -> None:
    click.echo(json.dumps(comparison_record(text, answers, top, insights)))


def _table_printer() -> Show:
    """Return a function that prints a comparison as tables.

    Raises:
        MissingExtraError: the packages for that are not installed.
    """
    require("Comparing in a table", "cli", "rich")
    from classifiers.cli import tables  # noqa: PLC0415 - it loads Rich, which JSON does without

    console = tables.terminal()

    def show(text: str, answers: Mapping[str, Answer], top: int, insights: Mapping[str, Insight]) -> None:
        console.print(tables.comparison_table(text, answers, top, insights))
        readings = {name: insight.reading for name, insight in insights.items() if insight.reading.words}
        if readings:
            if console.is_terminal:
                console.print(tables.legend())
            console.print()
            console.print(tables.reading_table(readings))

    return show


def comparison_record(
    text: str, answers: Mapping[str, Answer], count: int, insights: Mapping[str, Insight]
) -> dict[str, Any]:
    """Return a comparison as a JSON object, with each model's answer and insight under the model's name."""
    return {
        "text": text,
        **{
            name: {
                "top": answer.prediction.top(count),
                "labels": answer.prediction.present,
                "scores": dict(zip(answer.prediction.labels, answer.prediction.scores, strict=True)),
                "milliseconds": answer.milliseconds,
                **(insight_record(insights[name], count) if name in insights else {}),
            }
            for name, answer in answers.items()
        },
    }
