"""`python -m classifiers evaluate`: measure both models on a data set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from classifiers.classifier import NetworkClassifier
from classifiers.cli.options import json_option, models_option
from classifiers.errors import DatasetError, counted, require
from classifiers.model_directory import NAMES, load_models
from classifiers.training.datasets import Dataset, Split, load_dataset
from classifiers.training.evaluation import Metrics, baseline, measure, measure_reactions

REACTION_COLUMNS = {
    "acceptable": "strongest label accepted",
    "emotional": "strongest emotion accepted",
    "coverage": "coverage",
    "precision": "precision",
    "neutral": "reacts to neutral",
}
"""The columns for data sets with the reactions that fair readers accept; the second covers emotional messages only."""

F1_COLUMNS = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "top1": "top-1", "ece": "ECE"}
"""The columns for all other data sets."""


@click.command(short_help="Measure both models on a data set.")
@click.option(
    "--dataset",
    "source",
    default="goemotions",
    metavar="NAME|FILE",
    help="goemotions (default), people, chat, builtin, or a file.",
)
@click.option("--split", "part", type=click.Choice(["dev", "test"]), default="test", help="Split (default: test).")
@click.option(
    "--text-column", default="text", metavar="NAME", help="Column of a file that holds the text, or its number."
)
@click.option(
    "--label-column", default="label", metavar="NAME", help="Column of a file that holds the labels, or its number."
)
@click.option("--baseline", "with_baseline", is_flag=True, help="Also train and measure a TF-IDF logistic regression.")
@models_option
@json_option
def evaluate(
    source: str,
    part: str,
    text_column: str,
    label_column: str,
    with_baseline: bool,
    directory: Path,
    as_json: bool,
) -> int:
    """Measure both models on one split of a data set, with the thresholds that were chosen for them on dev."""
    require("Measuring", "train", "sklearn")
    if not as_json:
        require("Measuring", "train", "rich")
    models = load_models(directory)
    dataset = load_dataset(source, text_column=text_column, label_column=label_column)
    split: Split = getattr(dataset, part)
    if source in ("chat", "people"):
        if with_baseline:
            raise DatasetError(f"The baseline is for F1, and {source} is measured by reactions: leave --baseline out.")
        columns = REACTION_COLUMNS
        results = {
            name: asdict(measure_reactions(model.predict(split.texts), split, dataset.labels))
            for name, model in models.items()
        }
    else:
        columns = F1_COLUMNS
        results = {name: _metrics_record(measure_model(model, dataset, split)) for name, model in models.items()}
        if with_baseline:
            results["tfidf"] = _metrics_record(baseline(dataset, part))
    measured_on = dataset.dev_name if part == "dev" else part
    if as_json:
        click.echo(json.dumps({"dataset": dataset.name, "split": measured_on, **results}))
    else:
        _print_table(f"{dataset.name}, {measured_on} split, {counted(len(split), 'text')}", columns, results)
    return 0


def _print_table(title: str, columns: Mapping[str, str], results: Mapping[str, Mapping[str, Any]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - JSON does without

    from classifiers.cli.tables import terminal  # noqa: PLC0415 - likewise

    table = Table("model", title=title)
    for column in columns.values():
        table.add_column(column, justify="right")
    for name, figures in results.items():
        shown = NAMES.get(name, "TF-IDF, logistic regression")
        table.add_row(shown, *(f"{figures[key]:.3f}" for key in columns))
    terminal().print(table)


def measure_model(model: NetworkClassifier, dataset: Dataset, split: Split) -> Metrics:
    """Return the model's metrics on `split`, over the labels of `dataset`.

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


def _metrics_record(metrics: Metrics) -> dict[str, Any]:
    figures = asdict(metrics)
    del figures["label_f1"]
    return figures
