"""Measure how fast our NumPy networks train, compared with Keras and PyTorch.

    python benchmarks/training.py [--json]
    python benchmarks/training.py --stream 1000000 [--json]

A training step is a forward pass, a backward pass, clipping and AdamW; all candidates use the same batches of 64 texts
and one thread. Ten batches, as long as those of GoEmotions, represent an epoch. As in `inference.py`, all candidates
take turns, round after round; in each turn a candidate does the steps twice, and only the second time counts. The
tables show medians of CPU time, the ratio to NumPy's time, and how NumPy's own time is spent. The networks are those of
`train.py` without dropout: Keras trains them with `train_on_batch`, PyTorch with its own `nn.RNN` and `nn.LSTM` and its
fused AdamW.

NumPy's matrix products are computed by BLAS, whose kernels are in the table's title. OpenBLAS chooses them for the
processor, unless the environment variable `OPENBLAS_CORETYPE` names others: with Haswell kernels, a newer processor
takes 1.5 times as long.

With --stream, `train.py --shards` trains the RNN in Keras on that many made-up texts instead, once on a tenth of them
and once on all. The table shows the time and the peak memory of each run, including the evaluation at its end.
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
import threadpoolctl
from rich.console import Console
from rich.table import Table

from benchmarks.cpu_time import median_cpu_times
from classifiers.model_directory import NAMES
from classifiers.nn import network
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch
from classifiers.nn.layers import RNN, Bidirectional, Embedding
from classifiers.training import keras_backend as keras_models
from classifiers.training import numpy_backend
from classifiers.training.recipes import Recipe

try:
    import torch
except ImportError:
    torch = None

KINDS = ("rnn", "bilstm")
CASES = {"GoEmotions": (4, 6, 9, 11, 14, 16, 18, 21, 25, 29), "16 steps": (16,), "32 steps": (32,)}
"""The lengths of the batches in each case; for GoEmotions, the medians of each tenth of its batches, by length."""

VOCABULARY, LABELS = 12_000, 28
RECIPE = Recipe(1, 64, 1e-3, embedding=96, dropout=0.0, word_dropout=0.0, weight_decay=0.01)

PARTS = ("embedding", "recurrent forward", "recurrent backward", "optimizer")

Candidate = Callable[[Batch, Array], object]

Batches = list[tuple[Batch, Array]]


def batch_of(steps: int) -> tuple[Batch, Array]:
    """Return a full batch with its targets; word frequencies follow Zipf's law, as in a language."""
    rng = np.random.default_rng(1)
    frequency = 1 / np.arange(2, VOCABULARY)
    size = RECIPE.batch_size
    ids = rng.choice(np.arange(2, VOCABULARY), (steps, size), p=frequency / frequency.sum()).astype(np.int32)
    return Batch(ids, np.full(size, steps, np.int32)), (rng.random((size, LABELS)) < 0.05).astype(np.float32)


def ours(kind: str) -> numpy_backend.Trainer:
    """Return a trainer for a network of our own layers."""
    start = network.build(kind, VOCABULARY, RECIPE.embedding, LABELS, np.random.default_rng(0))
    return numpy_backend.Trainer(start, RECIPE, multi_label=True)


def in_keras(kind: str) -> Candidate:
    """Return a training step for the same network in Keras."""
    model = keras_models.build(kind, VOCABULARY, RECIPE.embedding, LABELS)
    keras_models.Trainer(model, RECIPE, multi_label=True)  # chooses the loss and the optimizer
    return lambda batch, targets: model.train_on_batch(batch.ids.T, targets)


