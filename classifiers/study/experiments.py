"""Measure the vanishing gradient in our own layers: `python train.py study`.

Hochreiter (1991) and Bengio and others (1994) found that the error sent back through a recurrence shrinks
exponentially with every step, so that a network does not learn from early input. Two experiments show how far that
holds, for the plain RNN and for each remedy:

- **memory**: name the one marked letter, which is `distance` steps from either end of the sequence. Each distance and
  seed has its own network, all with the same number of updates. Measured: its accuracy, and the norm of the gradient of
  the loss at each step of the input, before and after training.
- **goemotions**: the same gradient on real texts, before and after a short training.

Each finished run is one JSON file in the folder `runs`, and is not made again. `classifiers.study.report` makes figures
and the tables of the article of them.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from classifiers.command_line import finish, whole_number
from classifiers.files import write_atomically
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, pad
from classifiers.nn.initializers import Seed, glorot_uniform, prior_bias
from classifiers.nn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Embedding, Layer, MeanMaxPooling
from classifiers.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy
from classifiers.nn.network import Network
from classifiers.nn.optimizers import warmup_cosine
from classifiers.study.report import read_article, write_report
from classifiers.text import Tokenizer
from classifiers.training.datasets import load_dataset
from classifiers.training.numpy_backend import Trainer
from classifiers.training.output_folder import check_writable
from classifiers.training.recipes import Recipe

FIRST_LETTER = 2
"""Token number of the first plain letter; those before it are padding and unknown."""

Loss: TypeAlias = Callable[[Array, Array], tuple[float, Array]]
Part: TypeAlias = Literal["memory", "goemotions"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The size of the study.

    Attributes:
        units: units of each recurrent layer, and size of the embeddings.
        letters: number of different letters in the memory task.
        distances: steps between the marked letter and either end of the sequence.
        updates: updates of each network in the memory task.
        batch_size: sequences for each update.
        learning_rate: peak learning rate.
        probes: number of sequences on which accuracy and gradients are measured.
        texts: number of GoEmotions' training texts that are used.
        epochs: how often each of these texts is seen.
        reach: how many steps back the gradient is measured on GoEmotions, on dev texts that are long enough.
    """

    units: int
    letters: int
    distances: tuple[int, ...]
    updates: int
    batch_size: int
    learning_rate: float
    probes: int
    texts: int
    epochs: int
    reach: int

    @property
    def shown(self) -> int:
        """The distance whose gradients are reported, which some networks learn and others do not."""
        return self.distances[-2]

    def recipe(self, clip_norm: float, seed: int) -> Recipe:
        """Return the recipe of a training with these settings, without dropout and weight decay."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            embedding=self.units,
            dropout=0.0,
            word_dropout=0.0,
            weight_decay=0.0,
            clip_norm=clip_norm,
            seed=seed,
        )


FULL = Settings(
    units=48,
    letters=8,
    distances=(2, 5, 10, 20, 40),
    updates=1000,
    batch_size=32,
    learning_rate=2e-3,
    probes=500,
    texts=8_000,
    epochs=2,
    reach=20,
)

QUICK = Settings(
    units=12,
    letters=4,
    distances=(1, 2, 4),
    updates=40,
    batch_size=16,
    learning_rate=1e-2,
    probes=40,
    texts=200,
    epochs=1,
    reach=4,
)
"""Settings for a quick trial: the results have the right form but mean nothing."""


class ReLURNN(RNN):
    """Le and others, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units" (2015).

    h_t = max(0, x_t W + h_{t-1} U + b), where U starts as the identity, so that a state is kept until the input
    changes it, and W as a normal distribution of deviation 0.001.
    """

    def __init__(self, features: int, units: int, rng: np.random.Generator) -> None:
        super().__init__(features, units, None)
        self.params["kernel"] = rng.normal(0, 0.001, (features, units)).astype(np.float32)
        self.params["recurrent_kernel"] = np.eye(units, dtype=np.float32)

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """All hidden states."""
        del lengths, training
        hidden: Array = np.tensordot(x, self.params["kernel"], 1) + self.params["bias"]
        for t, now in enumerate(hidden):
            if t:
                now += hidden[t - 1] @ self.params["recurrent_kernel"]
            np.maximum(now, 0, out=now)
        self._x, self._hidden = x, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Return the gradient at the input: as with tanh, but the slope is 1 or 0."""
        slope = self._hidden > 0
        da = dy * slope
        for t in range(len(da) - 2, -1, -1):
            da[t] += (da[t + 1] @ self.params["recurrent_kernel"].T) * slope[t]
        return _input_gradient(self, self._x, self._hidden, da, da)


