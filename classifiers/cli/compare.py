"""`python -m classifiers compare`: show both models' answers to each text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import click

from classifiers.classifier import Answer, NetworkClassifier
from classifiers.classifier import compare as compare_models
from classifiers.cli.insight import Insight, explain_answer
from classifiers.cli.lines import read_chunks
from classifiers.cli.options import json_option, models_option
from classifiers.cli.parallel import map_in_order
from classifiers.cli.score_tables import EXTENSIONS, copy_with_scores, is_table, table_texts
from classifiers.cli.scoring import JsonLines, Scorer, load_once
from classifiers.command_line import WholeNumber
from classifiers.emotions import LABELS
from classifiers.errors import counted, require
from classifiers.model_directory import FILES


@click.command(short_help="Show both models' emotions for a text, side by side.")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read one text per line of a UTF-8 file, or from standard input for -; or a column of a .csv or .parquet one.",
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
@click.option(
    "--text-column",
    metavar="NAME",
    help="Column of a .csv or .parquet file that holds the texts (default: text).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Copy the .csv or .parquet file to this one, with each model's scores as further columns; print no answers.",
)
@models_option
@json_option
def compare(
    texts: tuple[str, ...],
    file: Path | None,
    top: int,
    names: tuple[str, ...],
    explain: bool,
    text_column: str | None,
    out: Path | None,
    directory: Path,
    as_json: bool,
) -> int:
    """Show both models' top emotions for each TEXT, side by side, with the time each took.

    Put a text of several words in quotes. A file may be of any size. With --json or --out all cores process it, and a
    text's time is its share of the time of its batch.
    """
    _check_usage(texts, file, out, as_json or explain, text_column is not None)
    column = "text" if text_column is None else text_column
    show = None if as_json or out else _table_printer()
    models = _select_models(names, load_once(directory), directory)
    scorer = Scorer(directory, tuple(models))
    if file and out:
        count = copy_with_scores(file, out, column, scorer)
        click.echo(f"Written to {out}: {counted(count, 'text')} with scores.")
        return 0
    chunks = _chunks(texts, file, column)
    if show is None:
        with closing(map_in_order(JsonLines(scorer, top, explain), chunks)) as answers:
            for lines in answers:
                click.echo(lines, nl=False)
        return 0
    for text in chain.from_iterable(chunks):
        insights = {name: explain_answer(name, model, text) for name, model in models.items()} if explain else {}
        show(text, compare_models(models, text), top, insights)
    return 0


def _check_usage(texts: Sequence[str], file: Path | None, out: Path | None, shows: bool, column: bool) -> None:
    """Refuse options that do not go together.

    Raises:
        click.UsageError: two options do not go together.
    """
    fault = None
    if file is None and not any(map(str.strip, texts)):
        fault = "Give a text, or a file of texts with --file"
    elif texts and file is not None:
        fault = "Give either texts or --file, not both"
    elif column and (file is None or not is_table(file)):
        fault = f"--text-column needs a --file that ends in {' or '.join(EXTENSIONS)}"
    elif out and (file is None or not is_table(file)):
        fault = f"--out needs a --file that ends in {' or '.join(EXTENSIONS)}"
    elif out and file and out.suffix.lower() != file.suffix.lower():
        fault = f"--out must end in {file.suffix}, as --file does"
    elif out and shows:
        fault = "--out prints no answers: leave --json and --explain out"
    if fault:
        raise click.UsageError(fault, click.get_current_context())


def _chunks(texts: Sequence[str], file: Path | None, column: str) -> Iterator[Sequence[str]]:
    """Return an iterator over lists of texts: each given text by itself, or those of a file, some at a time."""
    if file is None:
        return ([text] for text in texts)
    return table_texts(file, column) if is_table(file) else read_chunks(file)


def _select_models(
    names: Sequence[str], models: Mapping[str, NetworkClassifier], directory: Path
) -> Mapping[str, NetworkClassifier]:
    """Return the models with these names, or all models if there are no names.

    Raises:
        click.UsageError: the directory does not hold one of them.
    """
    for name in names:
        if name not in models:
            held = " and ".join(models)
            raise click.UsageError(f"{directory} holds no {name}, only {held}", click.get_current_context())
    return {name: model for name, model in models.items() if name in names} if names else models


Show = Callable[[str, Mapping[str, Answer], int, Mapping[str, Insight]], None]
"""Prints a text, its answers, that many of their emotions, and the available insights."""


def _table_printer() -> Show:
    """Return a function that prints a comparison as tables.

    Raises:
        MissingExtraError: Rich is not installed.
    """
    require("Comparing in a table", "cli", "rich")
    from classifiers.cli import tables  # noqa: PLC0415 - it loads Rich, which JSON does without

    console = tables.terminal()

    def show(text: str, answers: Mapping[str, Answer], top: int, insights: Mapping[str, Insight]) -> None:
        console.print(tables.comparison_table(text, answers, top, insights))
        prefixes = {name: insight.prefixes for name, insight in insights.items() if insight.prefixes.words}
        if prefixes:
            console.print(tables.legend(marked=console.is_terminal))
            console.print()
            console.print(tables.prefix_table(prefixes))

    return show
