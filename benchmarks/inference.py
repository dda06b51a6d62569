"""Measure how fast the models predict, compared with Keras and with transformers.

    python benchmarks/inference.py [--json]

All candidates take turns, round after round, in one process and on one thread, so that other work on the machine
affects all alike. In each turn a candidate predicts twice, and only the second prediction counts, since the first one
runs with cold caches. The tables show medians of CPU time, and the ratio to the BiLSTM's time. The transformers have
the sizes of RoBERTa-base and DistilBERT, random weights, and ONNX Runtime's own fused attention, which is its fastest
way to run them. Start-up time and memory are those of a new process at its first prediction.
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.parser
import psutil
import tensorflow as tf
from rich.console import Console
from rich.table import Table

from benchmarks.cpu_time import median_cpu_times
from classifiers.classifier import NetworkClassifier
from classifiers.model_directory import FILES, PRETRAINED, load_models, load_network, read_manifest
from classifiers.nn import network
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, pad
from classifiers.onnx_runtime import load_onnx, onnxruntime
from classifiers.training import keras_backend as keras_models
from classifiers.training.onnx_export import float_graph, read_bilstm

REFERENCE = "BiLSTM, ONNX Runtime"
LENGTHS = (5, 15, 40)
BATCH = 32
STREAM = 20_000
"""The number of texts in a stream."""

Candidate = Callable[[Batch], Array]

_ENCODER = """
<ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>
encoder (int32[batch, time] ids) => (float[batch, 28] logits)
<int64[1] zero = {{0}}, int64 first = {{0}}>
{{
    words = Gather (embeddings, ids)
    steps = Shape <start: int = 1, end: int = 2> (ids)
    places = Slice (positions, zero, steps, zero)
    placed = Add (words, places)
    x_0 = LayerNormalization <epsilon: float = 1e-5> (placed, gamma, beta)
    {layers}
    start = Gather <axis: int = 1> (x_{count}, first)
    logits = Gemm (start, output_kernel, output_bias)
}}
"""

_ENCODER_LAYER = """
    heads_{n} = com.microsoft.Attention <num_heads: int = 12> (x_{before}, qkv_{n}, qkv_bias_{n})
    mixed_{n} = MatMul (heads_{n}, mix_{n})
    y_{n} = com.microsoft.SkipLayerNormalization <epsilon: float = 1e-5>
        (mixed_{n}, x_{before}, gamma, beta, mix_bias_{n})
    wide_{n} = MatMul (y_{n}, widen_{n})
    bent_{n} = com.microsoft.BiasGelu (wide_{n}, widen_bias_{n})
    narrow_{n} = MatMul (bent_{n}, narrow_{n}_kernel)
    x_{n} = com.microsoft.SkipLayerNormalization <epsilon: float = 1e-5>
        (narrow_{n}, y_{n}, gamma, beta, narrow_bias_{n})