class NormalisedRNN(RNN):
    """Layer normalisation within the recurrence, Ba and others, "Layer Normalization" (2016), equation 4.

    h_t = tanh(g ∘ (a_t - mean(a_t)) / deviation(a_t) + b) with a_t = x_t W + h_{t-1} U, over the units of a step.
    Normalisation between layers would not change the path through time.
    """

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__(features, units, rng)
        self.params["gain"] = np.ones(units, dtype=np.float32)

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """All hidden states."""
        del lengths, training
        normal: Array = np.tensordot(x, self.params["kernel"], 1)
        deviation, hidden = np.empty_like(normal[..., :1]), np.empty_like(normal)
        for t, a in enumerate(normal):
            if t:
                a += hidden[t - 1] @ self.params["recurrent_kernel"]
            a -= a.mean(axis=1, keepdims=True)
            deviation[t] = np.sqrt((a**2).mean(axis=1, keepdims=True) + 1e-5)
            a /= deviation[t]
            np.tanh(a * self.params["gain"] + self.params["bias"], out=hidden[t])
        self._x, self._hidden, self._normal, self._deviation = x, hidden, normal, deviation
        return hidden

    def backward(self, dy: Array) -> Array:
        """Return the gradient at the input, without the parts that shift or scale all units of a step alike."""
        slope = 1 - self._hidden**2
        dz, da = dy.copy(), np.empty_like(dy)
        for t in range(len(da) - 1, -1, -1):
            if t + 1 < len(da):
                dz[t] += da[t + 1] @ self.params["recurrent_kernel"].T
            dz[t] *= slope[t]
            dn, n = dz[t] * self.params["gain"], self._normal[t]
            da[t] = dn - dn.mean(axis=1, keepdims=True) - n * (dn * n).mean(axis=1, keepdims=True)
            da[t] /= self._deviation[t]
        self.grads["gain"] = (dz * self._normal).sum(axis=(0, 1))
        return _input_gradient(self, self._x, self._hidden, da, dz)


class Residual(Layer):
    """A skip connection around a layer, y = x + f(x): He and others, "Deep Residual Learning" (2016)."""

    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.inner = inner

    def leaves(self) -> Iterator[tuple[str, Layer]]:
        """Return the leaves of the inner layer."""
        return self.inner.leaves()

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return x + f(x)."""
        return x + self.inner.forward(x, lengths, training)

    def backward(self, dy: Array) -> Array:
        """Return the gradient at x: the sum of both paths."""
        return dy + self.inner.backward(dy)


class LastStep(Layer):
    """The final state of each direction: (time, batch, features) to (batch, features).

    From the left it is the state of the last step, from the right that of the first.
    """

    def __init__(self, directions: int) -> None:
        super().__init__()
        self._directions = directions

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return the final state of each direction."""
        del training
        self._shape = x.shape
        self._steps = (lengths - 1, np.zeros_like(lengths))[: self._directions]
        columns = np.arange(len(lengths))
        parts = np.split(x, self._directions, axis=2)
        return np.concatenate([part[steps, columns] for part, steps in zip(parts, self._steps, strict=True)], axis=1)

    def backward(self, dy: Array) -> Array:
        """Return the gradient at the states, which is zero except at the final ones."""
        dx = np.zeros(self._shape, dtype=dy.dtype)
        columns = np.arange(len(dy))
        parts = zip(np.split(dx, self._directions, axis=2), np.split(dy, self._directions, axis=1), strict=True)
        for (part, gradient), steps in zip(parts, self._steps, strict=True):
            part[steps, columns] = gradient
        return dx


@dataclass(frozen=True, slots=True)
class Row:
    """A network of the study.

    Attributes:
        layers: function from units and a random generator to the recurrent layers, with `units` features in and out.
        directions: 2 if the last layer also reads from the right.
        clip_norm: largest joint norm of the gradients in training; larger ones are scaled down.
        pooled: whether it predicts from mean and maximum over all steps instead of the final state.
    """

    layers: Callable[[int, np.random.Generator], list[Layer]]
    directions: int = 1
    clip_norm: float = 1.0
    pooled: bool = False

    def network(self, vocabulary: int, units: int, labels: int, rng: np.random.Generator) -> Network:
        """Return the untrained network: embeddings, recurrent layers, pooling or final state, and logits."""
        reading = MeanMaxPooling() if self.pooled else LastStep(self.directions)
        features = units * self.directions * (2 if self.pooled else 1)
        layers = self.layers(units, rng)
        return Network([Embedding(vocabulary, units, rng), *layers, reading, Dense(features, labels, rng)])


