"""Provide stubs for tests of training runs: a reporter that records, and a teacher that trains quickly."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, TypeVar

import numpy as np
import pytest

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.nn.losses import sigmoid_cross_entropy
from classifiers.training.history import Epoch
from classifiers.training.numpy_backend import Trainer
from classifiers.training.recipes import Recipe

Item = TypeVar("Item")


class RecordingReporter:
    """A `Reporter` that records its lines and the losses and epochs of each title."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.epochs: dict[str, list[Epoch]] = {}
        self.batches: dict[str, list[tuple[int, float]]] = {}
        self.totals: dict[str, tuple[int, int]] = {}

    def say(self, line: str) -> None:
        self.lines.append(line)

    @contextmanager
    def bar(self, title: str, epochs: int, steps: int, dev_name: str) -> Iterator[RecordingBar]:
        del dev_name
        self.totals[title] = (epochs, steps)
        yield RecordingBar(self.batches.setdefault(title, []), self.epochs.setdefault(title, []))

    def track(self, items: Iterable[Item], total: int, description: str) -> Iterable[Item]:
        del total, description
        return items


class RecordingBar:
    def __init__(self, batches: list[tuple[int, float]], epochs: list[Epoch]) -> None:
        self._batches, self._epochs = batches, epochs

    def on_batch(self, number: int, loss: float) -> None:
        self._batches.append((number, loss))

    def on_epoch(self, epoch: Epoch) -> None:
        self._epochs.append(epoch)


@contextmanager
def ctrl_c_in_epoch(number: int) -> Iterator[None]:
    """Make every training run in NumPy raise KeyboardInterrupt in the epoch of that number."""
    train_epoch = Trainer.train_epoch

    def interrupted(self: Trainer, examples: Examples, epoch: int) -> Iterator[float]:
        if epoch == number:
            raise KeyboardInterrupt
        return train_epoch(self, examples, epoch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train_epoch", interrupted)
        yield


@contextmanager
def step_by_step() -> Iterator[None]:
    """Make TensorFlow run eagerly; compiling takes a hundred times as long as two updates."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


class QuickTeacher:
    """A bag of hashed words and one layer, in place of the MPNet."""

    epochs_run: ClassVar[list[int]] = []
    stops_at = 0

    def __init__(self, bias: Array, recipe: Recipe, *_: object) -> None:
        self.recipe = recipe
        self.weights = np.tile(bias, (64, 1))

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[zlib.crc32(word.encode()) % 64 for word in text.split()] for text in texts]

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        if number == self.stops_at:
            raise KeyboardInterrupt
        self.epochs_run.append(number)
        for cut in range(0, len(examples), self.recipe.batch_size):
            rows = slice(cut, cut + self.recipe.batch_size)
            loss, gradient = sigmoid_cross_entropy(self.logits(examples.sequences[rows]), examples.targets[rows])
            for sequence, part in zip(examples.sequences[rows], gradient, strict=True):
                self.weights[sequence] -= 50 * part
            yield loss

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        return np.stack([self.weights[sequence].mean(axis=0) for sequence in sequences])

    def vectors(self, words: Sequence[str]) -> Array:
        return np.random.default_rng(len(words)).normal(size=(len(words), 120)).astype(np.float32)

    def state(self) -> dict[str, Array]:
        return {"network/weights": self.weights.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        self.weights = state["network/weights"].copy()