"""


def transformer(count: int, vocabulary: int) -> Candidate:
    """Return a BERT-like encoder of `count` layers of 768 units with random weights, in ONNX Runtime."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings": (vocabulary, 768),
        "positions": (512, 768),
        "gamma": (768,),
        "beta": (768,),
        "output_kernel": (768, 28),
        "output_bias": (28,),
    }
    for n in range(1, count + 1):
        shapes |= {
            f"qkv_{n}": (768, 3 * 768),
            f"qkv_bias_{n}": (3 * 768,),
            f"mix_{n}": (768, 768),
            f"mix_bias_{n}": (768,),
            f"widen_{n}": (768, 3072),
            f"widen_bias_{n}": (3072,),
            f"narrow_{n}_kernel": (3072, 768),
            f"narrow_bias_{n}": (768,),
        }
    layers = "".join(_ENCODER_LAYER.format(n=n, before=n - 1) for n in range(1, count + 1))
    model = onnx.parser.parse_model(_ENCODER.format(layers=layers, count=count))
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(rng.normal(0, 0.02, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {"ids": np.ascontiguousarray(batch.ids.T)})[0]


def candidates(directory: Path) -> dict[str, Candidate]:
    """Return all candidates by name: our models from `directory`, and others, most of them with random weights."""
    manifest = read_manifest(directory)
    vocabulary, labels = 2 + len(load_models(directory)["bilstm"].tokenizer.words), len(manifest.labels)
    embedding = manifest.models["bilstm"].embedding
    from_scratch = network.build("bilstm", vocabulary, embedding, labels, np.random.default_rng(0))
    in_keras = keras_models.build("bilstm", vocabulary, embedding, labels)
    keras_models.load(in_keras, from_scratch.params)
    return {
        REFERENCE: load_network("bilstm", directory),
        "the same in floats": load_onnx(float_graph(read_bilstm(directory / FILES["bilstm"])).SerializeToString()),
        "RNN, NumPy": load_network("rnn", directory),
        "BiLSTM, NumPy": from_scratch.forward,
        "BiLSTM, Keras tf.function": lambda batch: keras_models.run(in_keras, batch),
        "BiLSTM, Keras predict": lambda batch: in_keras.predict(batch.ids.T, verbose=0),
        "DistilBERT, ONNX Runtime": transformer(6, 30_522),
        "RoBERTa-base, ONNX Runtime": transformer(12, 50_265),
    }


def batch_of(lengths: list[int], vocabulary: int) -> Batch:
    """Return a batch of random words in sequences of the given lengths."""
    rng = np.random.default_rng(1)
    return pad([rng.integers(2, vocabulary, length).tolist() for length in lengths])


_FIRST_ANSWER = {
    "NumPy imported, no model": "import numpy",
    "both models, text to answer": """
from classifiers import compare, load_models
compare(load_models(), 'hello there')""",
    "BiLSTM, Keras": """
from classifiers.training import keras_backend as keras_models
from classifiers.nn.batching import pad
keras_models.build("bilstm", 12000, 96, 28).predict(pad([[2, 3]]).ids.T, verbose=0)""",
}
"""The code that a new process runs, by its name in the table."""


def first_answer(code: str) -> dict[str, float]:
    """Return the seconds until a new process has run `code`, and its resident memory then (MB)."""
    report = "\nimport psutil; print(psutil.Process().memory_info().rss)"
    times, sizes = [], []
    for _ in range(3):
        start = time.perf_counter()
        command = [sys.executable, "-c", code + report]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own code
        times.append(time.perf_counter() - start)
        sizes.append(int(done.stdout.split()[-1]) / 2**20)
    return {"seconds": statistics.median(times), "megabytes": statistics.median(sizes)}


def stream(directory: Path, texts: Sequence[str]) -> tuple[float, float, float]:
    """Return the CPU time and the time in seconds that the command line takes for a stream, and its memory (MB)."""
    command = [sys.executable, "-m", "classifiers", "compare", "--models", str(directory), "--json", "--file", "-"]
    before, start, most = os.times(), time.perf_counter(), 0
    with tempfile.TemporaryFile() as file:
        file.write("\n".join(texts).encode())
        file.seek(0)
        with subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own code
            while process.poll() is None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    root = psutil.Process(process.pid)
                    most = max(most, sum(each.memory_info().rss for each in (root, *root.children(recursive=True))))
                time.sleep(0.1)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, time.perf_counter() - start, most / 2**20


def stream_rate(directory: Path, words: Sequence[str], batch_milliseconds: float) -> dict[str, float]:
    """Return how fast a stream is read, and the memory for a short and for a long one."""
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(words, length)) for length in rng.integers(3, 41, STREAM)]
    short, long = stream(directory, texts[: STREAM // 4]), stream(directory, texts)
    added = STREAM - STREAM // 4  # texts that only the long stream has; the difference excludes the start
    batch = 1000 * BATCH / batch_milliseconds
    rate = added / (long[0] - short[0])
    return {
        "batch_texts_a_second": batch,
        "stream_texts_a_cpu_second": rate,
        "ratio": rate / batch,
        "stream_texts_a_second": added / (long[1] - short[1]),
        "short_megabytes": short[2],
        "long_megabytes": long[2],
    }


def measure(directory: Path, rounds: int) -> dict[str, Any]:
    """Return all results as JSON data."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    everyone = candidates(directory)
    models: dict[str, NetworkClassifier] = load_models(directory)
    vocabulary = 2 + len(models["bilstm"].tokenizer.words)
    mixed = np.random.default_rng(2).integers(3, 41, BATCH).tolist()
    cases = {f"{length} tokens": [length] for length in LENGTHS} | {f"{BATCH} messages at once": mixed}
    milliseconds = {}
    for case, lengths in cases.items():
        batch = batch_of(lengths, vocabulary)
        runs = {name: partial(run, batch) for name, run in everyone.items()}
        milliseconds[case] = median_cpu_times(runs, rounds)
    words = [word for word in models["bilstm"].tokenizer.words if word.isalpha()]
    text = " ".join(words)[:75]
    whole = median_cpu_times({name: partial(model.predict, [text]) for name, model in models.items()}, rounds)
    at_once = milliseconds[f"{BATCH} messages at once"]
    both = at_once[REFERENCE] + at_once["RNN, NumPy"]
    return {
        "milliseconds": milliseconds,
        "text_to_prediction_milliseconds": whole,
        "stream": stream_rate(directory, words, both),
        "first_answer": {name: first_answer(code) for name, code in _FIRST_ANSWER.items()},
    }


def show(result: dict[str, Any], console: Console) -> None:
    """Print the figures as tables with ratios."""
    table = Table(title=f"Milliseconds, and times {REFERENCE}; medians, one thread")
    table.add_column("candidate")
    for case in result["milliseconds"]:
        table.add_column(case, justify="right")
    for name in next(iter(result["milliseconds"].values())):
        cells = [
            f"{taken[name]:.2f} ({taken[name] / taken[REFERENCE]:.1f}x)" for taken in result["milliseconds"].values()
        ]
        table.add_row(name, *cells)
    console.print(table)
    whole = result["text_to_prediction_milliseconds"]
    console.print("Text in, prediction out: " + ", ".join(f"{name} {taken:.2f} ms" for name, taken in whole.items()))
    figures = result["stream"]
    console.print(
        f"A stream, text to JSON: {figures['stream_texts_a_cpu_second']:,.0f} texts per second of CPU time, "
        f"{figures['ratio']:.0%} of the {figures['batch_texts_a_second']:,.0f} that both networks read in batches; "
        f"{figures['stream_texts_a_second']:,.0f} a second in all; {figures['short_megabytes']:.0f} MB for "
        f"{STREAM // 4:,} texts, {figures['long_megabytes']:.0f} MB for {STREAM:,}"
    )
    table = Table(title="A new process at its first answer")
    for column in ("process", "seconds", "MB"):
        table.add_column(column, justify="left" if column == "process" else "right")
    for name, figures in result["first_answer"].items():
        table.add_row(name, f"{figures['seconds']:.2f}", f"{figures['megabytes']:.0f}")
    console.print(table)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=PRETRAINED, help="model directory (default: the shipped one)")
    parser.add_argument("--rounds", type=int, default=30, help="turns of each candidate (default: 30)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    result = measure(arguments.models, arguments.rounds)
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result, Console())


if __name__ == "__main__":
    main()