def _glorot(units: int, rng: np.random.Generator) -> list[Layer]:
    layer = RNN(units, units, rng)
    layer.params["recurrent_kernel"] = glorot_uniform(rng, units, units)
    return [layer]


def _orthogonal(units: int, rng: np.random.Generator) -> list[Layer]:
    return [RNN(units, units, rng)]


def _lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    return [LSTM(units, units, rng)]


def _open_lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    """Return an LSTM whose forget gate is initially σ(4) = 0.98 instead of σ(1) = 0.73, so that it forgets slowly."""
    layer = LSTM(units, units, rng)
    layer.params["bias"][units : 2 * units] = 4
    return [layer]


def _bilstm(units: int, rng: np.random.Generator) -> list[Layer]:
    return [Bidirectional(LSTM(units, units, rng), LSTM(units, units, rng))]


MEMORY = {
    "glorot": Row(_glorot, clip_norm=math.inf),
    "orthogonal": Row(_orthogonal),
    "relu": Row(lambda units, rng: [ReLURNN(units, units, rng)]),
    "skip": Row(lambda units, rng: [Residual(RNN(units, units, rng)), Residual(RNN(units, units, rng))]),
    "norm": Row(lambda units, rng: [NormalisedRNN(units, units, rng)]),
    "gru": Row(lambda units, rng: [GRU(units, units, rng)]),
    "lstm": Row(_lstm),
    "lstm-open": Row(_open_lstm),
    "bilstm": Row(_bilstm, directions=2),
}
"""The networks of the memory task: the plain RNN first, then each remedy."""

GOEMOTIONS = {
    "glorot": Row(_glorot, clip_norm=math.inf),
    "orthogonal": Row(_orthogonal),
    "lstm": Row(_lstm),
    "bilstm": Row(_bilstm, directions=2),
    "orthogonal-pooled": Row(_orthogonal, pooled=True),
    "bilstm-pooled": Row(_bilstm, directions=2, pooled=True),
}
"""The networks that read GoEmotions; the pooled ones predict as the shipped models do."""


def memory_batch(distance: int, rows: int, letters: int, rng: np.random.Generator) -> tuple[Batch, Array]:
    """Return random letters (2 x distance + 1, rows), the middle one marked, and its one-hot target (rows, letters).

    The middle is equally far from both ends, so that no direction has an advantage.
    """
    drawn = rng.integers(0, letters, (2 * distance + 1, rows), dtype=np.int32)
    ids = drawn + FIRST_LETTER
    ids[distance] += letters  # a marked letter is a token of its own
    return Batch(ids, np.full(rows, len(ids), dtype=np.int32)), np.eye(letters, dtype=np.float32)[drawn[distance]]


def gradient_norms(
    network: Network, row: Row, batch: Batch, targets: Array, loss: Loss, reach: int
) -> list[list[float]]:
    """Return the gradient norm of a sequence's loss at the input `k` steps back: [direction][k], k up to `reach`.

    It is the norm over features, averaged over the sequences, of the gradient with respect to the embedded token. Steps
    are counted from where the direction ends: from the left, k = 0 is the last token; from the right, the first.
    Each direction's gradient includes only its own path; the full gradient is the sum of both.
    """
    logits = network.forward(batch)
    gradient = loss(logits, targets)[1] * len(logits)  # of the sum, so that the batch does not matter
    *inner, reading, output = network.layers[1:]
    d_states = reading.backward(output.backward(gradient))
    columns = np.arange(len(batch.lengths))
    norms = []
    for direction, part in enumerate(np.split(np.arange(d_states.shape[2]), row.directions)):
        dx = np.zeros_like(d_states)
        dx[..., part] = d_states[..., part]
        for layer in reversed(inner):
            dx = layer.backward(dx)
        size = np.linalg.norm(dx, axis=2)
        steps = [batch.lengths - 1 - k if direction == 0 else np.full_like(batch.lengths, k) for k in range(reach + 1)]
        norms.append([_rounded(size[step, columns].mean()) for step in steps])
    return norms