def in_torch(kind: str) -> Candidate:
    """Return a training step for the same network in PyTorch, except that its recurrent layers have a second bias."""
    torch.set_num_threads(1)
    nn, size = torch.nn, RECIPE.embedding
    vectors = nn.Embedding(VOCABULARY, size)
    recurrent = nn.RNN(size, 128, 2) if kind == "rnn" else nn.LSTM(size, 128, 3, bidirectional=True)
    output = nn.Linear(2 * (128 if kind == "rnn" else 256), LABELS)
    params = [*vectors.parameters(), *recurrent.parameters(), *output.parameters()]
    optimizer = torch.optim.AdamW(params, RECIPE.learning_rate, weight_decay=RECIPE.weight_decay, fused=True)
    cross_entropy = nn.BCEWithLogitsLoss()

    def step(batch: Batch, targets: Array) -> float:
        optimizer.zero_grad()
        hidden, _ = recurrent(vectors(torch.from_numpy(batch.ids)))
        logits = output(torch.cat([hidden.mean(0), hidden.amax(0)], dim=1))
        loss = cross_entropy(logits, torch.from_numpy(targets))
        loss.backward()
        nn.utils.clip_grad_norm_(params, RECIPE.clip_norm)
        optimizer.step()
        return float(loss.detach())

    return step


def run_all(step: Candidate, batches: Batches) -> None:
    """Take one step on each batch."""
    for batch, targets in batches:
        step(batch, targets)


def shares(kind: str, batches: Batches, rounds: int) -> dict[str, float]:
    """Return the share of each part in the time of a NumPy training step."""
    trainer = ours(kind)
    spent = dict.fromkeys(PARTS, 0.0)

    def watch(owner: object, method: str, part: str) -> None:
        run = getattr(owner, method)

        def timed(*arguments: Any) -> Any:
            start = time.process_time()
            answer = run(*arguments)
            spent[part] += time.process_time() - start
            return answer

        setattr(owner, method, timed)

    for layer in trainer.network.layers:
        for direction in ("forward", "backward"):
            if isinstance(layer, Embedding):
                watch(layer, direction, "embedding")
            elif isinstance(layer, RNN | Bidirectional):
                watch(layer, direction, f"recurrent {direction}")
    watch(trainer._optimizer, "step", "optimizer")
    step = partial(trainer.step, rate=RECIPE.learning_rate)
    run_all(step, batches)
    spent.update(dict.fromkeys(spent, 0.0))
    start = time.process_time()
    for _ in range(rounds):
        run_all(step, batches)
    whole = time.process_time() - start
    spent["rest"] = whole - sum(spent.values())
    return {part: taken / whole for part, taken in spent.items()}


