"""Measure how good the models are and print the tables of docs/models.md.

    python benchmarks/accuracy.py [DIRECTORY ...] [--json]

Measures on the test parts of people and of chat, with the bot's default settings, and on GoEmotions' test split, with
the thresholds that were chosen for each model on dev. For several model directories, such as those of several seeds,
the tables show mean and standard deviation. The last table compares the stored 16-bit weights with the same weights in
8 bits.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnx
import onnx.numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from rich.console import Console
from rich.table import Table
from safetensors.numpy import load_file, save_file

from classifiers.classifier import NetworkClassifier
from classifiers.errors import ClassifiersError
from classifiers.model_directory import FILES, NAMES, PRETRAINED, load_models, load_numpy, load_onnx
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch
from classifiers.training.datasets import Dataset, load_dataset
from classifiers.training.evaluation import baseline, measure, measure_reactions

F1_COLUMNS = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "top1": "top-1", "ece": "calibration error"}
REACTION_COLUMNS = {
    "acceptable": "strongest label accepted",
    "emotional": "strongest emotion accepted",
    "coverage": "coverage",
    "precision": "precision",
    "neutral": "reacts to neutral",
}
Figures = dict[str, float]


def f1_figures(model: NetworkClassifier, dataset: Dataset) -> Figures:
    """Return a model's scores on the test split of a data set with the model's own labels."""
    figures = asdict(measure(model.scores(dataset.test.texts), dataset.test.targets, _thresholds(model), model.labels))
    return {key: figures[key] for key in F1_COLUMNS}


def reaction_figures(model: NetworkClassifier, dataset: Dataset) -> Figures:
    """Return how well a bot with this model would react to the test part of people or chat."""
    figures = asdict(measure_reactions(model.predict(dataset.test.texts), dataset.test, dataset.labels))
    return {key: figures[key] for key in REACTION_COLUMNS}


def eight_bits(name: str, path: Path, folder: Path) -> tuple[Callable[[Batch], Array], int]:
    """Return the model in the file `path` with its weights in 8 bits, and their size in bytes."""
    small = folder / path.name
    if path.suffix == ".safetensors":
        arrays = load_file(path)
        scales = {key: np.abs(array).max(axis=0).astype(np.float32) / 127 + 1e-12 for key, array in arrays.items()}
        whole = {key: np.round(array / scales[key]).astype(np.int8) for key, array in arrays.items() if array.ndim == 2}
        save_file(arrays | {key: (whole[key] * scales[key]).astype(np.float16) for key in whole}, small)
        size = sum(whole[key].nbytes if key in whole else array.nbytes for key, array in arrays.items())
        return load_numpy(name, small.read_bytes()), size
    wide = folder / "wide.onnx"
    onnx.save(_without_casts(onnx.load(path)), wide)
    options = {"DefaultTensorType": onnx.TensorProto.FLOAT}  # which the quantiser cannot infer behind an LSTM
    quantize_dynamic(wide, small, weight_type=QuantType.QInt8, per_channel=True, extra_options=options)
    return load_onnx(small.read_bytes()), small.stat().st_size


def _without_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with float32 weights instead of cast operators, as the quantiser requires."""
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    weights = {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in arrays.items()}
    for node in [node for node in model.graph.node if node.op_type == "Cast" and node.input[0] in weights]:
        weights[node.output[0]] = weights.pop(node.input[0])
        model.graph.node.remove(node)
    del model.graph.initializer[:]
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in weights.items())
    return model


def storage(directory: Path, goemotions: Dataset) -> dict[str, Figures]:
    """Return macro-F1 and megabytes of each model, as stored and in 8 bits."""
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in load_models(directory).items():
            path = directory / FILES[name]
            run, size = eight_bits(name, path, Path(folder))
            for bits, contender, taken in ((16, model, path.stat().st_size), (8, replace(model, run=run), size)):
                result[f"{NAMES[name]}, {bits} bits"] = {
                    "macro_f1": f1_figures(contender, goemotions)["macro_f1"],
                    "megabytes": taken / 1e6,
                }
    return result


def measure_all(directories: Sequence[Path]) -> dict[str, Any]:
    """Return all results as a JSON-ready object; each model's scores are lists with one number for each directory."""
    goemotions = load_dataset("goemotions")
    messages = {name: load_dataset(name) for name in ("people", "chat")}
    models = [load_models(directory) for directory in directories]
    reference = asdict(baseline(goemotions))
    reactions = {
        title: _lists([{name: reaction_figures(model, dataset) for name, model in each.items()} for each in models])
        for title, dataset in messages.items()
    }
    return reactions | {
        "goemotions": _lists([{name: f1_figures(m, goemotions) for name, m in each.items()} for each in models]),
        "baseline": {key: reference[key] for key in F1_COLUMNS},
        "storage": storage(directories[0], goemotions),
    }


def _lists(runs: Sequence[Mapping[str, Figures]]) -> dict[str, dict[str, list[float]]]:
    return {name: {key: [run[name][key] for run in runs] for key in runs[0][name]} for name in runs[0]}


def _thresholds(model: NetworkClassifier) -> Array:
    return np.array(model.thresholds)


def show(result: Mapping[str, Any], console: Console) -> None:
    """Print the results as tables."""
    f1 = {NAMES[name]: figures for name, figures in result["goemotions"].items()}
    f1["TF-IDF, logistic regression"] = {key: [value] for key, value in result["baseline"].items()}
    people, chat = (
        {NAMES[name]: figures for name, figures in result[messages].items()} for messages in ("people", "chat")
    )
    for title, columns, rows in (
        ("Messages of real people, test part, default settings", REACTION_COLUMNS, people),
        ("Chat, test part, default settings", REACTION_COLUMNS, chat),
        ("GoEmotions, test split", F1_COLUMNS, f1),
    ):
        table = Table("model", title=title)
        for column in columns.values():
            table.add_column(column, justify="right")
        for name, figures in rows.items():
            table.add_row(name, *(_shown(figures[key]) for key in columns))
        console.print(table)
    table = Table("storage", "macro-F1", "MB", title="Rounding the weights of the first directory")
    for name, figures in result["storage"].items():
        table.add_row(name, f"{figures['macro_f1']:.3f}", f"{figures['megabytes']:.1f}")
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
