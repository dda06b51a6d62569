"""Measure how good the models are and print the tables of docs/models.md.

    python benchmarks/accuracy.py [DIRECTORY ...] [--json]

The models are measured on the test splits of the data sets people and chat, with the bot's default settings, and on
that of GoEmotions, with the thresholds chosen for each model on the dev split. For several model directories, such as
those of several seeds, the tables show mean and standard deviation.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rich.console import Console
from rich.table import Table

from classifiers.classifier import NetworkClassifier
from classifiers.cli.evaluate import F1_COLUMNS as SHORT_F1_COLUMNS
from classifiers.cli.evaluate import REACTION_COLUMNS
from classifiers.errors import ClassifiersError
from classifiers.model_directory import NAMES, PRETRAINED, load_models
from classifiers.nn.arrays import Array
from classifiers.training.datasets import Dataset, load_dataset
from classifiers.training.evaluation import baseline, measure, measure_reactions

F1_COLUMNS = SHORT_F1_COLUMNS | {"ece": "calibration error"}
Scores = dict[str, float]


def f1_scores(model: NetworkClassifier, dataset: Dataset) -> Scores:
    """Return a model's scores on the test split of a data set with the model's own labels."""
    scores = asdict(measure(model.scores(dataset.test.texts), dataset.test.targets, _thresholds(model), model.labels))
    return {key: scores[key] for key in F1_COLUMNS}


def reaction_rates(model: NetworkClassifier, dataset: Dataset) -> Scores:
    """Return how well a bot with this model would react to the test split of people or chat."""
    scores = asdict(measure_reactions(model.predict(dataset.test.texts), dataset.test, dataset.labels))
    return {key: scores[key] for key in REACTION_COLUMNS}


def measure_all(directories: Sequence[Path]) -> dict[str, Any]:
    """Return all results as JSON data; each score of a model is a list with one number for each directory."""
    goemotions = load_dataset("goemotions")
    messages = {name: load_dataset(name) for name in ("people", "chat")}
    models = [load_models(directory) for directory in directories]
    reference = asdict(baseline(goemotions))
    reactions = {
        title: _lists([{name: reaction_rates(model, dataset) for name, model in each.items()} for each in models])
        for title, dataset in messages.items()
    }
    return reactions | {
        "goemotions": _lists([{name: f1_scores(m, goemotions) for name, m in each.items()} for each in models]),
        "baseline": {key: reference[key] for key in F1_COLUMNS},
    }


def _lists(runs: Sequence[Mapping[str, Scores]]) -> dict[str, dict[str, list[float]]]:
    return {name: {key: [run[name][key] for run in runs] for key in runs[0][name]} for name in runs[0]}


def _thresholds(model: NetworkClassifier) -> Array:
    return np.array(model.thresholds)


def show(result: Mapping[str, Any], console: Console) -> None:
    """Print the results as tables."""
    f1 = {NAMES[name]: scores for name, scores in result["goemotions"].items()}
    f1["TF-IDF, logistic regression"] = {key: [value] for key, value in result["baseline"].items()}
    people, chat = (
        {NAMES[name]: scores for name, scores in result[messages].items()} for messages in ("people", "chat")
    )
    for title, columns, rows in (
        ("Messages of real people, test split, default settings", REACTION_COLUMNS, people),
        ("Chat, test split, default settings", REACTION_COLUMNS, chat),
        ("GoEmotions, test split", F1_COLUMNS, f1),
    ):
        table = Table("model", title=title)
        for column in columns.values():
            table.add_column(column, justify="right")
        for name, scores in rows.items():
            table.add_row(name, *(_shown(scores[key]) for key in columns))
        console.print(table)


def _shown(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="*", type=Path, default=[PRETRAINED], help="default: the shipped one")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    try:
        result = measure_all(arguments.directories)
    except ClassifiersError as error:
        sys.exit(str(error))
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result, Console())


if __name__ == "__main__":
    main()