def blas() -> str:
    """Return the name of NumPy's BLAS, with the processor that its kernels are for."""
    loaded = [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
    own = [library for library in loaded if "numpy" in library["filepath"]] or loaded
    if not own:  # threadpoolctl does not know all, for example not Accelerate
        return "unknown BLAS"
    return f"{own[0]['internal_api']} {own[0]['version']}, {own[0].get('architecture', 'unknown')} kernels"


def measure(rounds: int) -> dict[str, Any]:
    """Return all results as JSON data."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    milliseconds, parts = {}, {}
    for kind in KINDS:
        trainer = ours(kind)
        candidates: dict[str, Candidate] = {
            "NumPy": partial(trainer.step, rate=RECIPE.learning_rate),
            "Keras": in_keras(kind),
        }
        if torch is not None:
            candidates["PyTorch"] = in_torch(kind)
        for batches_name, lengths in CASES.items():
            batches = [batch_of(steps) for steps in lengths]
            case = f"{NAMES[kind]}, {batches_name}"
            taken = median_cpu_times(
                {name: partial(run_all, step, batches) for name, step in candidates.items()}, rounds
            )
            milliseconds[case] = {name: all_steps / len(batches) for name, all_steps in taken.items()}
            parts[case] = shares(kind, batches, rounds)
    return {"blas": blas(), "milliseconds": milliseconds, "shares": parts}


def made_up(count: int, rng: np.random.Generator) -> dict[str, list[str]]:
    """Return texts of 3 to 27 words whose frequencies follow Zipf's law, each labelled by its first word."""
    frequency = 1 / np.arange(2, VOCABULARY)
    lengths = rng.integers(3, 28, count)
    numbers = rng.choice(VOCABULARY - 2, lengths.sum(), p=frequency / frequency.sum())
    texts = np.split(numbers, lengths.cumsum()[:-1])
    words = ["".join("bdfgklmnpr"[int(digit)] + "a" for digit in str(number)) for number in range(VOCABULARY)]
    return {
        "text": [" ".join(words[number] for number in text) for text in texts],
        "label": [("joy", "sadness", "neutral")[text[0] % 3] for text in texts],
    }


def write_shards(folder: Path, rows: int) -> None:
    """Write made-up texts into Parquet files of at most 50,000 rows."""
    rng = np.random.default_rng(1)
    folder.mkdir()
    for number, start in enumerate(range(0, rows, 50_000)):
        pq.write_table(pa.table(made_up(min(50_000, rows - start), rng)), folder / f"{number:06}.parquet")


def train_on_stream(folder: Path, rows: int) -> dict[str, float]:
    """Return the seconds and megabytes that a training run on this many rows takes.

    Raises:
        RuntimeError: it failed; its standard error says why.
    """
    shards, sample = folder / f"shards-{rows}", folder / "sample.csv"
    write_shards(shards, rows)
    with sample.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("text", "label"), *zip(*made_up(4000, np.random.default_rng(2)).values(), strict=True)]
        )
    data = ["--dataset", str(sample), "--shards", str(shards), "--out", str(folder / f"models-{rows}")]
    command = [sys.executable, "-m", "train", *data, "--model", "rnn", "--epochs", "1", "--batch-size", "512"]
    start, most = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own code
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            most = max(most, watched.memory_info().rss)
            time.sleep(0.1)
    if process.returncode:
        raise RuntimeError("The training run failed.")
    return {"seconds": time.perf_counter() - start, "megabytes": most / 1e6}


def measure_stream(rows: int) -> dict[str, dict[str, float]]:
    """Return the figures of a training run on a tenth of this many rows, and of one on all."""
    with tempfile.TemporaryDirectory() as folder:
        return {f"{count:,} rows": train_on_stream(Path(folder), count) for count in (rows // 10, rows)}


def show_stream(result: dict[str, dict[str, float]], console: Console) -> None:
    """Print the figures of streams as a table."""
    table = Table("corpus", "seconds", "MB", title="Training from shards")
    for name, figures in result.items():
        table.add_row(name, f"{figures['seconds']:,.0f}", f"{figures['megabytes']:,.0f}")
    console.print(table)


def show(result: dict[str, Any], console: Console) -> None:
    """Print the results as tables with ratios."""
    milliseconds = result["milliseconds"]
    table = Table(title=f"Milliseconds per training step (ratio to NumPy); medians, one thread, {result['blas']}")
    table.add_column("candidate")
    for case in milliseconds:
        table.add_column(case, justify="right")
    for name in next(iter(milliseconds.values())):
        table.add_row(
            name, *(f"{taken[name]:.1f} ({taken[name] / taken['NumPy']:.2f}x)" for taken in milliseconds.values())
        )
    console.print(table)
    if "PyTorch" not in next(iter(milliseconds.values())):
        console.print("PyTorch is left out, since it is not installed: pip install torch.")
    table = Table(title="How NumPy's time is spent")
    table.add_column("part")
    for case in result["shares"]:
        table.add_column(case, justify="right")
    for part in next(iter(result["shares"].values())):
        table.add_row(part, *(f"{taken[part]:.0%}" for taken in result["shares"].values()))
    console.print(table)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="turns of each candidate (default: 20)")
    parser.add_argument("--stream", type=int, metavar="ROWS", help="train on this many texts from shards instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    result = measure_stream(arguments.stream) if arguments.stream else measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(result))
    elif arguments.stream:
        show_stream(result, Console())
    else:
        show(result, Console())


if __name__ == "__main__":
    main()
