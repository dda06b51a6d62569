"""Provide a network whose only weight counts the epochs, for tests of the training loop and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.training.history import Epoch
from classifiers.training.loop import Job
from classifiers.training.origin import Origin
from classifiers.training.progress import NullReporter
from classifiers.training.recipes import Recipe

EXAMPLES = Examples([[2]], np.ones((1, 1)))
LOSSES = [0.5, 0.3, 0.4, 0.2, 0.25]
SCORES = [0.1, 0.5, 0.3, 0.4, 0.2]
ORIGIN = Origin(data="d1", tokens="t1", framework="numpy")


class Counter:
    """A `Trainable` whose weight is n after epoch n; it can be interrupted in a given epoch."""

    def __init__(self, stop_in: int | None = None) -> None:
        self.weight = np.zeros(1)
        self.stop_in = stop_in

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        assert examples is EXAMPLES
        yield 2.0 / number
        if number == self.stop_in:
            raise KeyboardInterrupt
        self.weight[0] += 1
        yield 0.0

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        del sequences
        return self.weight

    def state(self) -> dict[str, Array]:
        return {"weight": self.weight.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        self.weight = state["weight"].copy()


def evaluate(logits: Array, targets: Array) -> tuple[float, float]:
    """Return loss and score; epoch 4 has the lowest loss, and epoch 2 the highest score."""
    del targets
    epoch = int(logits[0])
    return LOSSES[epoch - 1], SCORES[epoch - 1]


def recipe(epochs: int, seed: int = 0) -> Recipe:
    return Recipe(epochs, 8, 1e-3, 4, dropout=0, word_dropout=0, weight_decay=0, seed=seed)


def job(checkpoint: Path, recipe: Recipe, origin: Origin = ORIGIN) -> Job:
    return Job(EXAMPLES, EXAMPLES, recipe, evaluate, origin, checkpoint)


class EpochCallback(NullReporter):
    """A `Bar` that calls a function after each epoch."""

    def __init__(self, callback: Callable[[Epoch], None]) -> None:
        self._callback = callback

    def on_epoch(self, epoch: Epoch) -> None:
        self._callback(epoch)