def measure_memory(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train a network for each distance; return the accuracies, and for `shown` the gradients before and after.

    The gradients are those of the loss for a random letter: for the right letter, a network that has learnt the task
    would send hardly any error back, whatever its recurrence does.
    """
    row = MEMORY[name]
    found: dict[str, Any] = {"accuracy": {}}
    for distance in settings.distances:
        rng = np.random.default_rng([seed, distance])
        tokens = FIRST_LETTER + 2 * settings.letters
        network = row.network(tokens, settings.units, settings.letters, rng)
        trainer = Trainer(network, settings.recipe(row.clip_norm, seed), multi_label=False)
        batch, targets = memory_batch(distance, settings.probes, settings.letters, rng)
        others = rng.permutation(targets)
        probe = partial(gradient_norms, network, row, batch, others, softmax_cross_entropy, 2 * distance)
        if distance == settings.shown:
            found["start"] = probe()
        for step in range(settings.updates):
            rate = warmup_cosine(step, settings.updates, settings.learning_rate)
            trainer.step(*memory_batch(distance, settings.batch_size, settings.letters, rng), rate)
        if distance == settings.shown:
            found["end"] = probe()
        right = network.forward(batch).argmax(axis=1) == targets.argmax(axis=1)
        found["accuracy"][str(distance)] = _rounded(right.mean())
    return found


@dataclass(frozen=True, slots=True)
class _Texts:
    train: Examples
    dev: Examples
    vocabulary: int


@cache
def _goemotions(texts: int) -> _Texts:
    """Return the first `texts` training texts and all dev texts, as token numbers."""
    dataset = load_dataset("goemotions")
    known = dataset.train.texts[:texts]
    tokenizer = Tokenizer.fit(known, max_words=5000, min_count=2, max_tokens=64)
    train = Examples([tokenizer.encode(text) for text in known], dataset.train.targets[:texts])
    dev = Examples([tokenizer.encode(text) for text in dataset.dev.texts], dataset.dev.targets)
    return _Texts(train, dev, len(tokenizer))


def measure_goemotions(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train a network briefly; return the gradients before and after, and top-1 on dev texts with one label."""
    row = GOEMOTIONS[name]
    texts = _goemotions(settings.texts)
    labels = texts.train.targets.shape[1]
    network = row.network(texts.vocabulary, settings.units, labels, np.random.default_rng(seed))
    network.layers[-1].params["bias"] = prior_bias(texts.train.targets, multi_label=True)
    trainer = Trainer(network, settings.recipe(row.clip_norm, seed), multi_label=True)
    long = [place for place, text in enumerate(texts.dev.sequences) if len(text) > settings.reach][: settings.probes]
    batch, targets = pad([texts.dev.sequences[place] for place in long]), texts.dev.targets[long]
    probe = partial(gradient_norms, network, row, batch, targets, sigmoid_cross_entropy, settings.reach)
    start = probe()
    for number in range(1, settings.epochs + 1):
        for _ in trainer.train_epoch(texts.train, number):
            pass
    single = texts.dev.targets.sum(axis=1) == 1
    right = network.logits(texts.dev.sequences).argmax(axis=1) == texts.dev.targets.argmax(axis=1)
    return {"start": start, "end": probe(), "top1": _rounded(right[single].mean())}


class _Record(TypedDict):
    """The content of a run's file, in either part of the study."""

    settings: dict[str, Any]
    seconds: float
    start: list[list[float]]
    end: list[list[float]]


class _MemoryRecord(_Record):
    accuracy: dict[str, float]


class _GoEmotionsRecord(_Record):
    top1: float


_RECORDS = {"memory": _MemoryRecord, "goemotions": _GoEmotionsRecord}


@dataclass(frozen=True, slots=True)
class Run:
    """One network and seed, and the file for its results."""

    part: Part
    row: str
    seed: int
    settings: Settings
    file: Path

    def kept(self) -> dict[str, Any] | None:
        """Return the results of an earlier run with the same settings; None without them or if the file is damaged."""
        try:
            # Python's own reader, since what has diverged is NaN, which msgspec's does not read.
            record: dict[str, Any] = msgspec.convert(json.loads(self.file.read_bytes()), _RECORDS[self.part])
        except (FileNotFoundError, ValueError, RecursionError, msgspec.ValidationError):
            return None
        return record if record["settings"] == as_json(self.settings) else None

    def __call__(self) -> None:
        """Measure, and write the file at once or not at all."""
        start = time.process_time()
        measure = measure_memory if self.part == "memory" else measure_goemotions
        found = measure(self.row, self.seed, self.settings)
        record = {"settings": as_json(self.settings), "seconds": round(time.process_time() - start, 1), **found}
        write_atomically(self.file, json.dumps(record).encode())


def as_json(settings: Settings) -> dict[str, Any]:
    """Return settings in the form in which they are read back from a file."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def plan(settings: Settings, seeds: int, folder: Path) -> list[Run]:
    """Return all runs, seed after seed, the slow ones of each seed first, so that the last ones to finish are short."""
    rows: list[tuple[Part, str]] = [("memory", row) for row in reversed(MEMORY)]
    rows += [("goemotions", row) for row in reversed(GOEMOTIONS)]
    return [
        Run(part, row, seed, settings, folder / f"{part}-{row}-{seed}.json")
        for seed in range(seeds)
        for part, row in rows
    ]


def carry_out(runs: Sequence[Run], jobs: int) -> Iterator[None]:
    """Carry out the runs, `jobs` at once, and yield after each."""
    if jobs == 1:
        for run in runs:
            run()
            yield
        return
    # Fresh processes read these before they load NumPy: one thread each, or they would be in each other's way.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    # Ctrl-C is for this process alone, which then ends the others on its way out of the block.
    with multiprocessing.get_context("spawn").Pool(
        min(jobs, len(runs)), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        yield from pool.imap_unordered(Run.__call__, runs)


def collect(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the results of all runs: {"settings", "shown", "seconds", part: {row: [of seed 0, of seed 1, ...]}}."""
    records = [(run, run.kept()) for run in runs]
    numbers: dict[str, Any] = {
        "settings": as_json(runs[0].settings),
        "shown": runs[0].settings.shown,
        "seconds": round(sum(record["seconds"] for _, record in records if record)),
        "memory": {row: [] for row in MEMORY},
        "goemotions": {row: [] for row in GOEMOTIONS},
    }
    for run, record in records:
        if record:
            found = {key: value for key, value in record.items() if key not in {"settings", "seconds"}}
            numbers[run.part][run.row].append(found)
    return numbers


def main(argv: Sequence[str]) -> int:
    """Run the command line after `train.py study`; returns the exit status."""
    return finish(lambda: _main(argv))


def _main(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    settings = QUICK if arguments.quick else FULL
    out: Path = arguments.out or (Path("models", "quick-study") if arguments.quick else Path("docs", "study"))
    console = Console(markup=False, emoji=False)  # names of folders are no markup
    start = time.perf_counter()
    read_article(out)
    check_writable(out / "runs")
    check_writable(out)
    runs = plan(settings, arguments.seeds, out / "runs")
    if any(run.kept() is None for run in runs):
        load_dataset("goemotions")  # to find out now whether it can be had
    if not _carry_out_with_progress(runs, arguments.jobs, console):
        console.print("Stopped; run the same command to continue.")
        return 130
    article = write_report(collect(runs), out)
    console.print(f"Written: {article} and the figures in {out}, after {time.perf_counter() - start:,.0f} s.")
    return 0


def _carry_out_with_progress(runs: Sequence[Run], jobs: int, console: Console) -> bool:
    """Carry out the missing runs and show a progress bar; return False after Ctrl-C."""
    missing = [run for run in runs if run.kept() is None]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Networks trained", total=len(runs), completed=len(runs) - len(missing))
        try:
            for _ in carry_out(missing, jobs):
                progress.advance(task)
        except KeyboardInterrupt:
            return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train.py study",
        description="Measure the vanishing gradient, in networks that remember a letter and in networks that read "
        "GoEmotions, and write figures, numbers and the tables of the article. Ctrl-C stops; run the same command to "
        "continue.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--seeds",
        type=whole_number(1, 1000),
        default=5,
        metavar="N",
        help="number of seeds for each network (default: 5)",
    )
    parser.add_argument("--quick", action="store_true", help="run for seconds, not minutes; the results mean nothing")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for figures and numbers; the article is DIR.md, whose marked sections are replaced "
        "(default: docs/study, or models/quick-study with --quick)",
    )
    parser.add_argument(
        "--jobs",
        type=whole_number(1, 256),
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many networks to train at once (default: the number of cores)",
    )
    return parser


def _input_gradient(layer: Layer, x: Array, hidden: Array, da: Array, d_bias: Array) -> Array:
    """Set the layer's gradients of W, U and b, and return that of x."""
    both = ((0, 1), (0, 1))
    layer.grads["kernel"] = np.tensordot(x, da, both)
    layer.grads["recurrent_kernel"] = np.tensordot(hidden[:-1], da[1:], both)
    layer.grads["bias"] = d_bias.sum(axis=(0, 1))
    return np.tensordot(da, layer.params["kernel"].T, 1)


def _rounded(number: float) -> float:
    """Return a number with four significant digits, which are enough for a few seeds."""
    return float(f"{number:.4g}")
